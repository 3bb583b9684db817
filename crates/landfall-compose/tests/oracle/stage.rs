//! A case on disk, loaded by landfall or by `docker compose`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use landfall_compose::{LoadOptions, read};
use serde_json::Value;
use tempfile::TempDir;

use crate::archive::Case;
use crate::classes;
use crate::compare::settle;

/// What every case has in its environment.
const SURROUNDINGS: [(&str, &str); 2] = [("HOME", "/nonexistent"), ("PATH", "/usr/bin:/bin")];

/// A case's files, in a folder `app` of a folder of their own.
pub(crate) struct Stage {
    root: PathBuf,
    project: PathBuf,
    case: Case,
    _folder: Option<TempDir>,
}

impl Stage {
    pub(crate) fn new(case: &Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The folder may be reached over a link.
        let root = folder.path().canonicalize().unwrap();
        let project = root.join("app");
        fs::create_dir_all(&project).unwrap();
        for (path, text) in &case.files {
            let path = project.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for (link, target) in &case.links {
            std::os::unix::fs::symlink(target, project.join(link)).unwrap();
        }
        Self { root, project, case: case.clone(), _folder: Some(folder) }
    }

    /// A project that is on disk already.
    pub(crate) fn elsewhere(project: &Path, case: Case) -> Self {
        let root = project.parent().expect("a folder above").to_owned();
        Self { root, project: project.to_owned(), case, _folder: None }
    }

    fn stands_in(&self) -> PathBuf {
        match self.case.stands_in.as_str() {
            "" => self.project.clone(),
            folder => self.project.join(folder),
        }
    }

    /// What `docker compose config` says: the tree, or the text of its refusal.
    pub(crate) fn ask_oracle(&self, oracle: &Path) -> Result<Value, String> {
        let mut command = Command::new(oracle);
        command
            .args(&self.case.arguments)
            .args(["config", "--format", "json"])
            .current_dir(self.stands_in())
            .env_clear()
            .envs(SURROUNDINGS)
            .envs(&self.case.environment);
        let output = command.output().expect("the oracle runs");
        if output.status.success() {
            let tree: Value =
                serde_json::from_slice(&output.stdout).expect("the oracle prints JSON");
            return Ok(settle(&tree, &self.root));
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The oracle's answer as it is kept: its tree, or the class of its refusal.
    pub(crate) fn expected(&self, oracle: &Path) -> Value {
        match self.ask_oracle(oracle) {
            Ok(tree) => tree,
            Err(said) => Value::String(format!("refused: {}", classes::of_oracle(&said))),
        }
    }

    /// What landfall makes of it: the tree, or the classes of its errors with all that it said.
    pub(crate) fn load(&self) -> Result<Value, (Vec<&'static str>, String)> {
        match read(&self.options()) {
            Ok(model) => Ok(settle(&model.config(), &self.root)),
            Err(failed) => {
                let said = landfall_compose::render(&failed.diagnostics, &failed.sources, false);
                Err((classes::of_landfall(&failed.diagnostics), said))
            }
        }
    }

    /// The case's arguments, as the command line reads them.
    pub(crate) fn options(&self) -> LoadOptions {
        let mut options = LoadOptions {
            directory: self.stands_in(),
            environment: self.case.environment.clone(),
            ..LoadOptions::default()
        };
        let surroundings = SURROUNDINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.environment.extend(surroundings);
        for pair in self.case.arguments.chunks(2) {
            let [flag, value] = pair else { panic!("a flag without a value: {pair:?}") };
            match flag.as_str() {
                "-f" => options.files.push(value.into()),
                "-p" => options.project_name = Some(value.clone()),
                "--profile" => options.profiles.push(value.clone()),
                "--env-file" => options.env_files.push(value.into()),
                "--project-directory" => options.project_directory = Some(value.into()),
                other => panic!("an unknown flag: {other}"),
            }
        }
        options
    }
}
