//! Names of what stands beside the services, and targets of secrets.

use std::rc::Rc;

use super::defaults::each_service;
use crate::yaml::{Node, Value};

/// Completes a typed tree.
pub(super) fn complete(root: &mut Node, app: &str) {
    for section in ["networks", "volumes", "configs", "secrets"] {
        let Some(entries) = root.get_mut(section).and_then(Node::entries_mut) else { continue };
        for (key, entry) in entries.iter_mut() {
            let resource = &mut entry.value;
            if resource.is_null() {
                *resource = Node::new(Value::Mapping(Rc::default()), entry.key);
                if section == "networks" {
                    let nothing = Node::new(Value::Mapping(Rc::default()), entry.key);
                    resource.put("ipam", nothing);
                }
            }
            if resource.get("name").is_some() {
                continue;
            }
            let external = resource.get("external").is_some();
            let name = if external { key.to_string() } else { format!("{app}_{key}") };
            resource.put("name", Node::text(&name, entry.key));
        }
    }
    each_service(root, |service| {
        for secret in service.get_mut("secrets").and_then(Node::items_mut).into_iter().flatten() {
            if secret.get("target").is_none() {
                let source = secret.get("source").and_then(Node::as_text).unwrap_or_default();
                let target = Node::text(&format!("/run/secrets/{source}"), secret.span);
                secret.put("target", target);
            }
        }
    });
}
