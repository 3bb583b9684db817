//! Which compose and environment files to read, as `docker compose` finds them.

use std::path::{Path, PathBuf};

use crate::env::Environment;
use crate::locate::{clean, shown};
use crate::project::LoadOptions;
use crate::report::{Code, Report};
use crate::text::take_text;

const NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Stands for the standard input.
const STDIN: &str = "-";

/// A file to read.
pub(crate) struct ComposeFile {
    pub(crate) path: PathBuf,
    /// As the user would call it.
    pub(crate) name: String,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) files: Vec<ComposeFile>,
    /// Where relative paths start; absolute.
    pub(crate) project_dir: PathBuf,
    pub(crate) environment: Environment,
}

/// Finds the files and gathers the variables.
pub(crate) fn discover(options: &LoadOptions, report: &mut Report) -> Option<Found> {
    let at = |path: &Path| clean(&options.directory.join(path));
    let mut environment = Environment::new(&options.environment);
    environment.set_default("PWD", &options.directory.to_string_lossy());
    let first_given =
        options.files.first().and_then(|file| at(file).parent().map(Path::to_path_buf));
    let wanted_dir = options.project_directory.as_deref().map(at);
    let early_dir = wanted_dir.clone().or(first_given).unwrap_or_else(|| options.directory.clone());
    add_env_files(options, &early_dir, &mut environment, report);

    let listed = environment.filled("COMPOSE_FILE").map(|list| split_files(list, &environment));
    let files: Vec<PathBuf> = match (&options.files[..], listed) {
        ([], Some(listed)) => listed,
        ([], None) => usual(wanted_dir.as_deref().unwrap_or(&options.directory)),
        (given, _) => given.to_vec(),
    };
    if files.is_empty() {
        report
            .error(Code::FileMissing, None, "there is no compose file here or in a folder above")
            .hint(format!("name one with `-f`, or make a {}", NAMES[0]));
        return None;
    }
    if files.iter().any(|file| file == Path::new(STDIN)) {
        let Some(stdin) = &options.stdin else {
            report.error(Code::FileMissing, None, "nobody gave a standard input to read `-` from");
            return None;
        };
        // From here on `-` is a file that was read.
        take_text(stdin.clone(), STDIN, None, report)?;
    }
    let files: Vec<ComposeFile> = files
        .into_iter()
        .map(|file| ComposeFile { path: at(&file), name: shown(&file, &options.directory) })
        .collect();
    let first_dir = files.first().and_then(|file| file.path.parent().map(Path::to_path_buf));
    let project_dir = wanted_dir.or(first_dir).unwrap_or_else(|| options.directory.clone());
    if project_dir != early_dir {
        add_env_files(options, &project_dir, &mut environment, report);
    }
    Some(Found { files, project_dir, environment })
}

/// The files given, or `.env` of the folder if there is one.
fn add_env_files(
    options: &LoadOptions,
    folder: &Path,
    environment: &mut Environment,
    report: &mut Report,
) {
    let listed = environment.filled("COMPOSE_ENV_FILES");
    let given: Vec<PathBuf> = match (&options.env_files[..], listed) {
        ([], Some(listed)) => listed.split(',').map(PathBuf::from).collect(),
        (given, _) => given.to_vec(),
    };
    let default = folder.join(".env");
    let files: Vec<(PathBuf, String)> = if !given.is_empty() {
        let named = |file: &PathBuf| {
            (clean(&options.directory.join(file)), shown(file, &options.directory))
        };
        given.iter().map(named).collect()
    } else if default.is_file() && !is_disabled(environment, report) {
        vec![(default.clone(), shown(&default, &options.directory))]
    } else {
        return;
    };
    environment.add_files(&files, report);
}

/// Whether the usual `.env` is to be left alone.
fn is_disabled(environment: &Environment, report: &mut Report) -> bool {
    match environment.get("COMPOSE_DISABLE_ENV_FILE") {
        Some("1" | "t" | "T" | "true" | "True" | "TRUE") => true,
        None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => false,
        Some(_) => {
            let message = "COMPOSE_DISABLE_ENV_FILE must be `true` or `false`";
            report.error(Code::InvalidValue, None, message);
            false
        }
    }
}

fn split_files(list: &str, environment: &Environment) -> Vec<PathBuf> {
    let separator = environment.filled("COMPOSE_PATH_SEPARATOR").unwrap_or(":");
    list.split(separator).filter(|file| !file.is_empty()).map(PathBuf::from).collect()
}

/// The first of the usual names in the folder or the nearest one above, with its override.
fn usual(folder: &Path) -> Vec<PathBuf> {
    for folder in folder.ancestors() {
        let first = |names: [&str; 4]| {
            names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
        };
        if let Some(file) = first(NAMES) {
            return std::iter::once(file).chain(first(OVERRIDES)).collect();
        }
    }
    Vec::new()
}
