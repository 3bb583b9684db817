//! Short forms to one shape, so that merging and decoding each know only one.
//!
//! A shape that is wrong is left as it is: decoding names the error with its place.

use std::rc::Rc;

use super::path::{Pattern, rule_at};
use crate::report::{Code, Report};
use crate::source::{Span, clamp};
use crate::yaml::{Entry, Mapping, Node, Value};

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// `[A=1, B]` → `{A: "1", B: null}`.
    KeyValue,
    /// `x` → `[x]`.
    List,
    /// `x` → `{context: x}`, and so on.
    MappingOf(&'static str),
    /// `[a, b]` → `{a: null, b: null}`.
    Keys,
    /// `[a]` → `{a: {condition: service_started}}`.
    DependsOn,
    /// `x` or `[x, {path: y}]` → `[{path: x}, {path: y}]`.
    EnvFiles,
    /// `[a:1.2.3.4]` and `{a: [1.2.3.4]}` → `[a=1.2.3.4]`.
    Hosts,
}

const SHAPES: &[(Pattern, Shape)] = &[
    (&["services", "*", "annotations"], Shape::KeyValue),
    (&["services", "*", "build"], Shape::MappingOf("context")),
    (&["services", "*", "build", "additional_contexts"], Shape::KeyValue),
    (&["services", "*", "build", "args"], Shape::KeyValue),
    (&["services", "*", "build", "extra_hosts"], Shape::Hosts),
    (&["services", "*", "build", "labels"], Shape::KeyValue),
    (&["services", "*", "depends_on"], Shape::DependsOn),
    (&["services", "*", "deploy", "labels"], Shape::KeyValue),
    (&["services", "*", "dns"], Shape::List),
    (&["services", "*", "dns_search"], Shape::List),
    (&["services", "*", "env_file"], Shape::EnvFiles),
    (&["services", "*", "environment"], Shape::KeyValue),
    (&["services", "*", "extends"], Shape::MappingOf("service")),
    (&["services", "*", "extra_hosts"], Shape::Hosts),
    (&["services", "*", "label_file"], Shape::List),
    (&["services", "*", "labels"], Shape::KeyValue),
    (&["services", "*", "models"], Shape::Keys),
    (&["services", "*", "networks"], Shape::Keys),
    (&["services", "*", "sysctls"], Shape::KeyValue),
    (&["services", "*", "tmpfs"], Shape::List),
    (&["networks", "*", "labels"], Shape::KeyValue),
    (&["volumes", "*", "labels"], Shape::KeyValue),
    (&["configs", "*", "labels"], Shape::KeyValue),
    (&["secrets", "*", "labels"], Shape::KeyValue),
];

/// The document with every known short form written out.
pub(crate) fn canonical(document: &Node, report: &mut Report) -> Node {
    shape(document, &mut Vec::new(), report).unwrap_or_else(|| document.clone())
}

fn shape<'a>(node: &'a Node, path: &mut Vec<&'a str>, report: &mut Report) -> Option<Node> {
    let rule = rule_at(SHAPES, path);
    let shaped = rule.and_then(|shape| apply(shape, node, report));
    if let Some(shaped) = shaped {
        // The new shape may hold short forms itself, one level down.
        return match (&shaped.value, rule) {
            (Value::Mapping(_), Some(Shape::MappingOf(_))) => {
                let inner = shaped.map_children(|name, child| {
                    let mut inner: Vec<&str> = path.clone();
                    inner.push(name);
                    rule_at(SHAPES, &inner).and_then(|shape| apply(shape, child, report))
                });
                Some(inner.unwrap_or(shaped))
            }
            _ => Some(shaped),
        };
    }
    // Extensions may hold anything, and no rule reaches deeper than four keys.
    if path.len() >= 4 || node.as_mapping().is_none() {
        return None;
    }
    node.map_children(|name, child| {
        path.push(name);
        let value = shape(child, path, report);
        path.pop();
        value
    })
}

fn apply(shape: Shape, node: &Node, report: &mut Report) -> Option<Node> {
    match shape {
        Shape::KeyValue => key_value(node),
        Shape::List => node
            .as_text()
            .map(|_| sequence_of(node, vec![Node { directive: None, ..node.clone() }])),
        Shape::MappingOf(key) => match &node.value {
            Value::Text(_) => Some(single(node, key, Node { directive: None, ..node.clone() })),
            Value::Mapping(_) => Some(node.clone()),
            _ => None,
        },
        Shape::Keys => keys(node, report, |item| Node::new(Value::Null, item.span)),
        Shape::DependsOn => keys(node, report, |item| {
            let started = Node::text("service_started", item.span);
            let mut value = single(item, "condition", started);
            value.put("required", Node::new(Value::Bool(true), item.span));
            value
        }),
        Shape::EnvFiles => {
            if node.as_text().is_none() && node.as_sequence().is_none() {
                return None;
            }
            let items = node.as_sequence().unwrap_or(std::slice::from_ref(node));
            let shaped = items.iter().map(|item| match item.value {
                Value::Text(_) => single(item, "path", Node { directive: None, ..item.clone() }),
                _ => item.clone(),
            });
            Some(sequence_of(node, shaped.collect()))
        }
        Shape::Hosts => hosts(node),
    }
}

fn key_value(node: &Node) -> Option<Node> {
    let items = node.as_sequence()?;
    let mut entries = Mapping::new();
    for item in items.iter().filter(|item| !item.is_refused()) {
        let text = item.as_text()?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Node::text(value, after_equals(item.span, name))),
            None => (text, Node::new(Value::Null, item.span)),
        };
        let value = Node { directive: item.directive, ..value };
        entries.insert(name.into(), Entry { key: item.span, value });
    }
    Some(node.with(Value::Mapping(Rc::new(entries))))
}

/// Where a value starts in `NAME=value`; a quote before the name moves it by one at most.
fn after_equals(item: Span, name: &str) -> Span {
    let start = (item.start + clamp(name.len()) + 1).min(item.end);
    Span { start, ..item }
}

fn keys(node: &Node, report: &mut Report, value: impl Fn(&Node) -> Node) -> Option<Node> {
    let mut entries = Mapping::new();
    for item in node.as_sequence()?.iter().filter(|item| !item.is_refused()) {
        let entry =
            Entry { key: item.span, value: Node { directive: item.directive, ..value(item) } };
        if let Some(first) = entries.insert(item.as_text()?.into(), entry) {
            report
                .error(Code::InvalidValue, item.span, "this stands twice in one list")
                .related(first.key, "it is here already");
        }
    }
    Some(node.with(Value::Mapping(Rc::new(entries))))
}

fn hosts(node: &Node) -> Option<Node> {
    let mut out = Vec::new();
    match &node.value {
        Value::Sequence(items) => {
            for item in items.iter().filter(|item| !item.is_refused()) {
                let text = item.as_text()?;
                let (host, address) = text.split_once('=').or_else(|| text.split_once(':'))?;
                out.push(host_pair(host, address, item));
            }
        }
        Value::Mapping(mapping) => {
            for (host, entry) in mapping.iter() {
                let addresses =
                    entry.value.as_sequence().unwrap_or(std::slice::from_ref(&entry.value));
                for address in addresses {
                    out.push(host_pair(host, address.as_text()?, address));
                }
            }
        }
        _ => return None,
    }
    Some(sequence_of(node, out))
}

fn host_pair(host: &str, address: &str, at: &Node) -> Node {
    let address = address.trim();
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    at.with(Value::Text(format!("{}={bare}", host.trim()).into()))
}

fn single(node: &Node, key: &str, value: Node) -> Node {
    let mut entries = Mapping::new();
    entries.insert(key.into(), Entry { key: node.span, value });
    node.with(Value::Mapping(Rc::new(entries)))
}

fn sequence_of(node: &Node, items: Vec<Node>) -> Node {
    node.with(Value::Sequence(Rc::new(items)))
}
