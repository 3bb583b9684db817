//! Makes projects out of texts, and compares transcripts with files.

use std::fs;
use std::path::{Path, PathBuf};

use landfall_compose::{LoadOptions, Model, Project, load, read, render};
use serde_json::Value;
use tempfile::TempDir;

/// Set to write transcripts instead of comparing them.
const UPDATE: &str = "LANDFALL_UPDATE_TRANSCRIPTS";

/// A folder with files, and how it is loaded.
pub(crate) struct App {
    folder: TempDir,
    pub(crate) options: LoadOptions,
}

impl App {
    /// Files by their path; the project's name is `app`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The folder may be reached over a link.
        let directory = folder.path().canonicalize().unwrap();
        let options = LoadOptions {
            directory,
            project_name: Some("app".to_owned()),
            ..LoadOptions::default()
        };
        let app = Self { folder, options };
        for (path, text) in files {
            app.write(path, text.as_bytes());
        }
        app
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.options.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn file(mut self, file: &str) -> Self {
        self.options.files.push(file.into());
        self
    }

    pub(crate) fn profile(mut self, profile: &str) -> Self {
        self.options.profiles.push(profile.to_owned());
        self
    }

    pub(crate) fn load(&self) -> Project {
        load(&self.options).unwrap_or_else(|failed| {
            panic!("it does not load:\n{}", render(&failed.diagnostics, &failed.sources, false))
        })
    }

    /// What is read, without asking whether it can be deployed.
    pub(crate) fn read(&self) -> Model {
        read(&self.options).unwrap_or_else(|failed| {
            panic!("it is not read:\n{}", render(&failed.diagnostics, &failed.sources, false))
        })
    }

    /// What `landfall config` prints.
    pub(crate) fn config(&self) -> Value {
        self.read().config()
    }

    /// The codes of errors that reading ends with; nothing when it does not.
    pub(crate) fn refused(&self) -> Vec<String> {
        let failed = read(&self.options).err();
        failed.into_iter().flat_map(|failed| failed.diagnostics).map(|d| d.code).collect()
    }

    /// The spec as JSON.
    pub(crate) fn spec(&self) -> Value {
        serde_json::to_value(self.load().spec).unwrap()
    }

    /// Everything that is said, errors or warnings.
    pub(crate) fn said(&self) -> String {
        match load(&self.options) {
            Ok(project) => render(&project.warnings, &project.sources, false),
            Err(failed) => render(&failed.diagnostics, &failed.sources, false),
        }
    }

    /// The codes of everything that is said, with a `!` behind errors.
    pub(crate) fn codes(&self) -> Vec<String> {
        use landfall_core::diagnostic::Severity;
        let all = match load(&self.options) {
            Ok(project) => project.warnings,
            Err(failed) => failed.diagnostics,
        };
        let one = |d: landfall_core::diagnostic::Diagnostic| match d.severity {
            Severity::Error => format!("{}!", d.code),
            Severity::Warning | Severity::Note => d.code,
        };
        all.into_iter().map(one).collect()
    }
}

/// Compares a text with `transcripts/<name>.txt`.
pub(crate) fn check_transcript(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "transcript `{name}` differs; set {UPDATE} to write it\n--- expected\n{expected}\n--- got\n{text}"
    );
}

/// Loads one service called `web` and looks at a part of it.
pub(crate) fn web(service: &str, pointer: &str) -> Value {
    let indented = service.replace('\n', "\n    ");
    let text = format!("services:\n  web:\n    image: nginx\n    {indented}\n");
    let app = App::new(&[("compose.yaml", &text)]);
    app.spec()["services"]["web"].pointer(pointer).cloned().unwrap_or(Value::Null)
}
