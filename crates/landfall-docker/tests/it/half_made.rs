//! A container that an engine was killed in the middle of making, and that bears its name.

use std::collections::BTreeMap;

use landfall_core::id::{ImageId, ReleaseNumber, RolloutNumber};
use landfall_core::label::{Labels, Scope};
use landfall_core::plan::Attachment;
use landfall_core::spec::ContainerSpec;
use landfall_deploy::ports::{ContainerRequest, Engine as _};
use landfall_docker::DockerEngine;
use tokio::net::UnixListener;

use crate::unreachable::{block_on, json, scripted};

fn request() -> ContainerRequest {
    ContainerRequest {
        name: "shop-beat-d1-1".into(),
        labels: Labels {
            app: "shop".parse().unwrap(),
            release: ReleaseNumber(1),
            rollout: RolloutNumber(1),
            step: 3,
            scope: Scope::Release,
            service: Some("beat".parse().unwrap()),
            replica: Some(1),
            revision: None,
        },
        image: ImageId("sha256:0f3a".into()),
        platform: None,
        container: ContainerSpec::default(),
        mounts: vec![],
        attachments: vec![Attachment { network: "shop".into(), ..Attachment::default() }],
        peers: BTreeMap::new(),
        publish: vec![],
        restart: true,
        disable_healthcheck: true,
    }
}

/// What is said of the container of that name.
fn there(state: &str, mode: &str, networks: &str) -> String {
    let labels = r#"{"landfall.app":"shop","landfall.release":"1","landfall.rollout":"1",
        "landfall.step":"3","landfall.scope":"release","landfall.service":"beat",
        "landfall.replica":"1"}"#;
    let text = format!(
        r#"{{"Id":"c1","Name":"/shop-beat-d1-1","State":{{"Status":"{state}"}},
            "Config":{{"Labels":{labels}}},"HostConfig":{{"NetworkMode":"{mode}"}},
            "NetworkSettings":{{"Networks":{networks}}}}}"#
    );
    json("200 OK", &text)
}

/// Which container a create comes to that finds its name taken by this one; the engine then gives these
/// answers, each to one question.
fn created(there: &str, then: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let root = folder.path().to_str().unwrap();
    let (version, info) = (
        json("200 OK", r#"{"ApiVersion":"1.41"}"#),
        json("200 OK", &format!(r#"{{"DockerRootDir":"{root}"}}"#)),
    );
    let (none, networks) = (json("200 OK", "[]"), json("200 OK", r#"[{"Name":"shop","Id":"n1"}]"#));
    let taken = json("409 Conflict", r#"{"message":"the name is in use"}"#);
    let answers = [&[&*version, &info, &none, &networks, &taken, there][..], then].concat();
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let request = request();
        tokio::join!(scripted(listener, &answers), engine.create(&request)).1.unwrap()
    })
}

#[test]
fn a_container_without_its_network_is_made_anew() {
    let (gone, made) =
        ("HTTP/1.1 204 No Content\r\n\r\n", json("201 Created", r#"{"Id":"c2","Warnings":[]}"#));
    assert_eq!(created(&there("created", "shop", "null"), &[gone, &made]), "c2");
    assert_eq!(created(&there("created", "shop", "{}"), &[gone, &made]), "c2");
}

#[test]
fn a_container_that_is_whole_or_was_started_is_adopted() {
    assert_eq!(created(&there("created", "shop", r#"{"shop":{}}"#), &[]), "c1");
    assert_eq!(created(&there("running", "shop", "{}"), &[]), "c1", "it may hold data");
    assert_eq!(created(&there("exited", "shop", "{}"), &[]), "c1", "it may hold data");
    assert_eq!(created(&there("created", "container:c0", "{}"), &[]), "c1", "it has another's");
}
