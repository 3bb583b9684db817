//! The agent's database is lost while the app serves.

use crate::fixture::Variant;
use crate::ring::{Ring, clean};

#[test]
fn a_lost_database_is_rebuilt_and_the_app_serves_all_the_while() {
    let ring = Ring::new();
    for word in ["one", "two", "three"] {
        ring.deploys(word, Variant::Fine);
    }
    let before = ring.leftovers();
    let load = ring.load();
    ring.kill_agent();
    ring.lose_database();
    let refused = ring.run(&["agent", "run"]);
    assert_eq!(refused.exit_code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("landfall recover"), "{refused:?}");
    let shown = ring.run(&["recover"]);
    assert_eq!(shown.exit_code, Some(0), "{shown:?}");
    assert_eq!(ring.run(&["agent", "run"]).exit_code, Some(1), "showing changed nothing");
    let done = ring.run(&["recover", "--yes"]);
    assert_eq!(done.exit_code, Some(0), "{done:?}");
    assert_eq!(ring.leftovers(), before, "nothing at the engine changed");
    ring.start_agent();
    let status = ring.run(&["status", "-p", "ring"]);
    assert_eq!(status.exit_code, Some(0), "{status:?}");
    let back = ring.run(&["rollback", "-p", "ring"]);
    assert_eq!(back.exit_code, Some(0), "{back:?}");
    assert_eq!(ring.answer(), "two");
    ring.deploys("four", Variant::Fine);
    assert_eq!(ring.answer(), "four");
    clean(load);
    let down = ring.run(&["down", "-p", "ring", "--yes"]);
    assert_eq!(down.exit_code, Some(0), "{down:?}");
    let left = ring.leftovers();
    assert!(left.containers.is_empty() && left.networks.is_empty(), "{left:?}");
}
