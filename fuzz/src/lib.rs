//! A project made of bytes: what the fuzzer changes are the files of one project.
//!
//! The text is that of the cases under `crates/landfall-compose/tests/oracle/cases`, which are the
//! first corpus: `--- name` begins a file, `@ NAME=value` is a variable of the shell, and what stands
//! before the first file are keys of a service.

use std::fs;
use std::path::Path;

use landfall_compose::LoadOptions;
use tempfile::TempDir;

/// Files that a project may have; others are left aside.
const NAMES: [&str; 12] = [
    "compose.yaml",
    "over.yaml",
    "base.yaml",
    "other.yaml",
    "a.yaml",
    "b.yaml",
    "sub/compose.yaml",
    "sub/base.yaml",
    ".env",
    "a.env",
    "b.env",
    "a.labels",
];

/// A folder that is used again for every input.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty one, in memory where the machine has such a folder.
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.expect("a temporary folder");
        fs::create_dir(folder.path().join("sub")).expect("a folder in it");
        Self { folder }
    }

    /// Writes the input's files and says how to load them.
    pub fn write(&self, input: &[u8]) -> LoadOptions {
        for name in NAMES {
            drop(fs::remove_file(self.folder.path().join(name)));
        }
        let mut options = LoadOptions {
            directory: self.folder.path().to_owned(),
            profiles: vec!["*".to_owned()],
            ..LoadOptions::default()
        };
        let mut keys = b"services:\n  web:\n    image: i\n".to_vec();
        let short = keys.len();
        let mut file: Option<(&str, Vec<u8>)> = None;
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            if let Some(name) = line.strip_prefix(b"--- ") {
                self.finish(file.take());
                let name = name.trim_ascii_end();
                file =
                    NAMES.iter().find(|known| known.as_bytes() == name).map(|n| (*n, Vec::new()));
            } else if let Some((_, content)) = &mut file {
                content.extend_from_slice(line);
            } else if let Some(pair) = line.strip_prefix(b"@ ") {
                let pair = String::from_utf8_lossy(pair);
                if let Some((name, value)) = pair.trim_end().split_once('=') {
                    options.environment.insert(name.to_owned(), value.to_owned());
                }
            } else {
                keys.extend_from_slice(b"    ");
                keys.extend_from_slice(line);
            }
        }
        self.finish(file);
        let path = self.folder.path();
        if keys.len() > short || !path.join("compose.yaml").is_file() {
            self.finish(Some(("compose.yaml", keys)));
        }
        if path.join("over.yaml").is_file() {
            options.files = ["compose.yaml", "over.yaml"].map(Into::into).into();
        }
        options
    }

    fn finish(&self, file: Option<(&str, Vec<u8>)>) {
        if let Some((name, content)) = file {
            fs::write(self.folder.path().join(name), content).expect("a file is written");
        }
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}
