//! Holds the table to the schema, and to what loading really does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::row::{Here, Row};
use super::rows;
use crate::project::LoadOptions;
use crate::schema::files::{document, keys, sample, surround};

#[test]
fn every_key_of_the_schema_has_one_row_and_every_row_has_a_key() {
    let wanted: BTreeSet<String> = keys().into_iter().map(|(path, _)| path).collect();
    let plain = || rows().filter(|row| row.value.is_none());
    let given: BTreeSet<String> = plain().map(|row| row.path.to_owned()).collect();
    let difference: Vec<&String> = wanted.symmetric_difference(&given).collect();
    assert!(difference.is_empty(), "on one side only: {difference:?}");
    assert_eq!(plain().count(), given.len(), "a key has two rows");
    assert!(rows().all(|row| wanted.contains(row.path)), "a value of no key");
    assert!(given.len() > 340);
}

#[test]
fn what_is_inside_of_a_refused_or_ignored_key_is_so_too() {
    for row in rows().filter(|row| row.value.is_none()) {
        let outer = rows().filter(|other| {
            other.value.is_none() && row.path.starts_with(&format!("{}.", other.path))
        });
        let outer = outer.max_by_key(|other| other.path.len());
        let shut = outer.is_some_and(|outer| {
            matches!(outer.landfall, Here::Ignored(_) | Here::Refused(_) | Here::Outer)
        });
        assert_eq!(shut, row.landfall == Here::Outer, "{}", row.path);
    }
}

/// What is said about a file: code and message.
fn said(document: &Value) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    surround(folder.path());
    let text = serde_json::to_string(document).unwrap();
    std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
    let directory = folder.path().canonicalize().unwrap();
    let options = LoadOptions { directory, ..LoadOptions::default() };
    let found = match crate::load(&options) {
        Ok(project) => project.warnings,
        Err(failed) => failed.diagnostics,
    };
    found.into_iter().map(|finding| (finding.code, finding.message)).collect()
}

#[test]
fn a_row_says_what_loading_does() {
    let mut wrong = Vec::new();
    // Only a file with external networks can have this one.
    let elsewhere = |row: &&Row| row.path == "services.*.external_links";
    for row in rows().filter(|row| row.landfall != Here::Outer && !elsewhere(row)) {
        let (_, shape) = keys().into_iter().find(|(path, _)| path == row.path).unwrap();
        let value = match row.value {
            Some(value) => json!(value.replace('*', "12h")),
            None => sample(row.path, shape),
        };
        let said = said(&document(row.path, value));
        let has = |code: &str| said.iter().any(|(known, _)| known == code);
        let fits = match row.landfall {
            Here::Refused(_) => has("LF0501") || has("LF0503"),
            Here::Ignored(_) => has("LF0502") && !has("LF0501") && !has("LF0503"),
            Here::Yes | Here::Differently(_) => !has("LF0501") && !has("LF0503") && !has("LF0502"),
            Here::Outer => true,
        };
        if !fits || said.iter().any(|(code, _)| code.starts_with("LF03")) {
            wrong.push(format!("{}: {:?} but {said:?}", shown(row), row.landfall));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shown(row: &Row) -> String {
    row.value.map_or_else(|| row.path.to_owned(), |value| format!("{} = {value}", row.path))
}
