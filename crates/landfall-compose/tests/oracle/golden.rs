//! What the reference made of the cases: one file a theme, one line a case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::archive::{Case, parse};
use crate::generate::project;
use crate::stage::Stage;

/// Set to the reference's program to write goldens instead of reading them.
const UPDATE: &str = "LANDFALL_UPDATE_ORACLE";

/// Generated cases that are kept.
const GENERATED: u64 = 240;

/// A theme: its cases, and the reference's answers by the case's name.
pub(crate) struct Theme {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
    pub(crate) expected: BTreeMap<String, Value>,
}

/// The program that `LANDFALL_UPDATE_ORACLE` names.
pub(crate) fn updating() -> Option<PathBuf> {
    std::env::var_os(UPDATE).map(PathBuf::from)
}

/// All themes, answered anew when that is asked for.
pub(crate) fn themes() -> Vec<Theme> {
    if updating().is_some() {
        let cases: String = (0..GENERATED).map(|seed| project(seed).to_text()).collect();
        let text = format!("# Made by generate.rs, one case a seed.\n{cases}");
        fs::write(folder("cases").join("generated.txt"), text).unwrap();
    }
    names().into_iter().map(theme).collect()
}

/// The cases of all themes.
pub(crate) fn cases() -> Vec<Case> {
    names().iter().flat_map(|name| parse(&text(name))).collect()
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder("cases"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn text(name: &str) -> String {
    fs::read_to_string(folder("cases").join(format!("{name}.txt"))).unwrap()
}

fn theme(name: String) -> Theme {
    let cases = parse(&text(&name));
    let path = folder("goldens").join(format!("{name}.json"));
    if let Some(oracle) = updating() {
        fs::write(&path, answers(&cases, &oracle)).unwrap();
    }
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let expected = serde_json::from_str::<Golden>(&text).unwrap().cases;
    Theme { name, cases, expected }
}

/// The reference's version is kept beside its answers.
#[derive(serde::Deserialize)]
struct Golden {
    cases: BTreeMap<String, Value>,
}

fn answers(cases: &[Case], oracle: &Path) -> String {
    let version = std::process::Command::new(oracle).args(["version", "--short"]).output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let mut text = format!("{{\"oracle\": \"{}\", \"cases\": {{\n", version.trim());
    let lines: Vec<String> = cases
        .iter()
        .map(|case| {
            let name = Value::from(case.name.as_str());
            format!("{name}: {}", Stage::new(case).expected(oracle))
        })
        .collect();
    let _ = write!(text, "{}\n}}}}\n", lines.join(",\n"));
    text
}

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name)
}
