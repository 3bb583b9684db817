//! The generated documents are current.

use std::path::Path;

use crate::stage::{Stage, same_as_file};

/// What `landfall reference` is asked for, and the document that holds it.
const DOCUMENTS: [(&str, &str); 6] = [
    ("cli", "cli.md"),
    ("codes", "codes.md"),
    ("rules", "rules.md"),
    ("compose-support", "compose-support.md"),
    ("extension", "x-landfall.md"),
    ("extension-schema", "x-landfall.schema.json"),
];

#[test]
fn the_documents_say_what_the_code_says() {
    for (name, document) in DOCUMENTS {
        let output = Stage::new(&[]).run(&["reference", name]);
        let text = String::from_utf8(output.stdout).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
        same_as_file(&path, &text);
    }
}
