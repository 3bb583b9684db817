//! Bad input: a clear message with a hint, the right exit code, and nothing changed.

use std::net::TcpListener;

use crate::fixture::Variant;
use crate::ring::Ring;

#[test]
fn an_image_that_cannot_be_had_is_refused() {
    let ring = Ring::new();
    let refused = ring.deploy("one", Variant::NoImage);
    assert_eq!(refused.exit_code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("landfall-no-such-image:1"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert!(ring.leftovers().is_empty(), "{:?}", ring.leftovers());
}

#[test]
fn a_taken_port_is_refused_with_the_name_of_its_owner() {
    let ring = Ring::new();
    let _taken = TcpListener::bind(("127.0.0.1", ring.port())).expect("it is free");
    let refused = ring.deploy("one", Variant::Fine);
    assert_eq!(refused.exit_code, Some(1), "{refused:?}");
    let own = std::process::id().to_string();
    assert!(refused.stderr.contains(&own), "names this process, {own}: {}", refused.stderr);
    assert!(ring.leftovers().is_empty(), "{:?}", ring.leftovers());
}

#[test]
fn the_second_of_two_deploys_is_told_who_holds_the_lease() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    let mut first = ring.spawn_deploy("two", Variant::NeverReady);
    ring.wait_open();
    let second = ring.deploy("three", Variant::Fine);
    assert_eq!(second.exit_code, Some(5), "{second:?}");
    assert!(second.stderr.contains("started by"), "{}", second.stderr);
    let cancelled = ring.run(&["cancel", "-p", "ring"]);
    assert_eq!(cancelled.exit_code, Some(0), "{cancelled:?}");
    assert_eq!(first.wait().expect("it runs").code(), Some(3), "called off: the old one serves");
    assert_eq!(ring.answer(), "one");
}

#[test]
fn without_an_agent_the_way_to_start_one_is_told() {
    let ring = Ring::new();
    ring.kill_agent();
    let refused = ring.deploy("one", Variant::Fine);
    assert_eq!(refused.exit_code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("landfall agent start"), "{}", refused.stderr);
}
