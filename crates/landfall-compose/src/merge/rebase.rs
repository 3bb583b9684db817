//! Paths of a service that was taken from a file in another folder: made absolute before merging.

use std::path::Path;
use std::rc::Rc;

use crate::yaml::{Entry, Node, Value};

/// The service with its relative paths resolved against the folder it was written in.
pub(super) fn rebase(service: &Node, folder: &Path) -> Node {
    edit(service, &|name, node| match name {
        "build" => edit(node, &|key, value| match key {
            "context" => path(value, folder),
            _ => value.clone(),
        }),
        "env_file" => each(node, &|item| {
            edit(item, &|key, value| {
                if key == "path" { path(value, folder) } else { value.clone() }
            })
        }),
        "label_file" => each(node, &|item| path(item, folder)),
        "volumes" => each(node, &|item| volume(item, folder)),
        _ => node.clone(),
    })
}

fn volume(item: &Node, folder: &Path) -> Node {
    if let Some(text) = item.as_text() {
        return match text.split_once(':') {
            Some((source, rest)) if source.starts_with('.') => {
                let source = join(folder, source);
                item.with(Value::Text(format!("{source}:{rest}").into()))
            }
            _ => item.clone(),
        };
    }
    let is_bind = item.get("type").and_then(Node::as_text) == Some("bind");
    edit(item, &|key, value| {
        if is_bind && key == "source" { path(value, folder) } else { value.clone() }
    })
}

fn path(node: &Node, folder: &Path) -> Node {
    match node.as_text() {
        Some(text) if !text.starts_with(['/', '~']) && !text.contains("://") => {
            node.with(Value::Text(join(folder, text).into()))
        }
        _ => node.clone(),
    }
}

fn join(folder: &Path, relative: &str) -> String {
    crate::locate::clean(&folder.join(relative)).to_string_lossy().into_owned()
}

fn edit(node: &Node, change: &dyn Fn(&str, &Node) -> Node) -> Node {
    let Some(mapping) = node.as_mapping() else { return node.clone() };
    let entries = mapping.iter().map(|(name, entry)| {
        let value = change(name, &entry.value);
        (Rc::clone(name), Entry { key: entry.key, value })
    });
    node.with(Value::Mapping(Rc::new(entries.collect())))
}

fn each(node: &Node, change: &dyn Fn(&Node) -> Node) -> Node {
    let Some(items) = node.as_sequence() else { return node.clone() };
    node.with(Value::Sequence(Rc::new(items.iter().map(change).collect())))
}
