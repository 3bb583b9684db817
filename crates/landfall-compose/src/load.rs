//! The way from files to a [`Project`]: find, read, fill in variables, merge, decode, assemble.
//!
//! A stage whose result the next one needs stops the way; all others go on, so that one run says
//! everything that is wrong.

use std::path::PathBuf;

use landfall_core::diagnostic::{Diagnostic, Severity};
use landfall_core::id::AppName;

use crate::assemble::{Surroundings, assemble};
use crate::decode::{Decoder, decode_project};
use crate::discover::{Found, discover};
use crate::env::Environment;
use crate::files::{Files, Place, Written};
use crate::interpolate::interpolate;
use crate::model::Model;
use crate::name;
use crate::normal::{Around, normalise};
use crate::project::{LoadFailed, LoadOptions, Project};
use crate::report::{Code, Report};
use crate::schema::validate;
use crate::yaml::Node;

/// Reads compose files as Compose does, without asking whether they can be deployed.
pub fn read(options: &LoadOptions) -> Result<Model, LoadFailed> {
    let mut report = Report::default();
    let read = read_into(options, &mut report).and_then(|read| {
        let around = Around {
            name: read.name.as_ref()?.as_str(),
            environment: &read.environment,
            project_dir: &read.project_dir,
            directory: &options.directory,
            profiles: &read.profiles,
        };
        let normal = normalise(&read.merged, &around, &mut report);
        Some((read, normal))
    });
    let failed = report.has_errors();
    let variables = std::mem::take(&mut report.variables).finish(&report.sources);
    let (diagnostics, sources) = report.finish();
    match read {
        Some((read, normal)) if !failed => {
            let Read { name: Some(name), project_dir, documents, merged, environment, .. } = read
            else {
                return Err(LoadFailed { diagnostics, sources });
            };
            Ok(Model {
                name,
                directory: project_dir,
                merged,
                normal,
                documents,
                variables,
                environment,
                warnings: diagnostics,
                sources,
            })
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

/// What the files come to before anything is judged.
struct Read {
    name: Option<AppName>,
    project_dir: PathBuf,
    environment: Environment,
    profiles: Vec<String>,
    documents: Vec<Node>,
    merged: Node,
}

fn read_into(options: &LoadOptions, report: &mut Report) -> Option<Read> {
    let found = discover(options, report)?;
    let mut files = Files::new(&options.directory);
    let documents = read_all(&found, &mut files, report)?;
    let name = app_name(options, &found, &documents, report);
    let mut environment = found.environment;
    environment.set("COMPOSE_PROJECT_NAME", name.as_ref().map_or("", AppName::as_str));
    let place = Place { folder: &found.project_dir, environment: &environment, chain: &[] };
    let merged = files.merge(&documents, &place, report)?;
    validate(&merged, report);
    let profiles = match &options.profiles[..] {
        [] => split_list(environment.get("COMPOSE_PROFILES").unwrap_or_default()),
        given => given.to_vec(),
    };
    let project_dir = found.project_dir;
    Some(Read { name, project_dir, environment, profiles, documents: files.documents, merged })
}

fn load_into(options: &LoadOptions, report: &mut Report) -> Option<Loaded> {
    let read = read_into(options, report)?;
    let mut decoder = Decoder::new(report, &read.environment, &read.project_dir);
    let draft = decode_project(&mut decoder, &read.merged, &read.profiles);
    let surroundings = Surroundings {
        name: read.name?,
        environment: &read.environment,
        project_dir: &read.project_dir,
        directory: &options.directory,
        is_for_another_host: options.is_for_another_host,
    };
    let (spec, builds) = assemble(draft, surroundings, report);
    Some((spec, builds, read.project_dir))
}

/// Every document of every file; `None` when one cannot be read.
fn read_all(found: &Found, files: &mut Files<'_>, report: &mut Report) -> Option<Vec<Written>> {
    let mut documents = Vec::new();
    let mut complete = true;
    for file in &found.files {
        match files.documents_of(&file.path, &file.name, None, report) {
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

fn app_name(
    options: &LoadOptions,
    found: &Found,
    documents: &[Written],
    report: &mut Report,
) -> Option<AppName> {
    let is_empty = |node: &Node| node.is_null() || node.as_text() == Some("");
    let names = documents.iter().rev().filter_map(|document| document.node.get("name"));
    let written = names.into_iter().find(|name| !is_empty(name));
    let written = written.map(|node| interpolate(node, &found.environment, report));
    let wanted = name::Wanted {
        given: options.project_name.as_deref(),
        variable: found.environment.filled("COMPOSE_PROJECT_NAME"),
        written: written.as_ref(),
        directory: &found.project_dir,
    };
    name::app_name(&wanted, report)
}

fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
