//! Every file of the checkout, ignored ones aside: Rust files begin with what they are and stay
//! short; no text names a path of the machine it was written on.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use ignore::WalkBuilder;

use crate::cmd::root;

const LINES_MAX: usize = 800;

/// Files above [`LINES_MAX`], each with the reason. None so far.
const LONG: [&str; 0] = [];

/// Beginnings of paths that exist on one machine only; spelled so that this file has none.
const MACHINE_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/fa", "rm/"), concat!("/tmp/tar", "get")];

pub(super) fn check() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let walk =
        WalkBuilder::new(root()).hidden(false).filter_entry(|e| e.file_name() != ".git").build();
    for entry in walk {
        let entry = entry.context("walk the checkout")?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let bytes = match fs::read(entry.path()) {
            Ok(bytes) => bytes,
            // Somebody's editor took it away while we walked.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).context(entry.path().display().to_string()),
        };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let name = entry.path().strip_prefix(root()).unwrap_or(entry.path());
        problems.extend(problems_of(name, &text));
    }
    Ok(problems)
}

fn problems_of(name: &Path, text: &str) -> Vec<String> {
    let shown = name.display();
    let mut problems = Vec::new();
    if name.extension().is_some_and(|extension| extension == "rs") {
        let lines = text.lines().count();
        if lines > LINES_MAX && !LONG.iter().any(|long| Path::new(long) == name) {
            problems.push(format!("{shown}: {lines} lines, at most {LINES_MAX} are allowed"));
        }
        if !text.starts_with("//!") {
            problems.push(format!(
                "{shown}: begins without `//!` (what it is, what it refuses to know)"
            ));
        }
    }
    for (number, line) in text.lines().enumerate() {
        if MACHINE_PATHS.iter().any(|path| line.contains(path)) {
            problems.push(format!("{shown}:{}: a path of somebody's machine", number + 1));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_a_missing_head_and_a_machine_path_are_three_problems() {
        let text = format!("{}let path = \"{}x\";\n", "\n".repeat(LINES_MAX), MACHINE_PATHS[0]);
        assert_eq!(problems_of(Path::new("a.rs"), &text).len(), 3);
        assert_eq!(problems_of(Path::new("a.md"), &text).len(), 1);
        assert_eq!(problems_of(Path::new("a.rs"), "//! Fine.\n").len(), 0);
    }
}
