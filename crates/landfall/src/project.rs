//! The user's compose files: loaded, with every finding shown.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use landfall_compose::{LoadFailed, LoadOptions, Model, Sources, render};
use landfall_core::diagnostic::{Diagnostic, Severity};
use landfall_core::id::AppName;

pub(crate) use landfall_compose::{BuildSpec, Project};

use crate::failure::Failure;
use crate::output::humane::count;
use crate::output::printer::Printer;
use crate::settings::ProjectSettings;

/// Loads the files and shows warnings; fails with all findings at once.
pub(crate) fn load(settings: &ProjectSettings, printer: &Printer) -> Result<Project, Failure> {
    let project = load_quietly(settings, printer).map_err(|mut failure| {
        failure.last_line = Some("nothing was changed".to_owned());
        failure
    })?;
    let files: Vec<&str> = project.sources.names().collect();
    let services = count(project.spec.services.len(), "service");
    printer.detail(&format!("{}: {services} from {}", project.spec.name, files.join(", ")));
    if !printer.is_json() && !printer.is_quiet() {
        warn(&project.warnings, &project.sources, printer);
    }
    Ok(project)
}

/// Reads the files as Compose does, without asking whether they can be deployed.
pub(crate) fn read(options: &LoadOptions, printer: &Printer) -> Result<Model, Failure> {
    landfall_compose::read(options).map_err(|failed| {
        let mut failure = unloadable(failed, printer);
        failure.message = failure.message.replace("be deployed", "be read");
        failure
    })
}

/// Shows warnings on standard error.
pub(crate) fn warn(warnings: &[Diagnostic], sources: &Sources, printer: &Printer) {
    if !warnings.is_empty() {
        printer.announce(&render(warnings, sources, printer.paint_err().0));
    }
}

/// The app's name, for verbs that need nothing else of the files.
pub(crate) fn name(settings: &ProjectSettings, printer: &Printer) -> Result<AppName, Failure> {
    let project = load_quietly(settings, printer).map_err(or_name_it)?;
    Ok(project.spec.name)
}

/// The same, where it is fine to stand outside of any project.
pub(crate) fn name_if_any(
    settings: &ProjectSettings,
    printer: &Printer,
) -> Result<Option<AppName>, Failure> {
    let is_named = !settings.files.is_empty() || settings.directory.is_some();
    match load_quietly(settings, printer) {
        Ok(project) => Ok(Some(project.spec.name)),
        // No file was found anywhere: the findings point into none.
        Err(failure) if !is_named && failure.diagnostics.iter().all(|d| d.at.is_none()) => Ok(None),
        Err(failure) => Err(or_name_it(failure)),
    }
}

fn or_name_it(failure: Failure) -> Failure {
    failure.hint("`-p NAME` names the app without its files")
}

/// What the loader is asked for.
pub(crate) fn options(settings: &ProjectSettings) -> Result<LoadOptions, Failure> {
    let directory = std::env::current_dir()
        .map_err(|error| Failure::not_done("directory", "this folder is gone").cause(error))?;
    Ok(LoadOptions {
        files: settings.files.clone(),
        directory,
        project_directory: settings.directory.clone(),
        project_name: settings.name.as_ref().map(ToString::to_string),
        profiles: settings.profiles.clone(),
        env_files: settings.env_files.clone(),
        stdin: stdin(&settings.files)?,
        environment: settings.environment.clone(),
        is_for_another_host: settings.is_elsewhere,
    })
}

/// All of standard input, when it stands for one of the files. Read once: what was read is gone.
fn stdin(files: &[PathBuf]) -> Result<Option<Vec<u8>>, Failure> {
    static READ: OnceLock<Vec<u8>> = OnceLock::new();
    if !files.iter().any(|file| file == Path::new("-")) {
        return Ok(None);
    }
    if let Some(read) = READ.get() {
        return Ok(Some(read.clone()));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(STDIN_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::not_done("stdin", "cannot read standard input").cause(error))?;
    Ok(Some(READ.get_or_init(|| bytes).clone()))
}

/// More than the loader takes, so that it is the one to refuse.
const STDIN_BYTES_MAX: u64 = 11 * 1024 * 1024;

fn load_quietly(settings: &ProjectSettings, printer: &Printer) -> Result<Project, Failure> {
    landfall_compose::load(&options(settings)?).map_err(|failed| unloadable(failed, printer))
}

fn unloadable(failed: LoadFailed, printer: &Printer) -> Failure {
    let errors = failed.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let message = format!("{failed}: {}", count(errors, "error"));
    let rendered = render(&failed.diagnostics, &failed.sources, printer.paint_err().0);
    let mut failure = Failure::not_done("compose_files", message);
    failure.rendered = rendered;
    failure.diagnostics = failed.diagnostics;
    failure
}
