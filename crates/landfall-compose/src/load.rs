//! The way from files to a [`Project`]: find, read, fill in variables, merge, decode, assemble.
//!
//! A stage whose result the next one needs stops the way; all others go on, so that one run says
//! everything that is wrong.

use std::path::{Path, PathBuf};

use landfall_core::diagnostic::{Diagnostic, Severity};
use landfall_core::id::AppName;

use crate::assemble::{Surroundings, assemble};
use crate::decode::{Decoder, decode_project};
use crate::discover::{ComposeFile, Found, discover};
use crate::env::Environment;
use crate::interpolate::interpolate;
use crate::merge::{Extender, canonical, extend_services, merge_trees, strip, unique};
use crate::model::Model;
use crate::project::{LoadFailed, LoadOptions, Project};
use crate::report::{Code, Report};
use crate::source::Span;
use crate::text::read_text;
use crate::yaml::{self, Node};
use crate::{locate, name, secrecy};

/// Reads compose files as Compose does, without asking whether they can be deployed.
pub fn read(options: &LoadOptions) -> Result<Model, LoadFailed> {
    let mut report = Report::default();
    let read = read_into(options, &mut report);
    let failed = report.has_errors();
    let (diagnostics, sources) = report.finish();
    match read {
        Some(Read { name: Some(name), project_dir, documents, merged, .. }) if !failed => {
            let (directory, variables) = (project_dir, Vec::new());
            Ok(Model { name, directory, merged, documents, variables, warnings: diagnostics, sources })
        }
        _ => Err(LoadFailed { diagnostics, sources }),
    }
}

/// Loads an app from its compose files.
pub fn load(options: &LoadOptions) -> Result<Project, LoadFailed> {
    let mut report = Report::default();
    let project = load_into(options, &mut report);
    let failed = report.has_errors();
    let (diagnostics, sources) = report.finish();
    match project {
        Some((spec, builds, directory)) if !failed => {
            let warning = |d: &Diagnostic| d.severity == Severity::Warning;
            debug_assert!(diagnostics.iter().all(warning), "no errors were met");
            Ok(Project { spec, builds, warnings: diagnostics, sources, directory })
        }
        _ => Err(LoadFailed { diagnostics, sources }),
    }
}

type Loaded = (
    landfall_core::spec::AppSpec,
    std::collections::BTreeMap<landfall_core::id::ServiceName, crate::project::BuildSpec>,
    PathBuf,
);

/// What [`read`] makes of the files.
struct Read {
    name: Option<AppName>,
    project_dir: PathBuf,
    environment: Environment,
    documents: Vec<Node>,
    merged: Node,
}

fn read_into(options: &LoadOptions, report: &mut Report) -> Option<Read> {
    let found = discover(options, report)?;
    let documents = read_all(&found.files, report)?;
    let name = app_name(options, &found, &documents, report);
    let mut environment = found.environment;
    environment.set("COMPOSE_PROJECT_NAME", name.as_ref().map_or("", AppName::as_str));
    let merged = merge_all(&documents, &found.project_dir, options, &environment, report)?;
    Some(Read { name, project_dir: found.project_dir, environment, documents, merged })
}

fn load_into(options: &LoadOptions, report: &mut Report) -> Option<Loaded> {
    let Read { name, project_dir, environment, merged, .. } = read_into(options, report)?;
    let profiles = match &options.profiles[..] {
        [] => split_list(environment.get("COMPOSE_PROFILES").unwrap_or_default()),
        given => given.to_vec(),
    };
    let mut decoder = Decoder::new(report, &environment, &project_dir);
    let draft = decode_project(&mut decoder, &merged, &profiles);
    if merged.get("include").is_some_and(|include| !include.is_null()) {
        // It was refused, and half an app would only give errors that are not there.
        return None;
    }
    let surroundings = Surroundings {
        name: name?,
        environment: &environment,
        project_dir: &project_dir,
        directory: &options.directory,
    };
    let (spec, builds) = assemble(draft, surroundings, report);
    Some((spec, builds, project_dir))
}

/// Every document of every file; `None` when one cannot be read.
fn read_all(files: &[ComposeFile], report: &mut Report) -> Option<Vec<Node>> {
    let mut documents = Vec::new();
    let mut complete = true;
    for file in files {
        match read_documents(&file.path, &file.name, None, report) {
            Some(read) if read.is_empty() => {
                report.warning(Code::Empty, None, format!("`{}` is empty", file.name));
            }
            Some(read) => documents.extend(read),
            None => complete = false,
        }
    }
    if complete && documents.is_empty() {
        report.error(Code::Empty, None, "there is nothing in the compose file");
    }
    (complete && !documents.is_empty()).then_some(documents)
}

fn read_documents(
    path: &Path,
    name: &str,
    wanted_by: Option<Span>,
    report: &mut Report,
) -> Option<Vec<Node>> {
    let file = read_text(path, name, wanted_by, report)?;
    let documents = yaml::read(file, report)?;
    for document in &documents {
        secrecy::mark(document, &mut report.sources);
    }
    let documents: Vec<Node> = documents.into_iter().filter(|node| !node.is_null()).collect();
    let shapeless = documents.iter().find(|node| node.as_mapping().is_none());
    if let Some(node) = shapeless {
        let message = format!("a compose file must be a mapping, not {}", node.value.kind());
        report.error(Code::WrongType, node.span, message);
        return None;
    }
    Some(documents)
}

fn app_name(
    options: &LoadOptions,
    found: &Found,
    documents: &[Node],
    report: &mut Report,
) -> Option<AppName> {
    let written = documents.iter().rev().find_map(|document| document.get("name"));
    let written = written.map(|node| interpolate(node, &found.environment, report));
    let wanted = name::Wanted {
        given: options.project_name.as_deref(),
        variable: found.environment.filled("COMPOSE_PROJECT_NAME"),
        written: written.as_ref(),
        directory: &found.project_dir,
    };
    name::app_name(&wanted, report)
}

fn merge_all(
    documents: &[Node],
    project_dir: &Path,
    options: &LoadOptions,
    environment: &Environment,
    report: &mut Report,
) -> Option<Node> {
    let mut files = OtherFiles { environment, directory: &options.directory };
    let mut merged: Option<Node> = None;
    for document in documents {
        let filled = canonical(&interpolate(document, environment, report));
        let extended = extend_services(&filled, project_dir, &mut files, report);
        merged = Some(match merged {
            Some(base) => merge_trees(&base, &extended, &mut Vec::new(), report),
            None => extended,
        });
    }
    merged.map(|merged| unique(&strip(&merged)))
}

/// Opens the files that `extends` names.
struct OtherFiles<'a> {
    environment: &'a Environment,
    directory: &'a Path,
}

impl Extender for OtherFiles<'_> {
    fn open(&mut self, path: &Path, wanted_by: Span, report: &mut Report) -> Option<Node> {
        let name = locate::shown(path, self.directory);
        let documents = read_documents(path, &name, Some(wanted_by), report)?;
        let first = documents.into_iter().next()?;
        Some(canonical(&interpolate(&first, self.environment, report)))
    }
}

fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
