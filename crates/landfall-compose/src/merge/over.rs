//! A later document over an earlier one.
//!
//! Mappings merge, lists grow, scalars are replaced, an empty value keeps what was there; the table
//! names what differs. `!reset` and `!override` act here and are gone afterwards.

use std::rc::Rc;

use super::path::{Pattern, rule_at};
use crate::report::{Code, Report};
use crate::yaml::{Directive, Entry, Mapping, Node, Value};

#[derive(Debug, Clone, Copy)]
enum Rule {
    /// The later value replaces the earlier one whole.
    Replace,
    /// Key by key, and an empty value counts: it means "from the environment".
    KeyValue,
    /// Options merge only while the driver stays the same.
    Logging,
}

const RULES: &[(Pattern, Rule)] = &[
    ("services.*.annotations", Rule::KeyValue),
    ("services.*.build.args", Rule::KeyValue),
    ("services.*.build.labels", Rule::KeyValue),
    ("services.*.command", Rule::Replace),
    ("services.*.deploy.labels", Rule::KeyValue),
    ("services.*.entrypoint", Rule::Replace),
    ("services.*.environment", Rule::KeyValue),
    ("services.*.healthcheck.test", Rule::Replace),
    ("services.*.labels", Rule::KeyValue),
    ("services.*.logging", Rule::Logging),
    ("services.*.sysctls", Rule::KeyValue),
    ("services.*.ulimits.*", Rule::Replace),
    ("networks.*.labels", Rule::KeyValue),
    ("volumes.*.labels", Rule::KeyValue),
];

/// `over` merged onto `base`, both canonical, at a path of the document.
pub(crate) fn merge_trees<'a>(
    base: &'a Node,
    over: &'a Node,
    path: &mut Vec<&'a str>,
    report: &mut Report,
) -> Node {
    if over.directive == Some(Directive::Override) {
        return Node { directive: None, ..over.clone() };
    }
    let rule = rule_at(RULES, path);
    if over.is_null() && !matches!(rule, Some(Rule::Replace)) {
        return base.clone();
    }
    if base.is_null() {
        return over.clone();
    }
    match (rule, &base.value, &over.value) {
        (Some(Rule::Replace), ..) => over.clone(),
        (Some(Rule::Logging), Value::Mapping(_), Value::Mapping(_)) if !same_driver(base, over) => {
            over.clone()
        }
        (Some(Rule::KeyValue), Value::Mapping(old), Value::Mapping(new)) => {
            let mut merged = Mapping::clone(old);
            for (name, entry) in new.iter() {
                put(&mut merged, name, entry.key, entry.value.clone());
            }
            over.with(Value::Mapping(Rc::new(merged)))
        }
        (_, Value::Mapping(old), Value::Mapping(new)) => {
            let mut merged = Mapping::clone(old);
            for (name, entry) in new.iter() {
                let value = match old.get(name) {
                    Some(earlier) if entry.value.directive != Some(Directive::Reset) => {
                        path.push(name);
                        let value = merge_trees(&earlier.value, &entry.value, path, report);
                        path.pop();
                        value
                    }
                    _ => entry.value.clone(),
                };
                put(&mut merged, name, entry.key, value);
            }
            over.with(Value::Mapping(Rc::new(merged)))
        }
        (_, Value::Sequence(old), Value::Sequence(new)) => {
            let items = old.iter().chain(new.iter()).cloned().collect();
            over.with(Value::Sequence(Rc::new(items)))
        }
        (_, old, new) => {
            if is_collection(old) || is_collection(new) {
                let what = path.join(".");
                let message =
                    format!("`{what}` is {} here but was {} before", new.kind(), old.kind());
                report
                    .error(Code::Conflict, over.span, message)
                    .related(base.span, "it is merged onto this")
                    .hint("write it the same way in both files, or replace it with `!override`");
            }
            over.clone()
        }
    }
}

fn put(merged: &mut Mapping, name: &Rc<str>, key: crate::source::Span, value: Node) {
    if value.directive == Some(Directive::Reset) {
        merged.shift_remove(name);
    } else {
        merged.insert(Rc::clone(name), Entry { key, value });
    }
}

fn same_driver(base: &Node, over: &Node) -> bool {
    let driver = |node: &Node| node.get("driver").and_then(Node::as_text).map(str::to_owned);
    match (driver(base), driver(over)) {
        (Some(base), Some(over)) => base == over,
        _ => true,
    }
}

fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Sequence(_) | Value::Mapping(_))
}

/// Drops everything that is tagged `!reset`: there is nothing left to take back.
pub(crate) fn strip(node: &Node) -> Node {
    let value = match &node.value {
        Value::Sequence(items) => {
            let kept = items.iter().filter(|item| item.directive != Some(Directive::Reset));
            Value::Sequence(Rc::new(kept.map(strip).collect()))
        }
        Value::Mapping(mapping) => {
            let kept = mapping.iter().filter(|(_, e)| e.value.directive != Some(Directive::Reset));
            let entries = kept.map(|(name, entry)| {
                (Rc::clone(name), Entry { key: entry.key, value: strip(&entry.value) })
            });
            Value::Mapping(Rc::new(entries.collect()))
        }
        other => other.clone(),
    };
    Node { value, span: node.span, directive: None }
}
