//! Every key with every kind of value, beside what the reference says to it.
//!
//! `tests/oracle/goldens/shapes.txt` has one line a key and one sign a value: `+` both accept it, `-`
//! both refuse it, `a` only landfall accepts it, `r` only landfall refuses it. With
//! `LANDFALL_UPDATE_ORACLE=path/of/docker-compose` the reference is asked again, which takes minutes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::{document, keys, surround};
use crate::project::LoadOptions;

/// A date stands in the files without quotes.
const DATE: &str = "2024-01-01";

/// The values, as JSON.
const VALUES: [&str; 22] = [
    "null",
    r#""""#,
    r#""x""#,
    r#""1""#,
    r#""true""#,
    r#""maybe""#,
    "1",
    "-1",
    "1.5",
    "true",
    "[]",
    r#"["x"]"#,
    r#"["x", "x"]"#,
    "[1]",
    "[null]",
    "{}",
    r#"{"k": "v"}"#,
    r#"{"k": 1}"#,
    r#"{"k": null}"#,
    r#"{"x-k": 1}"#,
    r#"{"": "v"}"#,
    r#""2024-01-01""#,
];

const EMPTY: &str = "the reference fails later, when it starts the container";
const INCLUDE: &str = "the reference leaves the entry aside without a word";
const NEWER: &str = "the specification has it by now";
const QUOTED: &str = "a variable always gives a text";
const TWICE: &str = "the same label twice harms nobody";

/// Keys at which both may differ, and why; the documentation tells users.
const EXPLAINED: &[(&str, &str)] = &[
    ("configs.*.labels", TWICE),
    ("include", INCLUDE),
    ("include.*.path", INCLUDE),
    ("secrets.*.driver_opts", "the reference fails on `x-` among the options"),
    ("secrets.*.labels", TWICE),
    ("services.*.blkio_config.weight", QUOTED),
    ("services.*.blkio_config.weight_device.*.weight", QUOTED),
    ("services.*.build.no_cache_filter", NEWER),
    ("services.*.build.ssh", "the reference cannot print it"),
    ("services.*.build.ulimits.*.hard", QUOTED),
    ("services.*.build.ulimits.*.soft", QUOTED),
    ("services.*.devices.*.target", EMPTY),
    ("services.*.env_file", "an empty path, as an unset variable gives it"),
    ("services.*.env_file.*.path", "an empty path, as an unset variable gives it"),
    ("services.*.extends.file", "nothing behind the colon is no file"),
    ("services.*.pid", "the reference ends with a stack trace"),
    ("services.*.pre_start", NEWER),
    ("services.*.pre_start.*.command", NEWER),
    ("services.*.pre_start.*.environment", NEWER),
    ("services.*.pre_start.*.privileged", NEWER),
    ("services.*.pre_start.*.user", NEWER),
    ("services.*.pre_start.*.working_dir", NEWER),
    ("services.*.storage_opt", "the reference fails on `x-` among the options"),
    ("services.*.volumes.*.target", EMPTY),
    ("volumes.*.labels", TWICE),
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/goldens/shapes.txt")
}

/// All files, by key and in the order of the values.
fn files() -> BTreeMap<String, Vec<String>> {
    let of = |path: &str| {
        let with = |json: &&str| {
            let value = serde_json::from_str(json).unwrap();
            let text = serde_json::to_string(&document(path, value)).unwrap();
            text.replace(&format!("\"{DATE}\""), DATE)
        };
        VALUES.iter().map(with).collect()
    };
    keys().into_iter().map(|(path, _)| (path.clone(), of(&path))).collect()
}

fn accepted(text: &str, folder: &Path) -> bool {
    std::fs::write(folder.join("compose.yaml"), text).unwrap();
    let directory = folder.canonicalize().unwrap();
    crate::read(&LoadOptions { directory, ..LoadOptions::default() }).is_ok()
}

fn accepted_by(oracle: &OsStr, text: &str, folder: &Path) -> bool {
    std::fs::write(folder.join("compose.yaml"), text).unwrap();
    let mut command = Command::new(oracle);
    command.args(["config", "--format", "json"]).current_dir(folder);
    command.env_clear().env("HOME", "/nonexistent").env("PATH", "/usr/bin:/bin");
    command.output().unwrap().status.success()
}

fn sign(reference: bool, landfall: bool) -> char {
    match (reference, landfall) {
        (true, true) => '+',
        (false, false) => '-',
        (false, true) => 'a',
        (true, false) => 'r',
    }
}

/// The signs of one key.
fn signs(texts: &[String], known: &str, oracle: Option<&OsStr>, folder: &Path) -> String {
    let judged = texts.iter().enumerate().map(|(index, text)| {
        let reference = match oracle {
            Some(oracle) => accepted_by(oracle, text, folder),
            None => known.chars().nth(index).is_some_and(|sign| matches!(sign, '+' | 'r')),
        };
        sign(reference, accepted(text, folder))
    });
    judged.collect()
}

#[test]
fn every_value_of_every_key_is_judged_as_the_reference_does() {
    let oracle = std::env::var_os("LANDFALL_UPDATE_ORACLE");
    let golden_text = std::fs::read_to_string(golden()).unwrap_or_default();
    let known: BTreeMap<&str, &str> =
        golden_text.lines().filter_map(|line| line.split_once(": ")).collect();
    let files: Vec<(String, Vec<String>)> = files().into_iter().collect();
    let known_of = |path: &str| known.get(path).copied().unwrap_or_default();
    let judge = |part: &[(String, Vec<String>)]| {
        let folder = tempfile::tempdir().unwrap();
        surround(folder.path());
        let one = |(path, texts): &(String, Vec<String>)| {
            (path.clone(), signs(texts, known_of(path), oracle.as_deref(), folder.path()))
        };
        part.iter().map(one).collect::<Vec<_>>()
    };
    let judged: Vec<(String, String)> = std::thread::scope(|scope| {
        let parts = files.chunks(files.len().div_ceil(4));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || judge(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut wrong = Vec::new();
    for (path, signs) in &judged {
        let explained = EXPLAINED.iter().any(|(explained, _)| explained == path);
        if !explained && signs.contains(['a', 'r']) {
            wrong.push(format!("{path}: {signs}"));
        }
        if oracle.is_none() && known_of(path) != signs {
            wrong.push(format!("{path}: {signs}, but the golden has {}", known_of(path)));
        }
    }
    if oracle.is_some() {
        let lines: Vec<String> =
            judged.iter().map(|(path, signs)| format!("{path}: {signs}\n")).collect();
        std::fs::write(golden(), lines.concat()).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
