//! The generated command reference is current.

use std::path::Path;

use crate::stage::{Stage, same_as_file};

#[test]
fn the_reference_is_what_the_command_line_says() {
    let output = Stage::new(&[]).run(&["reference"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    same_as_file(&path, &text);
}
