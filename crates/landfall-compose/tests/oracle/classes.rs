//! Kinds of refusals. The reference names one of several mistakes, in words that change between
//! versions: two refusals agree when they are of one kind.

use landfall_core::diagnostic::{Diagnostic, Severity};

/// Parts of the reference's messages, and the class of each; the first that fits counts.
const ORACLE: &[(&str, &str)] = &[
    ("panic:", ANY),
    ("json: error calling", ANY),
    ("service \"\" not found", ANY),
    ("is a directory", "file"),
    ("failed to read", "environment file"),
    ("required variable", "required"),
    ("Invalid template", "template"),
    ("invalid interpolation format", "template"),
    (" services additional properties", "value"),
    ("additional properties", "unknown key"),
    ("validating ", "value"),
    ("cycle detected: node", "yaml"),
    ("non-string key", "yaml"),
    ("mapping key", "yaml"),
    ("Circular reference", "cycle"),
    ("cycle detected", "cycle"),
    ("cannot extend service", "undefined"),
    ("undefined", "undefined"),
    ("unknown service", "undefined"),
    ("no such file", "file"),
    ("couldn't find env file", "file"),
    ("no configuration file", "file"),
    ("yaml: unmarshal errors", "value"),
    ("yaml: ", "yaml"),
];

/// The reference broke down: every refusal is as good.
const ANY: &str = "any";

pub(crate) fn of_oracle(said: &str) -> &'static str {
    let found = ORACLE.iter().find(|(part, _)| said.contains(part));
    found.map_or("value", |(_, class)| class)
}

/// The classes of all errors; landfall names them all.
pub(crate) fn of_landfall(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| of_code(&d.code)).collect()
}

/// One of landfall's classes is the reference's.
pub(crate) fn agree(oracle: &str, landfall: &[&str]) -> bool {
    oracle == ANY || landfall.contains(&oracle)
}

fn of_code(code: &str) -> &'static str {
    match code {
        "LF0101" | "LF0102" => "file",
        "LF0103" | "LF0104" | "LF0105" | "LF0106" => "yaml",
        "LF0108" => "environment file",
        "LF0202" => "required",
        "LF0203" => "template",
        "LF0301" => "unknown key",
        "LF0401" | "LF0403" => "undefined",
        "LF0402" => "cycle",
        _ => "value",
    }
}
