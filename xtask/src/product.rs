//! The product's binary, built by cargo: of the developer's profile for tests, of the release
//! profile for demo, soak and bench.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cmd::{cmd, read, root};

/// The binary as users get it; the one that `LANDFALL_BIN` names, when it is set.
#[cfg(feature = "load")]
pub(crate) fn release() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("LANDFALL_BIN") {
        return Ok(std::fs::canonicalize(given)?);
    }
    crate::cmd::say("product: building the release binary (minutes the first time)");
    executable(&["build", "--release", "--package", "landfall", "--bin", "landfall"])
}

/// The binary of the developer's profile that can be told to crash, or not to sync; the one that this
/// variable names, when it is set.
#[cfg(feature = "load")]
pub(crate) fn breakable(variable: &str, what_for: &str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(variable) {
        return Ok(std::fs::canonicalize(given)?);
    }
    crate::cmd::say(&format!("{what_for}: building the product with crash points"));
    let what = ["build", "--package", "landfall", "--bin", "landfall"];
    executable(&[&what[..], &["--features", "crash-points"]].concat())
}

/// Builds with cargo and returns the program that came of it.
pub(crate) fn executable(arguments: &[&str]) -> Result<PathBuf> {
    let mut command = cmd("cargo", arguments);
    command.args(["--quiet", "--message-format", "json-render-diagnostics"]);
    let messages = read(command.current_dir(root()))?;
    let mut programs = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().with_context(|| format!("cargo {} made no program", arguments.join(" ")))
}
