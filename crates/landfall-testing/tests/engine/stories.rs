//! What a team does: deploy, deploy again, break it, go back, take it down.

use crate::fixture::Variant;
use crate::ring::{Ring, clean, data};

#[test]
fn two_deploys_under_load_drop_nothing_and_leave_nothing() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    let load = ring.load();
    for word in ["two", "one", "two"] {
        ring.deploys(word, Variant::Fine);
        assert_eq!(ring.answer(), word);
    }
    clean(load);
    // store, setup, web and ticker of the last release; the data volume; two networks.
    let left = ring.leftovers();
    assert_eq!((left.containers.len(), left.networks.len()), (4, 2), "{left:?}");
    assert_eq!(data("setup.log"), "ran\n".repeat(4), "a one-off runs once a release");
    assert_eq!(data("store.log"), "1\n", "an unchanged stateful service is left alone");
}

#[test]
fn a_broken_candidate_never_serves_and_leaves_nothing() {
    let ring = Ring::new();
    ring.deploys("good", Variant::Fine);
    let before = ring.leftovers();
    let load = ring.load();
    for (variant, said) in [
        (Variant::Crash, "cannot find the settings"),
        (Variant::NeverReady, "not ready after 4 s"),
        (Variant::BadSetup, "the column exists already"),
        (Variant::Flaky, "503"),
    ] {
        let failed = ring.deploy("bad", variant);
        assert_eq!(failed.exit_code, Some(3), "{variant:?}: {failed:?}");
        assert!(failed.stderr.contains(said), "{variant:?}: {}", failed.stderr);
        assert!(failed.stderr.contains("r1 still serves"), "{variant:?}: {}", failed.stderr);
        assert_eq!(ring.answer(), "good", "{variant:?}");
        assert_eq!(ring.leftovers(), before, "{variant:?}");
    }
    clean(load);
}

#[test]
fn rolling_back_restores_files_too_and_down_keeps_the_data() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    ring.deploys("two", Variant::Fine);
    let load = ring.load();
    let back = ring.run(&["rollback", "-p", "ring"]);
    assert_eq!(back.exit_code, Some(0), "{back:?}");
    assert_eq!(ring.answer(), "one", "the sealed page, although the file on disk says two");
    clean(load);
    let down = ring.run(&["down", "-p", "ring", "--yes"]);
    assert_eq!(down.exit_code, Some(0), "{down:?}");
    let left = ring.leftovers();
    assert!(left.containers.is_empty() && left.networks.is_empty(), "{left:?}");
    let volumes: Vec<_> = left.volumes.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(volumes, ["ring_data"]);
    ring.deploys("three", Variant::Fine);
    assert_eq!(data("store.log"), "1\n1\n", "the data outlived it all");
}

#[test]
fn a_changed_stateful_service_is_replaced_in_place_and_goes_back_on_failure() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    ring.deploys("two", Variant::NewStore);
    assert_eq!(data("store.log"), "1\n2\n");
    assert_eq!(ring.deploy("bad", Variant::Crash).exit_code, Some(3));
    assert_eq!(ring.answer(), "two");
    // The failed release had the first store again: replaced, and put back.
    assert_eq!(data("store.log"), "1\n2\n1\n2\n");
}

#[test]
fn a_client_that_is_killed_changes_nothing() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    let mut client = ring.spawn_deploy("two", Variant::Fine);
    ring.wait_open();
    client.kill().expect("it runs");
    client.wait().expect("it was killed");
    let attached = ring.run(&["attach", "-p", "ring"]);
    assert_eq!(attached.exit_code, Some(0), "{attached:?}");
    assert_eq!(ring.answer(), "two");
}

#[test]
fn the_same_again_is_nothing_to_do() {
    let ring = Ring::new();
    ring.deploys("one", Variant::Fine);
    let before = ring.leftovers();
    let again = ring.deploy("one", Variant::Fine);
    assert_eq!(again.exit_code, Some(0), "{again:?}");
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert_eq!(ring.leftovers(), before);
}
