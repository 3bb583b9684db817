//! The user's compose files: loaded, with every finding shown.

use landfall_compose::{LoadFailed, LoadOptions, render};
use landfall_core::diagnostic::Severity;
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
    if !project.warnings.is_empty() && !printer.is_json() {
        let color = printer.paint_err().0;
        printer.say(&render(&project.warnings, &project.sources, color));
    }
    Ok(project)
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

fn load_quietly(settings: &ProjectSettings, printer: &Printer) -> Result<Project, Failure> {
    let directory = std::env::current_dir()
        .map_err(|error| Failure::not_done("directory", "this folder is gone").cause(error))?;
    let options = LoadOptions {
        files: settings.files.clone(),
        directory,
        project_directory: settings.directory.clone(),
        project_name: settings.name.as_ref().map(ToString::to_string),
        profiles: settings.profiles.clone(),
        env_files: settings.env_files.clone(),
        environment: settings.environment.clone(),
    };
    landfall_compose::load(&options).map_err(|failed| unloadable(failed, printer))
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
