//! `landfall explain` shows the page of a code or a rule, and finds what was meant.

use crate::stage::{Stage, same_as_transcript};

#[test]
fn codes_and_rules_are_explained() {
    let stage = Stage::new(&[]);
    let mut text = stage.transcript(&["explain", "lf0201"]);
    text += &stage.transcript(&["explain", "image-latest", "LF0108"]);
    text += &stage.transcript(&["explain", "LF0107", "--format", "json"]);
    same_as_transcript("explain", &text);
}

#[test]
fn what_is_not_known_is_guessed() {
    let stage = Stage::new(&[]);
    let mut text = String::new();
    for name in ["LF0310", "image-latst", "root", "xyzzy"] {
        text += &stage.transcript(&["explain", name]);
    }
    text += &stage.transcript(&["explain", "LF9999", "--format", "json"]);
    same_as_transcript("explain-unknown", &text);
}

#[test]
fn without_a_name_all_are_listed() {
    let output = Stage::new(&[]).run(&["explain"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("CODE    WHAT IS WRONG\nLF0101  a file is missing\n"));
    assert!(text.contains("\nRULE "));
    let lines = Stage::new(&[]).run(&["explain", "--format", "json"]).stdout;
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), text.lines().count() - 3);
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}
