//! The report as SARIF 2.1.0, for code hosts and editors.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>: one run, one result a finding; the rules that
//! were met are described in the driver.

use std::fmt::Write as _;

use landfall_check::rules;
use landfall_compose::codes;
use landfall_core::diagnostic::{Diagnostic, Location, Severity};
use serde_json::{Value, json};

use super::Report;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(crate) fn log(report: &Report, exit: u8) -> Value {
    let all = report.all();
    let mut ids: Vec<&str> = all.iter().map(|d| d.code.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let results: Vec<Value> = all.iter().map(|diagnostic| result(diagnostic, &ids)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "landfall",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": ids.iter().map(|id| described(id)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": true, "exitCode": exit}],
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A rule of ours, or a code, as SARIF describes rules.
fn described(id: &str) -> Value {
    let of = |title: &str, why: &str, fix: &str, level: &str| {
        json!({
            "id": id,
            "name": id,
            "shortDescription": {"text": title},
            "fullDescription": {"text": why},
            "help": {
                "text": format!("{why}\n\n{fix}"),
                "markdown": format!("{why}\n\n**What to do:** {fix}"),
            },
            "defaultConfiguration": {"level": level},
        })
    };
    if let Some(rule) = rules().iter().find(|rule| rule.id == id) {
        return of(rule.title, rule.why, rule.fix, level(rule.severity));
    }
    match codes().find(|page| page.code == id) {
        Some(page) => of(page.title, page.meaning, page.fix, "error"),
        None => json!({"id": id}),
    }
}

fn result(diagnostic: &Diagnostic, ids: &[&str]) -> Value {
    let mut text = diagnostic.message.clone();
    if let Some(hint) = &diagnostic.hint {
        text = format!("{text}. {hint}");
    }
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": ids.iter().position(|id| *id == diagnostic.code),
        "level": level(diagnostic.severity),
        "message": {"text": text},
    });
    if let Some(at) = &diagnostic.at {
        result["locations"] = json!([{"physicalLocation": physical(at)}]);
    }
    if !diagnostic.related.is_empty() {
        let place = |(index, (at, why)): (usize, &(Location, String))| json!({"id": index, "physicalLocation": physical(at), "message": {"text": why}});
        let places: Vec<Value> = diagnostic.related.iter().enumerate().map(place).collect();
        result["relatedLocations"] = json!(places);
    }
    result
}

fn physical(at: &Location) -> Value {
    let mut region = json!({"startLine": at.line, "startColumn": at.column});
    if let Some(end) = at.end {
        region["endLine"] = json!(end.line);
        region["endColumn"] = json!(end.column);
    }
    json!({"artifactLocation": {"uri": uri(&at.file)}, "region": region})
}

/// A path as a relative (or `file:`) URI.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.trim_start_matches("./").bytes() {
        if plain(byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./a b/compose.yaml"), "a%20b/compose.yaml");
        assert_eq!(uri("/srv/é.yaml"), "file:///srv/%C3%A9.yaml");
        assert_eq!(uri("a:b.yaml"), "a%3Ab.yaml");
    }
}
