//! What environment files and label files add to services that take part.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Around;
use crate::env::{Format, read_file};
use crate::locate::{clean, shown};
use crate::report::{Code, Report};
use crate::source::Span;
use crate::yaml::{Entry, Mapping, Node, Value};

/// Variables and labels that files may add to an app.
const ADDED_MAX: usize = 500_000;

/// Fills in the environment and the labels of every enabled service.
pub(super) fn fill(
    root: &mut Node,
    disabled: &BTreeSet<Rc<str>>,
    around: &Around<'_>,
    report: &mut Report,
) {
    let Some(services) = root.get_mut("services").and_then(Node::entries_mut) else { return };
    let mut added = 0;
    for (_, entry) in services.iter_mut().filter(|(name, _)| !disabled.contains(*name)) {
        let service = &mut entry.value;
        if service.get("env_file").is_some() {
            added += environment(service, around, report);
        }
        if service.get("label_file").is_some() {
            added += labels(service, around, report);
        }
        if added > ADDED_MAX {
            let message = "environment files make this app too large";
            report.error(Code::TooLarge, entry.key, message);
            return;
        }
    }
}

fn environment(service: &mut Node, around: &Around<'_>, report: &mut Report) -> usize {
    let own = service.get("environment").and_then(Node::as_mapping).cloned().unwrap_or_default();
    let text = |name: &str| own.get(name).and_then(|entry| entry.value.as_text());
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for name in own.keys() {
        variables.extend(text(name).map(|value| (name.to_string(), value.to_owned())));
    }
    let lookup =
        |name: &str| around.environment.get(name).or_else(|| text(name)).map(str::to_owned);
    let mut last = service.span;
    for file in service.get("env_file").and_then(Node::as_sequence).unwrap_or_default() {
        let Some(path) = file.get("path").and_then(Node::as_text) else { continue };
        let required = !matches!(file.get("required").map(|n| &n.value), Some(Value::Bool(false)));
        let format = match file.get("format").and_then(Node::as_text) {
            None | Some("" | ".env") => Format::Dotenv,
            Some("raw") => Format::Raw,
            Some(_) => {
                let message = "this format of an environment file is unknown";
                report.error(Code::InvalidValue, file.span, message).hint("leave it out, or `raw`");
                continue;
            }
        };
        if required || std::path::Path::new(path).exists() {
            last = file.span;
            read(path, file.span, format, &lookup, &mut variables, around, report);
        }
    }
    let count = variables.len();
    put(service, "environment", own, variables, last);
    count
}

fn labels(service: &mut Node, around: &Around<'_>, report: &mut Report) -> usize {
    let own = service.get("labels").and_then(Node::as_mapping).cloned().unwrap_or_default();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut last = service.span;
    for file in service.get("label_file").and_then(Node::as_sequence).unwrap_or_default() {
        let Some(path) = file.as_text() else { continue };
        let known = labels.clone();
        let lookup = |name: &str| known.get(name).cloned();
        last = file.span;
        read(path, file.span, Format::Dotenv, &lookup, &mut labels, around, report);
    }
    let count = labels.len();
    put(service, "labels", own, labels, last);
    count
}

fn read(
    path: &str,
    wanted_by: Span,
    format: Format,
    lookup: &dyn Fn(&str) -> Option<String>,
    into: &mut BTreeMap<String, String>,
    around: &Around<'_>,
    report: &mut Report,
) {
    let path = clean(&around.project_dir.join(path));
    let name = shown(&path, around.directory);
    read_file(&path, &name, Some(wanted_by), format, lookup, into, report);
}

/// What the service says itself wins, even where it says that a variable is not set.
fn put(service: &mut Node, key: &str, own: Mapping, found: BTreeMap<String, String>, at: Span) {
    let mut all = own;
    for (name, value) in found {
        let entry = || Entry { key: at, value: Node::text(&value, at) };
        all.insert_new(Rc::from(name), entry);
    }
    if !all.is_empty() {
        service.put(key, Node::new(Value::Mapping(Rc::new(all)), at));
    }
}
