//! A finding about a user's file: what, where, and what to do. Rendered elsewhere.

use serde::{Deserialize, Serialize};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable code, for example `LF0102`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower-case, no full stop.
    pub message: String,
    /// Where, if it has a place.
    pub at: Option<Location>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that matter, each with its reason.
    pub related: Vec<(Location, String)>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is deployed.
    Error,
    /// Deployed, but look.
    Warning,
    /// Good to know.
    Note,
}

/// A place in a file; line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// Path as the user gave it.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// Just behind its last character, where that is known and no secret's length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// Where something ends: the first character that no longer belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct End {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
