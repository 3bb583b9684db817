//! The whole help of every command.

use crate::stage::{Stage, same_as_transcript};

const COMMANDS: &[&[&str]] = &[
    &[],
    &["config"],
    &["check"],
    &["explain"],
    &["init"],
    &["plan"],
    &["deploy"],
    &["status"],
    &["releases"],
    &["rollouts"],
    &["show"],
    &["history"],
    &["diff"],
    &["audit"],
    &["drift"],
    &["repair"],
    &["doctor"],
    &["rollback"],
    &["logs"],
    &["attach"],
    &["cancel"],
    &["promote"],
    &["resume"],
    &["abandon"],
    &["down"],
    &["hosts"],
    &["agent"],
    &["agent", "run"],
    &["agent", "start"],
    &["agent", "stop"],
    &["agent", "status"],
    &["agent", "install"],
    &["agent", "upgrade"],
    &["agent", "uninstall"],
    &["recover"],
    &["edge"],
    &["edge", "run"],
    &["edge", "upgrade"],
];

#[test]
fn every_command_explains_itself() {
    let stage = Stage::new(&[]);
    for command in COMMANDS {
        let args = [*command, &["--help"]].concat();
        let name = [&["help"], *command].concat().join("-");
        same_as_transcript(&name, &stage.transcript(&args));
    }
}

#[test]
fn the_version_is_data() {
    let output = Stage::new(&[]).run(&["--version"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "landfall 0.1.0\n");
    assert!(output.stderr.is_empty());
}
