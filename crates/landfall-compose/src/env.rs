//! Variables: the process environment (given in, never read here), `.env` files and `env_file`s.
//!
//! [`dotenv`] is the grammar of those files. What the process says wins over every file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::Report;
use crate::source::Span;
use crate::text::read_text;

pub(crate) mod dotenv;

/// Variables for interpolation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

/// How an environment file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Compose's own grammar: quotes, comments, variables.
    Dotenv,
    /// `format: raw`: everything after `=`, as it stands.
    Raw,
}

impl Environment {
    pub(crate) fn new(process: &BTreeMap<String, String>) -> Self {
        Self { variables: process.clone() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The variable, unless it is unset or empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Names and values.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Sets what is not set yet.
    pub(crate) fn set_default(&mut self, name: &str, value: &str) {
        self.variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// Adds the variables of files, a later file over an earlier one, all under what is set.
    pub(crate) fn add_files(
        &mut self,
        files: &[(std::path::PathBuf, String)],
        report: &mut Report,
    ) {
        let mut added = BTreeMap::new();
        for (path, name) in files {
            let set = |name: &str| self.get(name).map(str::to_owned);
            read_file(path, name, None, Format::Dotenv, &set, &mut added, report);
        }
        for (name, value) in added {
            self.variables.entry(name).or_insert(value);
        }
    }
}

/// Reads one environment file over the variables that earlier files gave. What `set` knows wins
/// inside values, but not over the file's own lines.
pub(crate) fn read_file(
    path: &Path,
    name: &str,
    wanted_by: Option<Span>,
    format: Format,
    set: &dyn Fn(&str) -> Option<String>,
    variables: &mut BTreeMap<String, String>,
    report: &mut Report,
) {
    let Some(file) = read_text(path, name, wanted_by, report) else { return };
    let text = report.sources.text(file);
    report.sources.keep_values_secret(file);
    match format {
        Format::Dotenv => dotenv::parse(&text, file, set, variables, report),
        Format::Raw => dotenv::parse_raw(&text, set, variables),
    }
}
