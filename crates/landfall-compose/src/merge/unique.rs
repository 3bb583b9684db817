//! Of list entries that mean the same thing the last one counts, at the place of the first.

use std::rc::Rc;

use indexmap::IndexMap;

use super::path::{Pattern, rule_at};
use crate::short::{port, volume};
use crate::yaml::{Node, Value};

/// What an entry is told from others by; `None` keeps the entry as it is.
type Identity = fn(&Node) -> Option<String>;

const IDENTITIES: &[(Pattern, Identity)] = &[
    (&["services", "*", "build", "platforms"], itself),
    (&["services", "*", "build", "tags"], itself),
    (&["services", "*", "cap_add"], itself),
    (&["services", "*", "cap_drop"], itself),
    (&["services", "*", "configs"], |node| granted(node, "/")),
    (&["services", "*", "devices"], device),
    (&["services", "*", "dns"], itself),
    (&["services", "*", "dns_opt"], itself),
    (&["services", "*", "dns_search"], itself),
    (&["services", "*", "env_file"], |node| node.get("path").and_then(itself)),
    (&["services", "*", "expose"], |node| node.printed()),
    (&["services", "*", "links"], before_equals),
    (&["services", "*", "networks", "*", "aliases"], itself),
    (&["services", "*", "networks", "*", "link_local_ips"], itself),
    (&["services", "*", "ports"], |node| port::identity(node)),
    (&["services", "*", "profiles"], itself),
    (&["services", "*", "secrets"], |node| granted(node, "/run/secrets/")),
    (&["services", "*", "tmpfs"], itself),
    (&["services", "*", "volumes"], |node| volume::identity(node)),
];

/// The document with repeated entries removed.
pub(crate) fn unique(document: &Node) -> Node {
    walk(document, &mut Vec::new()).unwrap_or_else(|| document.clone())
}

fn walk<'a>(node: &'a Node, path: &mut Vec<&'a str>) -> Option<Node> {
    match &node.value {
        Value::Sequence(items) if items.len() > 1 => {
            let identity = rule_at(IDENTITIES, path)?;
            let mut kept: IndexMap<String, Node> = IndexMap::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                // NUL cannot stand in a file, so a position is never taken for an identity.
                let key = identity(item).unwrap_or_else(|| format!("\0{index}"));
                kept.insert(key, item.clone());
            }
            let fewer = kept.len() < items.len();
            fewer.then(|| node.with(Value::Sequence(Rc::new(kept.into_values().collect()))))
        }
        Value::Mapping(_) if path.len() < 5 => node.map_children(|name, child| {
            path.push(name);
            let value = walk(child, path);
            path.pop();
            value
        }),
        _ => None,
    }
}

fn itself(node: &Node) -> Option<String> {
    node.as_text().map(str::to_owned)
}

fn before_equals(node: &Node) -> Option<String> {
    node.as_text().map(|text| text.split('=').next().unwrap_or(text).to_owned())
}

fn granted(node: &Node, folder: &str) -> Option<String> {
    let target = match node.as_text() {
        Some(source) => source,
        None => node.get("target").or_else(|| node.get("source")).and_then(Node::as_text)?,
    };
    Some(if target.starts_with('/') { target.to_owned() } else { format!("{folder}{target}") })
}

fn device(node: &Node) -> Option<String> {
    if let Some(text) = node.as_text() {
        let mut parts = text.split(':');
        let source = parts.next()?;
        return Some(parts.next().unwrap_or(source).to_owned());
    }
    node.get("target").or_else(|| node.get("source")).and_then(itself)
}
