//! Names of what stands beside the services, and targets of secrets.

use std::rc::Rc;

use super::validation::is_external;
use crate::yaml::{Node, Value};

/// Names the resources of a merged tree: a name that is written but empty is left alone.
pub(super) fn resources(root: &mut Node, app: &str) {
    for section in ["networks", "volumes", "configs", "secrets"] {
        let Some(entries) = root.get_mut(section).and_then(Node::entries_mut) else { continue };
        for (key, entry) in entries.iter_mut() {
            let resource = &mut entry.value;
            if resource.is_null() {
                *resource = Node::new(Value::Mapping(Rc::default()), entry.key);
            }
            if resource.get("name").is_some_and(|name| !name.is_null()) {
                continue;
            }
            let external = is_external(resource);
            let name = if external { key.to_string() } else { format!("{app}_{key}") };
            resource.put("name", Node::text(&name, entry.key));
        }
    }
}

/// Completes the secrets of a typed service.
pub(super) fn secrets(service: &mut Node) {
    if service.get("secrets").is_none() {
        return;
    }
    for secret in service.get_mut("secrets").and_then(Node::items_mut).into_iter().flatten() {
        if secret.get("target").is_none() {
            let source = secret.get("source").and_then(Node::as_text).unwrap_or_default();
            let target = Node::text(&format!("/run/secrets/{source}"), secret.span);
            secret.put("target", target);
        }
    }
}
