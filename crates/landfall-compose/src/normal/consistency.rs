//! What Compose refuses once everything is known: names that are defined nowhere, settings of a
//! service that contradict each other. Services that are not enabled are not looked at.

mod references;
mod settings;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::report::{Code, Report};
use crate::source::Span;
use crate::yaml::{Entry, Mapping, Node};

/// Everything a check needs.
struct Scene<'a> {
    root: &'a Node,
    services: &'a Mapping,
    disabled: &'a BTreeSet<Rc<str>>,
    report: &'a mut Report,
}

/// Checks a typed tree.
pub(super) fn check(root: &Node, disabled: &BTreeSet<Rc<str>>, report: &mut Report) {
    let Some(services) = root.get("services").and_then(Node::as_mapping) else { return };
    let mut scene = Scene { root, services, disabled, report };
    for (name, entry) in services.iter().filter(|(name, _)| !disabled.contains(*name)) {
        if entry.value.as_mapping().is_none() {
            continue;
        }
        references::check(&mut scene, name, &entry.value);
        settings::check(&mut scene, name, entry);
    }
    container_names(&mut scene);
    for (name, entry) in scene.section("secrets").into_iter().flatten() {
        let secret = &entry.value;
        let given = ["file", "environment", "external"].iter().any(|key| secret.get(key).is_some());
        if !given {
            let message = format!("secret `{name}` needs a `file` or an `environment`");
            scene.report.error(Code::KeyMissing, entry.key, message);
        }
    }
}

impl<'a> Scene<'a> {
    fn section(&self, name: &str) -> Option<&'a Mapping> {
        self.root.get(name).and_then(Node::as_mapping)
    }

    fn is_enabled(&self, service: &str) -> bool {
        self.services.contains_key(service) && !self.disabled.contains(service)
    }
}

fn container_names(scene: &mut Scene<'_>) {
    let mut known: HashMap<&str, (Span, &str)> = HashMap::new();
    for (service, entry) in scene.services.iter().filter(|(s, _)| !scene.disabled.contains(*s)) {
        let Some(node) = entry.value.get("container_name") else { continue };
        let Some(name) = node.as_text() else { continue };
        if let Some((first, other)) = known.get(name) {
            let message = format!("services `{other}` and `{service}` want the container `{name}`");
            scene.report.error(Code::Conflict, node.span, message).related(*first, "taken here");
        } else {
            known.insert(name, (node.span, service));
        }
    }
}

/// The items of a list below a service, or of nothing.
fn items<'a>(service: &'a Node, key: &str) -> &'a [Node] {
    service.get(key).and_then(Node::as_sequence).unwrap_or_default()
}

/// The entries of a mapping below a service, or of nothing.
fn entries<'a>(service: &'a Node, key: &str) -> impl Iterator<Item = (&'a Rc<str>, &'a Entry)> {
    service.get(key).and_then(Node::as_mapping).into_iter().flatten()
}
