//! Generated documents: each is what a hidden command of the product prints, so that it cannot say
//! anything else than the code does.

use std::fs;

use anyhow::Result;

use crate::cmd::{cmd, read, root};

/// A document under the root, and the arguments of `landfall` that print it.
const GENERATED: [(&str, &[&str]); 6] = [
    ("docs/cli.md", &["reference"]),
    ("docs/codes.md", &["reference", "codes"]),
    ("docs/rules.md", &["reference", "rules"]),
    ("docs/compose-support.md", &["reference", "compose-support"]),
    ("docs/x-landfall.md", &["reference", "extension"]),
    ("docs/x-landfall.schema.json", &["reference", "extension-schema"]),
];

pub(super) fn check(fix: bool) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (document, arguments) in GENERATED {
        let mut print = cmd("cargo", ["run", "--quiet", "--package", "landfall", "--"]);
        let wanted = read(print.args(arguments).current_dir(root()))? + "\n";
        let path = root().join(document);
        if fs::read_to_string(&path).unwrap_or_default() == wanted {
            continue;
        }
        if fix {
            fs::write(&path, wanted)?;
        } else {
            problems.push(format!("{document} is out of date: run `cargo xtask tidy docs --fix`"));
        }
    }
    Ok(problems)
}
