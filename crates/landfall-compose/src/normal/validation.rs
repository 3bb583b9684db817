//! Settings that exclude each other, on the merged tree, where a key that is written but empty still
//! counts.

use std::net::IpAddr;

use crate::report::{Code, Report};
use crate::yaml::{Mapping, Node, Value};

/// `external: {name: x}` is an old way to write `external: true` and `name: x`.
pub(super) fn externals(root: &mut Node, report: &mut Report) {
    for section in ["networks", "volumes", "secrets", "configs"] {
        let Some(entries) = root.get_mut(section).and_then(Node::entries_mut) else { continue };
        for (key, entry) in entries.iter_mut() {
            let resource = &mut entry.value;
            let Some(external) = resource.get("external").cloned() else { continue };
            if external.as_mapping().is_none() {
                continue;
            }
            resource.put("external", external.with(Value::Bool(true)));
            let Some(old) = external.get("name").cloned() else { continue };
            match resource.get("name").cloned() {
                Some(name) if !name.same_as(&old) => {
                    let message = format!("`{section}.{key}` has two names");
                    report
                        .error(Code::Conflict, old.span, message)
                        .related(name.span, "the other one")
                        .hint("keep `name` and write `external: true`");
                }
                Some(_) => {}
                None => resource.put("name", old),
            }
        }
    }
}

/// Checks what stands beside the services.
pub(super) fn resources(root: &Node, report: &mut Report) {
    for (name, node) in entries(root, "volumes") {
        let Some(keys) = node.as_mapping() else { continue };
        let other = keys
            .iter()
            .find(|(key, _)| !matches!(&***key, "name" | "external") && !key.starts_with("x-"));
        if let (true, Some((key, entry))) = (is_external(node), other) {
            let message = format!("volume `{name}` is external, so `{key}` cannot be set here");
            report.error(Code::Conflict, entry.key, message);
        }
    }
    content(root, "configs", &["file", "environment", "content"], report);
    content(root, "secrets", &["file", "environment"], report);
}

/// Checks a service.
pub(super) fn service(service: &Node, report: &mut Report) {
    addresses(service, report);
    watches(service, report);
    requests(service, report);
}

/// Whether a resource is looked for and not made.
pub(super) fn is_external(node: &Node) -> bool {
    match node.get("external").map(|external| &external.value) {
        Some(Value::Bool(external)) => *external,
        Some(Value::Text(text)) => matches!(&*text.to_lowercase(), "true" | "yes" | "y" | "on"),
        _ => false,
    }
}

/// Secrets and configs: one way to their content, unless they are external or a driver's.
fn content(root: &Node, section: &str, ways: &[&str], report: &mut Report) {
    for (name, node) in entries(root, section) {
        let given: Vec<&str> = node
            .as_mapping()
            .map(|keys| ways.iter().copied().filter(|way| keys.contains_key(way)).collect())
            .unwrap_or_default();
        let has =
            |key: &str| node.as_mapping().is_some_and(|keys: &Mapping| keys.contains_key(key));
        let wanted = ways.join("`, `");
        if given.len() > 1 {
            let message = format!("`{section}.{name}` has more than one of `{wanted}`");
            report.error(Code::Conflict, node.span, message);
        } else if given.is_empty() && !has("driver") && !has("external") {
            let message = format!("`{section}.{name}` needs one of `{wanted}`");
            report.error(Code::KeyMissing, node.span, message);
        }
    }
}

fn addresses(service: &Node, report: &mut Report) {
    for port in service.get("ports").and_then(Node::as_sequence).unwrap_or_default() {
        let Some(address) = port.get("host_ip") else { continue };
        if address.as_text().is_some_and(|text| text.parse::<IpAddr>().is_err()) {
            report.error(Code::InvalidValue, address.span, "`host_ip` is no IP address");
        }
    }
}

fn watches(service: &Node, report: &mut Report) {
    let watch = service.get("develop").and_then(|develop| develop.get("watch"));
    for trigger in watch.and_then(Node::as_sequence).unwrap_or_default() {
        if let Some(path) = trigger.get("path").filter(|path| path.as_text() == Some("")) {
            report.error(Code::InvalidValue, path.span, "the `path` to watch is empty");
        }
    }
}

fn requests(service: &Node, report: &mut Report) {
    let reserved = ["deploy", "resources", "reservations", "devices"];
    let reserved = reserved.iter().try_fold(service, |node, key| node.get(key));
    for list in [reserved, service.get("gpus")].into_iter().flatten() {
        for request in list.as_sequence().unwrap_or_default() {
            let Some(keys) = request.as_mapping() else { continue };
            if keys.contains_key("count") && keys.contains_key("device_ids") {
                let message = "`count` and `device_ids` exclude each other";
                report.error(Code::Conflict, request.span, message);
            }
        }
    }
}

fn entries<'a>(root: &'a Node, section: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let section = root.get(section).and_then(Node::as_mapping).into_iter().flatten();
    section.map(|(name, entry)| (&**name, &entry.value))
}
