//! Which crate may know which (DESIGN §3), asked of `cargo metadata`: a manifest cannot drift away
//! from the design. Development dependencies may also name the fakes.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cmd::{cmd, read, root};

const FAKES: &str = "landfall-testing";

/// What the fakes are made of.
const BELOW_FAKES: &[&str] = &["landfall-core", "landfall-deploy"];

/// Each crate with the crates of ours that it may depend on.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("landfall-core", &[]),
    ("landfall-compose", &["landfall-core"]),
    ("landfall-check", &["landfall-core", "landfall-compose"]),
    ("landfall-deploy", &["landfall-core"]),
    ("landfall-docker", &["landfall-core", "landfall-deploy"]),
    ("landfall-edge", &["landfall-core"]),
    ("landfall-api", &["landfall-core"]),
    ("landfall-agent", &["landfall-core", "landfall-compose", "landfall-deploy", "landfall-api"]),
    (
        "landfall",
        &[
            "landfall-core",
            "landfall-compose",
            "landfall-check",
            "landfall-deploy",
            "landfall-docker",
            "landfall-edge",
            "landfall-api",
            "landfall-agent",
        ],
    ),
    (FAKES, BELOW_FAKES),
    // A crate of its own: it stands on the agent, which the fakes must not know.
    (
        "landfall-simulation",
        &["landfall-core", "landfall-deploy", "landfall-api", "landfall-agent"],
    ),
    ("xtask", &[FAKES]),
];

/// Crates of others that only some of ours may know, outside their tests.
const RESERVED: [(&str, &[&str]); 5] = [
    ("bollard", &["landfall-docker"]),
    ("rusqlite", &["landfall-agent"]),
    ("axum", &["landfall-agent"]),
    ("clap", &["landfall", "xtask"]),
    ("anyhow", &["landfall", "xtask"]),
];

/// Crates that neither read a clock nor do I/O.
const PURE: [&str; 3] = ["landfall-core", "landfall-compose", "landfall-check"];
const IMPURE: [&str; 6] = ["tokio", "hyper", "hyper-util", "reqwest", "rustix", "chrono"];

pub(super) fn check() -> Result<Vec<String>> {
    let mut command = cmd("cargo", ["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&read(command.current_dir(root()))?)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    Ok(packages.iter().flat_map(problems_of).collect())
}

fn problems_of(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = ALLOWED.iter().find(|(of, _)| *of == name) else {
        return vec![format!(
            "{name}: a crate that the layers (xtask/src/tidy/layers.rs) do not know"
        )];
    };
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    dependencies
        .iter()
        .filter_map(|dependency| {
            let other = dependency["name"].as_str()?;
            let for_tests = dependency["kind"] == "dev";
            forbidden(name, allowed, other, for_tests)
                .then(|| format!("{name} must not depend on {other}"))
        })
        .collect()
}

fn forbidden(name: &str, allowed: &[&str], other: &str, for_tests: bool) -> bool {
    let ours = ALLOWED.iter().any(|(of, _)| *of == other);
    if ours {
        // A crate's tests may use what the fakes are made of.
        let in_tests = for_tests && (other == FAKES || BELOW_FAKES.contains(&other));
        return !allowed.contains(&other) && !in_tests;
    }
    if for_tests {
        return false;
    }
    let reserved = RESERVED.iter().any(|(of, holders)| *of == other && !holders.contains(&name));
    reserved || (PURE.contains(&name) && IMPURE.contains(&other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(name: &str, other: &str, kind: Option<&str>) -> usize {
        problems_of(&json!({"name": name, "dependencies": [{"name": other, "kind": kind}]})).len()
    }

    #[test]
    fn the_core_knows_nobody_and_no_clock() {
        assert_eq!(problems("landfall-core", "landfall-deploy", None), 1);
        assert_eq!(problems("landfall-core", "tokio", None), 1);
        assert_eq!(problems("landfall-core", "serde", None), 0);
    }

    #[test]
    fn only_the_docker_crate_knows_bollard() {
        assert_eq!(problems("landfall-agent", "bollard", None), 1);
        assert_eq!(problems("landfall-docker", "bollard", None), 0);
    }

    #[test]
    fn the_fakes_are_for_tests() {
        assert_eq!(problems("landfall-edge", "landfall-testing", None), 1);
        assert_eq!(problems("landfall-edge", "landfall-testing", Some("dev")), 0);
        assert_eq!(problems("landfall-core", "landfall-docker", Some("dev")), 1);
    }

    #[test]
    fn an_unknown_crate_is_a_problem() {
        assert_eq!(problems("landfall-extra", "serde", None), 1);
    }
}
