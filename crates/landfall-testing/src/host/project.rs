//! A compose project as the command line names it.

use std::path::PathBuf;
use std::process::Command;

/// Compose file, app name, and the variables of every call.
#[derive(Clone, Debug)]
pub struct Project {
    path: PathBuf,
    app: String,
    env: Vec<(String, String)>,
}

impl Project {
    /// A project by its compose file or its folder, under this app name.
    pub fn new(path: impl Into<PathBuf>, app: &str) -> Self {
        Self { path: path.into(), app: app.to_owned(), env: Vec::new() }
    }

    /// Sets a variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The app's name.
    pub fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn apply(&self, command: &mut Command) {
        command.args(["-p", &self.app]);
        if self.path.is_dir() {
            command.current_dir(&self.path);
        } else {
            command.arg("-f").arg(&self.path);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }
}
