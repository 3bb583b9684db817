//! Lists and pairs, and the short forms that are simple enough to stand together.

use std::rc::Rc;

use super::scalar;
use super::shape::Kind;
use super::tables::{DEVICE, DEVICE_REQUEST, ENV_FILE, GRANT};
use super::typed::Typing;
use crate::short::words;
use crate::source::Span;
use crate::yaml::{Entry, Mapping, Node, Value};

/// A list of texts; one text is a list of itself.
pub(super) fn texts(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    if node.as_text().is_some() {
        return Some(sequence(node, vec![node.clone()]));
    }
    t.list(node, |t, item| t.value(&Kind::Text, item))
}

/// A list of any scalars.
pub(super) fn printed(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    if node.as_text().is_some() {
        return Some(sequence(node, vec![node.clone()]));
    }
    t.list(node, scalar::printed)
}

pub(super) fn command(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let Some(line) = node.as_text() else {
        return t.list(node, |t, item| t.value(&Kind::Text, item));
    };
    match words::split(line) {
        Ok(split) => {
            let words = split.words.iter().map(|word| Node::text(word, node.span));
            Some(sequence(node, words.collect()))
        }
        Err(why) => {
            t.invalid(node, &why).hint("write the command as a list of words");
            None
        }
    }
}

pub(super) fn health_test(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    if node.as_text().is_some() {
        return Some(sequence(node, vec![Node::text("CMD-SHELL", node.span), node.clone()]));
    }
    t.list(node, |t, item| t.value(&Kind::Text, item))
}

/// `NAME=value` pairs, or a mapping of them. What has no value is null or empty.
pub(super) fn pairs(t: &mut Typing<'_>, node: &Node, keep_null: bool) -> Option<Node> {
    let nothing =
        |span| if keep_null { Node::new(Value::Null, span) } else { Node::text("", span) };
    let mut out = Mapping::new();
    match &node.value {
        Value::Mapping(mapping) => {
            for (name, entry) in mapping.iter() {
                let value = if entry.value.is_null() {
                    Some(nothing(entry.value.span))
                } else {
                    t.within(name, |t| t.value(&Kind::Printed, &entry.value))
                };
                let Some(value) = value else { continue };
                out.insert(Rc::clone(name), Entry { key: entry.key, value });
            }
        }
        Value::Sequence(items) => {
            for item in items.iter() {
                let Some(text) = t.value(&Kind::Printed, item).and_then(|n| n.printed()) else {
                    continue;
                };
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Node::text(value, item.span)),
                    None => (text.as_str(), nothing(item.span)),
                };
                out.insert(name.into(), Entry { key: item.span, value });
            }
        }
        _ => {
            t.wrong(node, "a mapping or a list");
            return None;
        }
    }
    Some(node.with_entries(out))
}

/// A mapping whose values are lists of scalars; a single one is a list of itself.
pub(super) fn pairs_of_lists(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let Some(mapping) = node.as_mapping() else {
        t.wrong(node, "a mapping");
        return None;
    };
    let mut out = Mapping::new();
    for (name, entry) in mapping {
        let items = entry.value.as_sequence().unwrap_or(std::slice::from_ref(&entry.value));
        let items = items.iter().filter_map(|item| scalar::printed(t, item)).collect();
        let value = sequence(&entry.value, items);
        out.insert(Rc::clone(name), Entry { key: entry.key, value });
    }
    Some(node.with(Value::Mapping(Rc::new(out))))
}

/// `host=address` and `host:address` in a list, or a mapping; sorted, without brackets.
pub(super) fn hosts(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let mut pairs: Vec<(String, Span)> = Vec::new();
    let mut add = |host: &str, address: &str, span: Span| {
        let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
        let bare = bare.filter(|bare| !bare.is_empty()).unwrap_or(address);
        pairs.push((format!("{host}={bare}"), span));
        !host.is_empty() && !host.contains([':', '='])
    };
    match &node.value {
        Value::Sequence(items) => {
            for item in items.iter() {
                let text = t.value(&Kind::Printed, item)?.printed()?;
                let pair = text.split_once('=').or_else(|| text.split_once(':'));
                let good = pair.is_some_and(|(host, addresses)| {
                    addresses.split(',').all(|address| add(host, address, item.span))
                });
                if !good {
                    t.invalid(item, "must be `host=address`");
                }
            }
        }
        Value::Mapping(mapping) => {
            for (host, entry) in mapping.iter() {
                let items = entry.value.as_sequence().unwrap_or(std::slice::from_ref(&entry.value));
                for item in items {
                    let text = item.printed().unwrap_or_default();
                    if !add(host, &text, item.span) {
                        t.invalid(item, "has no good name of a host");
                    }
                }
            }
        }
        _ => {
            t.wrong(node, "a mapping or a list");
            return None;
        }
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Some(sequence(node, pairs.iter().map(|(text, span)| Node::text(text, *span)).collect()))
}

pub(super) fn ulimit(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    const LIMITS: super::shape::Shape =
        &[super::shape::filled("soft", Kind::Int), super::shape::filled("hard", Kind::Int)];
    if node.as_mapping().is_some() {
        return t.object(LIMITS, node);
    }
    let single = scalar::int(t, node)?;
    let none = matches!(single.value, Value::Int(0));
    Some(if none { node.with(Value::Mapping(Rc::default())) } else { single })
}

pub(super) fn ssh(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let pairs = pairs(t, node, false)?;
    let keys = pairs.as_mapping().into_iter().flatten().map(|(name, entry)| {
        let text = match entry.value.as_text().filter(|path| !path.is_empty()) {
            Some(path) => format!("{name}={path}"),
            None => name.to_string(),
        };
        Node::text(&text, entry.key)
    });
    Some(sequence(node, keys.collect()))
}

/// `source[:target[:permissions]]`.
pub(super) fn devices(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    t.list(node, |t, item| {
        let Some(text) = item.as_text() else {
            let device = t.object(DEVICE, item)?;
            if device.get("target").is_none() {
                t.invalid(item, "a device must have a `target`");
            }
            return Some(device);
        };
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, permissions) = match parts[..] {
            [source] => (source, source, "rwm"),
            [source, target] => (source, target, "rwm"),
            [source, target, permissions] => (source, target, permissions),
            _ => {
                t.invalid(item, "has too many colons").hint("write it as a mapping");
                return None;
            }
        };
        let target = if target.is_empty() { source } else { target };
        let long = [("source", source), ("target", target), ("permissions", permissions)];
        t.object(DEVICE, &mapping(item, &long))
    })
}

pub(super) fn grants(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    t.list(node, |t, item| match item.as_text() {
        Some(source) => Some(mapping(item, &[("source", source)])),
        None => t.object(GRANT, item),
    })
}

pub(super) fn gpus(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    if node.as_text().is_some() {
        let all = mapping(node, &[("count", "all")]);
        return t.object(DEVICE_REQUEST, &all).map(|all| sequence(node, vec![all]));
    }
    t.list(node, |t, item| t.object(DEVICE_REQUEST, item))
}

pub(super) fn env_files(t: &mut Typing<'_>, node: &Node) -> Node {
    let items = node.as_sequence().unwrap_or(std::slice::from_ref(node));
    let files = items.iter().filter_map(|item| {
        let mut file = match item.as_text() {
            Some(path) => mapping(item, &[("path", path)]),
            None => item.clone(),
        };
        if let Value::Mapping(entries) = &mut file.value
            && entries.get("required").is_none_or(|entry| entry.value.is_null())
        {
            let value = Node::new(Value::Bool(true), item.span);
            Rc::make_mut(entries).insert("required".into(), Entry { key: item.span, value });
        }
        t.object(ENV_FILE, &file)
    });
    let files = files.collect();
    sequence(node, files)
}

/// A mapping of texts at the place of a node.
pub(super) fn mapping(at: &Node, entries: &[(&str, &str)]) -> Node {
    let entries = entries.iter().map(|(name, text)| {
        (Rc::from(*name), Entry { key: at.span, value: Node::text(text, at.span) })
    });
    Node::new(Value::Mapping(Rc::new(entries.collect())), at.span)
}

pub(super) fn sequence(at: &Node, items: Vec<Node>) -> Node {
    Node::new(Value::Sequence(Rc::new(items)), at.span)
}
