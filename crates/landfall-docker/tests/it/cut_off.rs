//! A container whose networks the engine has lost, as each kind of engine shows it.

use landfall_core::plan::Attachment;
use landfall_deploy::ports::Engine;
use landfall_docker::DockerEngine;
use tokio::net::UnixListener;

use crate::unreachable::{block_on, json, scripted};

/// What `/containers/{id}/json` says of one on one network.
fn container(status: &str, endpoint: &str, started_at: &str) -> String {
    let place = format!(r#"{{"NetworkID":"n1","EndpointID":"{endpoint}","IPAddress":"10.0.0.2"}}"#);
    let networks = format!(r#"{{"Networks":{{"shop":{place}}}}}"#);
    let state = format!(r#"{{"Status":"{status}","StartedAt":"{started_at}"}}"#);
    let text =
        format!(r#"{{"Id":"c1","Name":"/web","State":{state},"NetworkSettings":{networks}}}"#);
    json("200 OK", &text)
}

/// What `/networks/{id}` says: the endpoints that it knows.
fn network(endpoints: &[&str]) -> String {
    let one = |id: &&str| format!(r#""container-of-{id}":{{"EndpointID":"{id}"}}"#);
    let members: Vec<_> = endpoints.iter().map(one).collect();
    let text = format!(r#"{{"Id":"n1","Name":"shop","Containers":{{{}}}}}"#, members.join(","));
    json("200 OK", &text)
}

/// Asks an engine that gives these answers.
fn asked<T>(answers: &[&str], ask: impl AsyncFnOnce(DockerEngine) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let version = json("200 OK", r#"{"ApiVersion":"1.41"}"#);
        let answers: Vec<_> =
            std::iter::once(version.as_str()).chain(answers.iter().copied()).collect();
        tokio::join!(scripted(listener, &answers), ask(engine)).1
    })
}

fn is_cut_off(answers: &[&str]) -> bool {
    asked(answers, async |engine| engine.is_cut_off("c1").await.unwrap())
}

#[test]
fn a_container_whose_networks_the_engine_has_lost_is_told_from_one_that_is_well() {
    let running = |endpoint: &str| container("running", endpoint, "2026-01-01T00:00:00Z");
    let (whole, bare) = (running("e1"), running(""));
    assert!(!is_cut_off(&[&whole, &network(&["e0", "e1"])]), "its network knows it");
    assert!(is_cut_off(&[&bare, &bare]), "newer engines have it by name only");
    assert!(is_cut_off(&[&whole, &network(&["e0"]), &whole]), "20.10 shows what was");
    let gone = json("404 Not Found", r#"{"message":"network n1 not found"}"#);
    assert!(is_cut_off(&[&whole, &gone, &whole]), "the network itself may be lost");
    let again = container("running", "e2", "2026-01-01T00:00:05Z");
    assert!(!is_cut_off(&[&whole, &network(&["e2"]), &again]), "it was started in between");
    let ended = container("exited", "", "2026-01-01T00:00:00Z");
    assert!(!is_cut_off(&[&ended]), "its next start joins it to them");
    let none = json("404 Not Found", r#"{"message":"No such container: c1"}"#);
    assert!(!is_cut_off(&[&none]));
}

#[test]
fn a_container_is_not_joined_to_a_network_that_does_not_know_it() {
    let place = |id: &str| format!(r#"{{"NetworkID":"{id}","EndpointID":"e-{id}"}}"#);
    let networks = format!(r#"{{"Networks":{{"db":{},"shop":{}}}}}"#, place("n0"), place("n1"));
    let state = r#"{"Status":"running","StartedAt":"2026-01-01T00:00:00Z"}"#;
    let text =
        format!(r#"{{"Id":"c1","Name":"/db","State":{state},"NetworkSettings":{networks}}}"#);
    let (seen, known) = (json("200 OK", &text), network(&["e-n0", "e-n1"]));
    assert_eq!(join(&[&seen, &known, &known]), Ok(()), "it is joined already");
    let why = join(&[&seen, &known, &network(&[])]).unwrap_err();
    assert!(why.contains("on paper only") && why.contains("`landfall repair`"), "{why}");
}

/// Joins the container to the network `shop`; why not, if it fails.
fn join(answers: &[&str]) -> Result<(), String> {
    let shop = Attachment { network: "shop".to_owned(), ..Attachment::default() };
    let joined = asked(answers, async |engine| Engine::connect(&engine, "c1", &shop).await);
    joined.map_err(|error| error.message)
}
