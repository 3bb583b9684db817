//! A container whose networks the engine has lost, as each kind of engine shows it.

use landfall_core::plan::Attachment;
use landfall_deploy::ports::Engine;

use crate::unreachable::{asked, json};

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

/// One that runs, on `db`, and on `shop` by this endpoint; an empty one is none, `None` no place at all.
fn on_shop(endpoint: Option<&str>) -> String {
    let place =
        |id: &str, endpoint: &str| format!(r#"{{"NetworkID":"{id}","EndpointID":"{endpoint}"}}"#);
    let shop = endpoint.map(|endpoint| format!(r#","shop":{}"#, place("n1", endpoint)));
    let networks = format!(r#""db":{}{}"#, place("n0", "e0"), shop.unwrap_or_default());
    let state = r#"{"Status":"running","StartedAt":"2026-01-01T00:00:00Z"}"#;
    let settings = format!(r#"{{"Networks":{{{networks}}}}}"#);
    let text =
        format!(r#"{{"Id":"c1","Name":"/db","State":{state},"NetworkSettings":{settings}}}"#);
    json("200 OK", &text)
}

#[test]
fn a_container_is_not_joined_to_a_network_that_does_not_know_it() {
    let (seen, known) = (on_shop(Some("e1")), network(&["e0", "e1"]));
    assert_eq!(join(&[&seen, &known, &known]), Ok(()), "it is joined already");
    let why = join(&[&seen, &known, &network(&["e0"])]).unwrap_err();
    assert!(why.contains("on paper only") && why.contains("`landfall repair`"), "{why}");
}

#[test]
fn a_join_that_the_engine_failed_or_forgot_is_done_again() {
    let (done, found) = (json("200 OK", ""), json("200 OK", r#"[{"Name":"shop","Id":"n1"}]"#));
    let (absent, unmade) = (on_shop(None), on_shop(Some("")));
    let (known, whole) = (network(&["e0"]), network(&["e0", "e1"]));
    let joins = [&*unmade, &known, &done, &found, &done];
    assert_eq!(join(&joins), Ok(()), "the engine kept the name of a join that failed");
    let taken = r#"{"message":"endpoint with name db already exists in network shop"}"#;
    let taken = json("403 Forbidden", taken);
    let joins = [&*absent, &known, &found, &taken, &unmade, &done, &done];
    assert_eq!(join(&joins), Ok(()), "the engine forgot one that it had done");
    let joins = [&*absent, &known, &found, &taken, &on_shop(Some("e1")), &whole];
    assert_eq!(join(&joins), Ok(()), "somebody was faster");
    let joins = [&*absent, &known, &found, &taken, &unmade, &done, &taken];
    let why = join(&joins).unwrap_err();
    assert!(why.contains("endpoint with name") && why.contains("`landfall repair`"), "{why}");
    let address = json("403 Forbidden", r#"{"message":"Address already in use"}"#);
    let joins = [&*absent, &known, &found, &address, &unmade, &done, &address];
    assert_eq!(join(&joins).unwrap_err(), "Address already in use", "it is another's");
}

#[test]
fn a_container_that_is_on_a_network_by_name_only_can_leave_it() {
    let not_connected = r#"{"message":"container c1 is not connected to network shop"}"#;
    let refused = json("500 Internal Server Error", not_connected);
    let unmade = on_shop(Some(""));
    let left = asked(&[&unmade, &refused, &unmade], async |engine| {
        Engine::disconnect(&engine, "c1", "shop").await
    });
    assert_eq!(left, Ok(()));
}

/// Joins the container to the network `shop`; why not, if it fails.
fn join(answers: &[&str]) -> Result<(), String> {
    let shop = Attachment { network: "shop".to_owned(), ..Attachment::default() };
    let joined = asked(answers, async |engine| Engine::connect(&engine, "c1", &shop).await);
    joined.map_err(|error| error.message)
}
