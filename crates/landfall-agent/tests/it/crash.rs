//! The agent killed at a journal append, as a process of its own (feature `crash-points`).

use std::path::Path;
use std::process::Command;

use crate::site::{Site, shop};

const DIR: &str = "LANDFALL_TEST_DIR";

/// What the killed process does: deploys until it dies. Run by the test below.
#[tokio::test]
#[ignore = "dies on purpose"]
async fn victim() {
    let dir = std::env::var_os(DIR).unwrap();
    let site = Site::at(Path::new(&dir)).await;
    site.deploy(&shop("1")).await;
}

fn records(dir: &Path) -> i64 {
    let database = rusqlite::Connection::open(dir.join("state/store/landfall.db")).unwrap();
    database.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged_and_keeps_nothing_that_was_not() {
    for n in 1..=5 {
        for (when, expected) in [("before", n - 1), ("after", n)] {
            let dir = tempfile::tempdir().unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "crash::victim", "--ignored"])
                .env(DIR, dir.path())
                .env("LANDFALL_CRASH", format!("{n}:{when}"))
                .output()
                .unwrap()
                .status;
            assert!(!status.success(), "{n}:{when} did not kill");
            assert_eq!(records(dir.path()), expected, "{n}:{when}");
        }
    }
}
