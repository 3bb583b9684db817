//! Compose files of well-known projects, as they stand in a folder outside the repository: a project
//! a folder. Every compose file is read alone, or over the usual one where it is none alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::archive::Case;
use crate::difference;
use crate::stage::Stage;

/// Names that Compose looks for.
const USUAL: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// By project: files, of these alike, of these refused by both.
    projects: BTreeMap<String, [usize; 3]>,
    pub(crate) differences: String,
}

impl Outcome {
    pub(crate) fn table(&self) -> String {
        let mut text = String::from("project: files, alike, refused by both\n");
        let mut sums = [0; 3];
        for (project, counts) in &self.projects {
            let [files, alike, refused] = counts;
            let _ = writeln!(text, "{project}: {files}, {alike}, {refused}");
            (0..3).for_each(|index| sums[index] += counts[index]);
        }
        let [files, alike, refused] = sums;
        let _ = writeln!(text, "all {}: {files}, {alike}, {refused}", self.projects.len());
        text
    }
}

/// Compares all files below a folder.
pub(crate) fn compare(folder: &Path, oracle: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let folder = folder.canonicalize().unwrap();
    for project in sorted(&folder).into_iter().filter(|path| path.is_dir()) {
        let name = project.file_name().unwrap().to_string_lossy().into_owned();
        let mut files = Vec::new();
        collect(&project, &mut files);
        for file in files {
            let counts = outcome.projects.entry(name.clone()).or_default();
            counts[0] += 1;
            let mut stage = stage(&file);
            let mut expected = stage.expected(oracle);
            if let Some(over) = expected.is_string().then(|| over_usual(&file)).flatten() {
                stage = over;
                expected = stage.expected(oracle);
            }
            match difference(&expected, &stage) {
                None => {
                    counts[1] += 1;
                    counts[2] += usize::from(expected.is_string());
                }
                Some(text) => {
                    let file = file.strip_prefix(&folder).unwrap().display();
                    let _ = writeln!(outcome.differences, "=== {file}\n{text}");
                }
            }
        }
    }
    outcome
}

/// A file alone; one of the usual name is found by Compose itself, with its override.
fn stage(file: &Path) -> Stage {
    let (folder, name) = (file.parent().unwrap(), file.file_name().unwrap().to_str().unwrap());
    let mut case = Case::default();
    if !USUAL.contains(&name) {
        case.arguments = ["-f", name].map(str::to_owned).into();
    }
    Stage::elsewhere(folder, case)
}

/// A file that is none alone: over the usual one beside it, or above it.
fn over_usual(file: &Path) -> Option<Stage> {
    let name = file.file_name()?.to_str()?;
    if USUAL.contains(&name) {
        return None;
    }
    let folders = file.ancestors().skip(1).take(2);
    let mut places = folders.flat_map(|folder| USUAL.map(|usual| (folder, usual)));
    let (folder, usual) = places.find(|(folder, usual)| folder.join(usual).is_file())?;
    let file = file.strip_prefix(folder).ok()?.to_str()?;
    let arguments = ["-f", usual, "-f", file].map(str::to_owned).into();
    Some(Stage::elsewhere(folder, Case { arguments, ..Case::default() }))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in sorted(folder) {
        let name = path.file_name().unwrap().to_string_lossy().to_lowercase();
        if path.is_dir() {
            collect(&path, files);
        } else if name.contains("compose") && is_yaml(&path) {
            files.push(path);
        }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
