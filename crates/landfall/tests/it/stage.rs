//! A folder of its own to run the binary in, and the comparison of what it says with a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Set to write the transcripts in place of comparing them.
const UPDATE: &str = "LANDFALL_UPDATE_TRANSCRIPTS";

/// A folder with files, and nothing of the environment around it.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Stage {
    /// With these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::Builder::new().prefix("lf").tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { dir, env: Vec::new() }
    }

    /// A variable for every run.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, Stdio::null())
    }

    /// The same with this file as its standard input.
    pub(crate) fn run_with(&self, args: &[&str], stdin: impl Into<Stdio>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command.args(args).current_dir(self.dir.path()).env_clear();
        command.env("HOME", self.dir.path()).env("USER", "ann");
        command.env("LANDFALL_RUN_DIR", self.path("run"));
        command.env("LANDFALL_STATE_DIR", self.path("state"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(stdin).output().unwrap()
    }

    /// Runs the binary and writes down all that can be seen, without what differs from run to run.
    pub(crate) fn transcript(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.replace(&self.dir.path().display().to_string(), "[DIR]")
        };
        let mut out = format!("$ landfall {}\n", args.join(" "));
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                out = out + "--- " + name + "\n" + &text(bytes);
            }
        }
        let code = output.status.code().map_or("signal".to_owned(), |code| code.to_string());
        out + &format!("--- exit {code}\n")
    }
}

/// Compares a text with a file of this crate, or writes it.
#[track_caller]
pub(crate) fn same_as_file(path: &Path, text: &str) {
    if std::env::var_os(UPDATE).is_some() {
        fs::write(path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let name = path.display();
    assert!(
        expected == text,
        "{name} differs; set {UPDATE} to write it\n--- expected\n{expected}\n--- got\n{text}"
    );
}

/// Compares a text with `transcripts/<name>.txt`.
#[track_caller]
pub(crate) fn same_as_transcript(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    same_as_file(&folder.join(format!("{name}.txt")), text);
}
