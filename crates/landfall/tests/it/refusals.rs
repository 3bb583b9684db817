//! What cannot be done is refused with what, where, why and what to do about it.

use crate::stage::{Stage, same_as_transcript};

const GOOD: &str = "name: shop\nservices:\n  web:\n    image: nginx\n";

/// A name, the files, and what is typed.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const CASES: [Case; 14] = [
    ("no-file", &[], &["deploy"]),
    ("missing-file", &[], &["-f", "nope.yaml", "deploy"]),
    ("malformed-yaml", &[("compose.yaml", "services:\n  web: [1, 2\n")], &["deploy"]),
    (
        "two-unknown-keys",
        &[("compose.yaml", "services:\n  web:\n    imgae: x\n    image: nginx\n    portz: []\n")],
        &["deploy"],
    ),
    (
        "missing-variable",
        &[("compose.yaml", "services:\n  web:\n    image: nginx:${TAG:?set it in .env}\n")],
        &["plan"],
    ),
    ("no-name-for-status", &[("compose.yaml", "services: {web: {imgae: x}}\n")], &["status"]),
    ("bad-project-name", &[("compose.yaml", GOOD)], &["-p", "No Name", "status"]),
    ("bad-flag", &[], &["deploy", "--nope"]),
    ("no-command", &[], &["frobnicate"]),
    ("build-and-no-build", &[], &["deploy", "--build", "--no-build"]),
    ("bad-release", &[], &["rollback", "latest"]),
    ("agent-not-running", &[("compose.yaml", GOOD)], &["deploy"]),
    ("agent-not-running-quiet", &[("compose.yaml", GOOD)], &["-q", "status"]),
    (
        "missing-context",
        &[("compose.yaml", "services: {web: {build: ./nowhere}}\n")],
        &["deploy", "--build"],
    ),
];

#[test]
fn refusals_say_what_where_why_and_what_to_do() {
    for (name, files, args) in CASES {
        same_as_transcript(&format!("refused-{name}"), &Stage::new(files).transcript(args));
    }
}

#[test]
fn programs_get_one_json_value_on_standard_output() {
    let stage = Stage::new(&[("compose.yaml", "services:\n  web:\n    imgae: x\n")]);
    let mut text = stage.transcript(&["deploy", "--format", "json"]);
    text += &Stage::new(&[("compose.yaml", GOOD)]).transcript(&["--format", "json", "status"]);
    text += &Stage::new(&[]).transcript(&["status", "-p", "No Name", "--format", "json"]);
    same_as_transcript("refused-as-json", &text);
}

#[test]
fn colour_comes_only_when_asked_for() {
    let stage = Stage::new(&[("compose.yaml", GOOD)]);
    let plain = stage.run(&["status"]).stderr;
    assert!(!plain.contains(&0x1b));
    let coloured = stage.run(&["status", "--color", "always"]).stderr;
    assert!(coloured.starts_with(b"\x1b[1;31merror:\x1b[0m"));
}
