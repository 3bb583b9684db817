//! A release is held before its cutover: looked at, promoted or called off, over a death of the agent.

use std::net::SocketAddr;

use crate::fixture::Variant;
use crate::ring::{Ring, clean, data, docker};

/// Where the last deploy's candidate can be looked at.
fn preview(ring: &Ring) -> SocketAddr {
    let status = ring.status();
    let listen = status["open"]["phase"]["preview"][0]["listen"].as_str();
    listen.unwrap_or_else(|| panic!("no preview: {status}")).parse().expect("an address")
}

#[test]
fn a_held_release_is_previewed_survives_its_agent_and_is_promoted_under_load() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    let load = ring.load();
    let said = ring.deploy_with("two", Variant::Fine, &["--hold"]);
    assert_eq!(said.exit_code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("ring r1 still serves; r2 is ready and held"), "{}", said.stderr);
    let preview = preview(&ring);
    assert!(said.stderr.contains(&format!("http://{preview}/")), "{}", said.stderr);
    assert_eq!((ring.answer(), ring.answer_at(preview)), ("one".into(), "two".into()));
    assert_eq!(data("setup.log"), "ran\n".repeat(2), "the one-off has run by then");

    ring.kill_agent();
    assert_eq!((ring.answer(), ring.answer_at(preview)), ("one".into(), "two".into()));
    ring.start_agent();
    assert_eq!((ring.answer(), ring.answer_at(preview)), ("one".into(), "two".into()));
    let other = ring.deploy("three", Variant::Fine);
    assert_eq!(other.exit_code, Some(5), "{}", other.stderr);
    assert!(other.stderr.contains("landfall promote"), "{}", other.stderr);
    assert_eq!(ring.run(&["attach", "-p", "ring"]).exit_code, Some(0));

    // It was stopped by hand meanwhile: the promotion starts it and asks it anew.
    docker(&["stop", "-t", "0", "ring-web-d2-1"]);
    let promoted = ring.run(&["promote", "-p", "ring"]);
    assert_eq!(promoted.exit_code, Some(0), "{}", promoted.stderr);
    assert!(promoted.stderr.contains("ring r2 serves"), "{}", promoted.stderr);
    assert_eq!(ring.answer(), "two");
    clean(load);
    assert!(std::net::TcpStream::connect(preview).is_err(), "the preview is closed");
    assert_eq!(data("setup.log"), "ran\n".repeat(2));
    let left = ring.leftovers();
    assert_eq!((left.containers.len(), left.networks.len()), (4, 2), "{left:?}");
}

#[test]
fn a_held_release_that_is_called_off_leaves_nothing() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    let before = ring.leftovers();
    let load = ring.load();
    assert_eq!(ring.deploy_with("two", Variant::Fine, &["--hold"]).exit_code, Some(0));
    let preview = preview(&ring);
    assert_eq!(ring.answer_at(preview), "two");
    ring.kill_agent();
    ring.start_agent();
    let cancelled = ring.run(&["cancel", "-p", "ring"]);
    assert_eq!(cancelled.exit_code, Some(0), "{}", cancelled.stderr);
    assert_eq!(ring.answer(), "one");
    clean(load);
    assert!(std::net::TcpStream::connect(preview).is_err(), "the preview is closed");
    assert_eq!(ring.leftovers(), before);
    let gone = ring.run(&["promote", "-p", "ring"]);
    assert_eq!(gone.exit_code, Some(1), "{}", gone.stderr);
}
