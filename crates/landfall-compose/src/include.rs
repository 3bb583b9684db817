//! `include`: other apps become part of this one, each with its own folder and its own variables.
//!
//! What both define is merged, what the including file says over what it includes. Nothing is ever
//! fetched from elsewhere.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::env::Environment;
use crate::files::{Files, Place};
use crate::locate::{clean, shown};
use crate::merge::merge_trees;
use crate::report::{Code, Report};
use crate::schema::validate_include;
use crate::source::Span;
use crate::yaml::{Entry, Mapping, Node, Value};

/// What an included app may bring.
const SECTIONS: [&str; 6] = ["services", "volumes", "networks", "secrets", "configs", "models"];

/// Includes within includes.
const DEPTH_MAX: usize = 50;

/// The document with everything it includes.
pub(crate) fn resolve(
    document: Node,
    place: &Place<'_>,
    files: &mut Files<'_>,
    report: &mut Report,
) -> Node {
    let Some(include) = document.get("include").cloned() else { return document };
    let mut whole = document;
    if let Some(entries) = whole.entries_mut() {
        entries.shift_remove("include");
    }
    if include.is_null() {
        return whole;
    }
    let Some(items) = include.as_sequence() else {
        let message = format!("`include` must be a list, not {}", include.value.kind());
        report.error(Code::WrongType, include.span, message);
        return whole;
    };
    for (index, item) in items.iter().enumerate() {
        let errors = report.errors_met();
        validate_include(item, index, report);
        if report.errors_met() > errors {
            continue;
        }
        let Some(wanted) = Wanted::read(item, report) else { continue };
        if let Some(part) = load(&wanted, place, files, report) {
            import(&mut whole, &part, report);
        }
    }
    whole
}

/// One entry, in its long form.
struct Wanted<'a> {
    at: Span,
    paths: Vec<&'a Node>,
    project_directory: Option<&'a str>,
    env_files: Vec<&'a Node>,
}

impl<'a> Wanted<'a> {
    fn read(item: &'a Node, report: &mut Report) -> Option<Self> {
        let texts = |node: Option<&'a Node>| -> Vec<&'a Node> {
            let list = node.filter(|node| !node.is_null());
            let list = list.map(|node| node.as_sequence().unwrap_or(std::slice::from_ref(node)));
            list.into_iter().flatten().collect()
        };
        let wanted = if item.as_text().is_some() {
            Self { at: item.span, paths: vec![item], project_directory: None, env_files: vec![] }
        } else {
            Self {
                at: item.span,
                paths: texts(item.get("path")),
                project_directory: item.get("project_directory").and_then(Node::as_text),
                env_files: texts(item.get("env_file")),
            }
        };
        let refused = item.is_refused() || wanted.paths.iter().any(|path| path.is_refused());
        let good = !wanted.paths.is_empty()
            && wanted.paths.iter().chain(&wanted.env_files).all(|node| node.as_text().is_some());
        if !good && !refused {
            report
                .error(Code::KeyMissing, item.span, "an `include` must name the `path` of a file")
                .hint("write `- path: other/compose.yaml`");
        }
        (good && !refused).then_some(wanted)
    }
}

fn load(
    wanted: &Wanted<'_>,
    place: &Place<'_>,
    files: &mut Files<'_>,
    report: &mut Report,
) -> Option<Node> {
    let mut paths: Vec<(PathBuf, Span)> = Vec::new();
    for node in &wanted.paths {
        let text = node.as_text().unwrap_or_default();
        if is_remote(text) {
            report
                .error(Code::NotSupported, node.span, "what is included must be a local file")
                .hint("copy it into the project, then nothing changes behind your back");
            return None;
        }
        paths.push((clean(&place.folder.join(text)), node.span));
    }
    let (first, _) = paths.first()?;
    if place.chain.iter().any(|known| **known == **first) || place.chain.len() >= DEPTH_MAX {
        let message = "this file includes itself in the end";
        report.error(Code::Cycle, wanted.at, message);
        return None;
    }
    let folder = match wanted.project_directory.filter(|folder| !folder.is_empty()) {
        Some(folder) => clean(&place.folder.join(folder)),
        None => first.parent().unwrap_or(Path::new("/")).to_path_buf(),
    };
    let environment = environment(wanted, &folder, place, files.directory, report);
    // A project directory that is not there stands for the folder above it.
    let folder = match folder.parent() {
        Some(above) if wanted.project_directory.is_some() && !folder.is_dir() => {
            above.to_path_buf()
        }
        _ => folder,
    };
    let inner = Place { folder: &folder, environment: &environment, chain: place.chain };
    let mut documents = Vec::new();
    for (path, at) in &paths {
        let name = shown(path, files.directory);
        documents.extend(files.documents_of(path, &name, Some(*at), report)?);
    }
    let mut part = files.part(&documents, &inner, report)?;
    bare_variables(&mut part, &environment);
    Some(part)
}

/// The variables of the including app, under them those of the included one's files.
fn environment(
    wanted: &Wanted<'_>,
    folder: &Path,
    place: &Place<'_>,
    directory: &Path,
    report: &mut Report,
) -> Environment {
    let named = |path: PathBuf| {
        let name = shown(&path, directory);
        (path, name)
    };
    let given = wanted.env_files.iter().filter_map(|node| node.as_text());
    let mut found: Vec<(PathBuf, String)> = given
        .filter(|file| *file != "/dev/null")
        .map(|file| named(clean(&place.folder.join(file))))
        .collect();
    let usual = folder.join(".env");
    if wanted.env_files.is_empty() && usual.is_file() {
        found.push(named(usual));
    }
    let mut environment = place.environment.clone();
    environment.add_files(&found, report);
    environment
}

/// Names without a value take the included app's value, for the including one may not know it.
fn bare_variables(part: &mut Node, environment: &Environment) {
    let services = part.get_mut("services").and_then(Node::entries_mut);
    for service in services.into_iter().flat_map(Mapping::values_mut) {
        let variables = service.value.get_mut("environment").and_then(Node::entries_mut);
        for (name, entry) in variables.into_iter().flatten() {
            if entry.value.is_null()
                && let Some(value) = environment.get(name)
            {
                entry.value = Node::text(value, entry.value.span);
            }
        }
    }
}

fn import(whole: &mut Node, part: &Node, report: &mut Report) {
    for section in SECTIONS {
        let Some(brought) = part.get(section).and_then(Node::as_mapping) else { continue };
        if whole.get(section).and_then(Node::as_mapping).is_none() {
            let empty = Node::new(Value::Mapping(Rc::new(Mapping::new())), part.span);
            whole.put(section, empty);
        }
        let Some(own) = whole.get_mut(section).and_then(Node::entries_mut) else { continue };
        for (name, entry) in brought {
            let value = match own.get(name) {
                Some(mine) if mine.value.same_as(&entry.value) => continue,
                Some(mine) => {
                    let path = &mut vec![section, &**name];
                    merge_trees(&entry.value, &mine.value, path, report)
                }
                None => entry.value.clone(),
            };
            own.insert(Rc::clone(name), Entry { key: entry.key, value });
        }
    }
}

/// Whether Compose would fetch it: an address, a Git repository or an image.
fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.starts_with("git@")
        || path.starts_with("oci:")
        || path.starts_with("github.com/")
}
