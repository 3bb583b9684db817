//! An engine whose list of containers is behind what it knows of each: one whose start or end did not
//! fit on a full disk is listed as before, until its next change.

use landfall_deploy::ports::{Engine as _, Selector, Status};
use landfall_docker::DockerEngine;
use tokio::net::UnixListener;

use crate::unreachable::{block_on, json, scripted};

const LABELS: &str = r#"{"landfall.app":"shop","landfall.release":"1","landfall.rollout":"1",
    "landfall.step":"3","landfall.scope":"app","landfall.service":"db","landfall.replica":"1"}"#;

/// What the list says of a database.
fn listed(status: &str) -> String {
    let text =
        format!(r#"[{{"Id":"c1","Names":["/shop-db"],"State":"{status}","Labels":{LABELS}}}]"#);
    json("200 OK", &text)
}

/// What is said of it alone.
fn alone(status: &str) -> String {
    let text = format!(r#"{{"Id":"c1","Name":"/shop-db","State":{{"Status":"{status}"}}}}"#);
    json("200 OK", &text)
}

/// How it is found.
fn found(answers: &[&str]) -> Vec<Status> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let version = json("200 OK", r#"{"ApiVersion":"1.41"}"#);
    let root = folder.path().to_str().unwrap();
    let info = json("200 OK", &format!(r#"{{"DockerRootDir":"{root}"}}"#));
    let answers = [&[version.as_str(), &info][..], answers].concat();
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let app = Selector::app(&"shop".parse().unwrap());
        let (_, found) = tokio::join!(scripted(listener, &answers), engine.containers(&app));
        found.unwrap().into_iter().map(|found| found.status).collect()
    })
}

#[test]
fn a_container_that_runs_is_not_taken_for_one_that_never_started() {
    assert_eq!(found(&[&listed("created"), &alone("running")]), [Status::Running]);
    assert_eq!(found(&[&listed("exited"), &alone("running")]), [Status::Running]);
    assert_eq!(found(&[&listed("created"), &alone("created")]), [Status::Created]);
    assert_eq!(found(&[&listed("running")]), [Status::Running], "one question is enough");
    let none = json("404 Not Found", r#"{"message":"No such container: c1"}"#);
    assert_eq!(found(&[&listed("exited"), &none]), [], "it is gone meanwhile");
}
