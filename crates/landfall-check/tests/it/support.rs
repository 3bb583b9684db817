//! Projects made of one text, and what `check` says about them.
//!
//! `--- path` starts a file, `@name value` says something about the project:
//!
//! - `@tracked path…`: files in git's index
//! - `@files path…`: compose files to read, instead of the usual ones
//! - `@set NAME=value`: a variable of the environment
//! - `@mode 600 path`: permissions of a file
//! - `@folder path`: an empty folder
//! - `@sqlite path`: a file that begins as SQLite databases do
//! - `@development`: it is checked for developers
//! - `@parent`: the project lies in a folder `shop` of its own folder
//! - `@unnamed`: the same, and the project has no name but its folder's
//! - `@services count`: a compose file with that many services
//! - `@engine {…}`: facts of an engine, as JSON

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use landfall_check::{EngineFacts, Finding, Purpose, Surroundings, check};
use landfall_compose::{LoadOptions, Model, read, render};
use landfall_core::diagnostic::Severity;
use tempfile::TempDir;

/// A project on disk.
pub(crate) struct Project {
    folder: TempDir,
    options: LoadOptions,
    purpose: Purpose,
    engine: Option<EngineFacts>,
}

impl Project {
    /// Makes the project of a text.
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let nested = text.lines().any(|line| matches!(line, "@parent" | "@unnamed"));
        let directory = if nested { root.join("shop") } else { root.clone() };
        fs::create_dir_all(&directory).unwrap();
        let options = LoadOptions {
            directory,
            project_name: (!text.contains("@unnamed")).then(|| "app".to_owned()),
            ..LoadOptions::default()
        };
        let mut project = Self { folder, options, purpose: Purpose::default(), engine: None };
        project.fill(text);
        project
    }

    fn fill(&mut self, text: &str) {
        let mut files: Vec<(String, String)> = Vec::new();
        let mut orders: Vec<&str> = Vec::new();
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("--- ") {
                files.push((path.to_owned(), String::new()));
            } else if line.starts_with('@') && files.last().is_none_or(|(_, text)| text.is_empty())
            {
                orders.push(line);
            } else if let Some((_, text)) = files.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
        }
        for (path, text) in files {
            self.write(&path, text.as_bytes());
        }
        for order in orders {
            self.obey(order);
        }
    }

    fn obey(&mut self, order: &str) {
        let (name, value) = order.split_once(' ').unwrap_or((order, ""));
        match name {
            "@tracked" => self.track(value),
            "@files" => self.options.files = value.split(' ').map(PathBuf::from).collect(),
            "@set" => {
                let (name, value) = value.split_once('=').unwrap();
                self.options.environment.insert(name.to_owned(), value.to_owned());
            }
            "@mode" => {
                let (mode, path) = value.split_once(' ').unwrap();
                let mode = u32::from_str_radix(mode, 8).unwrap();
                fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
            }
            "@folder" => fs::create_dir_all(self.path(value)).unwrap(),
            "@sqlite" => self.write(value, b"SQLite format 3\0rest"),
            "@development" => self.purpose = Purpose::Development,
            "@engine" => self.engine = Some(serde_json::from_str(value).unwrap()),
            "@services" => {
                let mut text = "services:\n".to_owned();
                for number in 0..value.parse::<usize>().unwrap() {
                    text.extend(["  s", &number.to_string(), ": {image: \"web:1\"}\n"]);
                }
                self.write("compose.yaml", text.as_bytes());
            }
            "@parent" | "@unnamed" => {}
            other => panic!("no such order: {other}"),
        }
    }

    /// A path of the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.options.directory.join(path)
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        // Whatever the tester's umask is.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    }

    /// Writes an index of version 2 with these files.
    fn track(&self, files: &str) {
        let mut names: Vec<&str> = files.split(' ').collect();
        names.sort_unstable();
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(2_u32.to_be_bytes());
        bytes.extend(u32::try_from(names.len()).unwrap().to_be_bytes());
        for name in names {
            let start = bytes.len();
            bytes.extend([0; 62]);
            bytes.extend(name.as_bytes());
            bytes.push(0);
            while !(bytes.len() - start).is_multiple_of(8) {
                bytes.push(0);
            }
        }
        self.write(".git/index", &bytes);
    }

    /// Everything that is found.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let model = self.read();
        let surroundings = Surroundings {
            purpose: self.purpose,
            environment: self.options.environment.clone(),
            engine: self.engine.clone(),
            ..Surroundings::default()
        };
        let findings = check(&model, &surroundings);
        self.assert_sound(&findings);
        findings
    }

    /// The project as the rules get it.
    pub(crate) fn read(&self) -> Model {
        read(&self.options).unwrap_or_else(|failed| {
            panic!("it cannot be read:\n{}", render(&failed.diagnostics, &failed.sources, false))
        })
    }

    /// Checks it if it can be read at all; whether it could.
    pub(crate) fn check_if_read(&self) -> bool {
        let surroundings = Surroundings { engine: self.engine.clone(), ..Surroundings::default() };
        read(&self.options).map(|model| check(&model, &surroundings)).is_ok()
    }

    /// What one rule finds, a line each.
    pub(crate) fn said_by(&self, rule: &str) -> Vec<String> {
        let findings = self.findings();
        findings.iter().filter(|finding| finding.rule == rule).map(shown).collect()
    }

    /// The rules that find something, with how often.
    pub(crate) fn rules(&self) -> BTreeMap<String, usize> {
        let mut rules = BTreeMap::new();
        for finding in self.findings() {
            *rules.entry(finding.rule).or_insert(0) += 1;
        }
        rules
    }

    /// What holds for every finding of every project.
    fn assert_sound(&self, findings: &[Finding]) {
        let root = self.folder.path().to_string_lossy().into_owned();
        for finding in findings {
            let text = serde_json::to_string(finding).unwrap();
            assert!(!text.contains("hunter2"), "a secret is told: {text}");
            assert!(!text.contains(&root), "an absolute path is told: {text}");
            assert!(!finding.hint.is_empty() && !finding.message.ends_with('.'), "{text}");
            let again: Finding = serde_json::from_str(&text).unwrap();
            assert_eq!(again, *finding);
            if let Some(at) = &finding.at {
                assert!(self.exists(at), "no such place: {text}");
            }
        }
    }

    fn exists(&self, at: &landfall_core::diagnostic::Location) -> bool {
        let text = fs::read_to_string(self.path(&at.file)).unwrap_or_default();
        text.lines().nth(at.line as usize - 1).is_some()
    }
}

/// `warning compose.yaml:3:5: message`.
pub(crate) fn shown(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let at = finding.at.as_ref().map_or_else(String::new, ToString::to_string);
    format!("{severity} {at}: {}", finding.message)
}

/// The folder of the cases.
pub(crate) fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases")
}
