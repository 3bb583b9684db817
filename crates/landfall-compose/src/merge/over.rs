//! A later document over an earlier one.
//!
//! Mappings merge, lists grow, scalars are replaced, an empty value keeps what was there; the table
//! names what differs. `!reset` and `!override` act here and are gone afterwards.

use std::collections::HashSet;
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
    /// Items that are there already are not added again.
    Hosts,
    /// Pools of addresses, told apart by their subnets.
    Pools,
}

const RULES: &[(Pattern, Rule)] = &[
    (&["services", "*", "annotations"], Rule::KeyValue),
    (&["services", "*", "build", "additional_contexts"], Rule::KeyValue),
    (&["services", "*", "build", "args"], Rule::KeyValue),
    (&["services", "*", "build", "extra_hosts"], Rule::Hosts),
    (&["services", "*", "build", "labels"], Rule::KeyValue),
    (&["services", "*", "command"], Rule::Replace),
    (&["services", "*", "deploy", "labels"], Rule::KeyValue),
    (&["services", "*", "entrypoint"], Rule::Replace),
    (&["services", "*", "environment"], Rule::KeyValue),
    (&["services", "*", "extra_hosts"], Rule::Hosts),
    (&["services", "*", "healthcheck", "test"], Rule::Replace),
    (&["services", "*", "labels"], Rule::KeyValue),
    (&["services", "*", "logging"], Rule::Logging),
    (&["services", "*", "sysctls"], Rule::KeyValue),
    (&["services", "*", "ulimits", "*"], Rule::Replace),
    (&["networks", "*", "ipam", "config"], Rule::Pools),
    (&["networks", "*", "labels"], Rule::KeyValue),
    (&["volumes", "*", "labels"], Rule::KeyValue),
];

/// Pools are compared each with each, up to this many times.
const POOL_PAIRS_MAX: usize = 10_000;

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
            settle(key_values(old, new), over)
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
            settle(merged, over)
        }
        (Some(Rule::Hosts), Value::Sequence(old), Value::Sequence(new)) => {
            let known: HashSet<&str> = old.iter().filter_map(Node::as_text).collect();
            let is_fresh = |item: &&Node| item.as_text().is_none_or(|text| !known.contains(text));
            let fresh = new.iter().filter(is_fresh);
            let items = old.iter().chain(fresh).cloned().collect();
            over.with(Value::Sequence(Rc::new(items)))
        }
        (Some(Rule::Pools), Value::Sequence(old), Value::Sequence(new))
            if old.len() * new.len() <= POOL_PAIRS_MAX =>
        {
            over.with(Value::Sequence(Rc::new(pools(old, new))))
        }
        (_, Value::Sequence(old), Value::Sequence(new)) => {
            let items = old.iter().chain(new.iter()).cloned().collect();
            over.with(Value::Sequence(Rc::new(items)))
        }
        (_, old, new) => {
            // What the schema says of a scalar that becomes a collection is enough.
            if is_collection(old) {
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

fn key_values(old: &Mapping, new: &Mapping) -> Mapping {
    let mut merged = old.clone();
    for (name, entry) in new {
        // The reference looks for the name among the keys, and a list has none.
        let hidden = entry.value.directive == Some(Directive::Reset)
            && merged.get(name).is_some_and(is_from_list);
        if !hidden {
            put(&mut merged, name, entry.key, entry.value.clone());
        }
    }
    merged
}

/// Puts a value, also one that is reset: [`settle`] takes those out, all at once.
fn put(merged: &mut Mapping, name: &Rc<str>, key: crate::source::Span, value: Node) {
    merged.insert(Rc::clone(name), Entry { key, value });
}

fn settle(mut merged: Mapping, over: &Node) -> Node {
    let is_reset = |entry: &Entry| entry.value.directive == Some(Directive::Reset);
    if merged.values().any(is_reset) {
        merged.retain(|_, entry| !is_reset(entry));
    }
    over.with(Value::Mapping(Rc::new(merged)))
}

/// Whether a pair was written as `NAME=value`: then its value stands within its key's place.
fn is_from_list(entry: &Entry) -> bool {
    !entry.value.is_null() && entry.value.span.start < entry.key.end
}

/// Every pool with every other: those of one subnet become one, the rest stand side by side, in the
/// order in which compose-go comes to them.
fn pools(old: &[Node], new: &[Node]) -> Vec<Node> {
    let subnet = |pool: &Node| pool.get("subnet").and_then(Node::printed);
    let mut merged: Vec<Node> = Vec::new();
    for right in old {
        let mut right = right.clone();
        for left in new {
            let known = merged.iter().any(|pool| subnet(pool) == subnet(left));
            if subnet(left) != subnet(&right) && !known {
                merged.push(left.clone());
                continue;
            }
            for (name, entry) in left.as_mapping().into_iter().flatten() {
                right.put(name, entry.value.clone());
            }
            match merged.iter().position(|pool| subnet(pool) == subnet(&right)) {
                Some(index) => merged[index] = right.clone(),
                None => merged.push(right.clone()),
            }
        }
    }
    merged
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
    stripped(node).unwrap_or_else(|| node.clone())
}

fn stripped(node: &Node) -> Option<Node> {
    let is_reset = |node: &Node| node.directive == Some(Directive::Reset);
    let holds_reset = match &node.value {
        Value::Sequence(items) => items.iter().any(is_reset),
        Value::Mapping(mapping) => mapping.values().any(|entry| is_reset(&entry.value)),
        _ => false,
    };
    let kept = holds_reset.then(|| without_resets(node));
    let whole = kept.as_ref().unwrap_or(node);
    let changed = whole.map_children(|_, child| stripped(child));
    let changed = changed.or_else(|| kept.clone());
    match (changed, node.directive) {
        (Some(changed), _) => Some(Node { directive: None, ..changed }),
        (None, Some(_)) => Some(Node { directive: None, ..node.clone() }),
        (None, None) => None,
    }
}

fn without_resets(node: &Node) -> Node {
    let is_kept = |node: &Node| node.directive != Some(Directive::Reset);
    let value = match &node.value {
        Value::Sequence(items) => {
            Value::Sequence(Rc::new(items.iter().filter(|item| is_kept(item)).cloned().collect()))
        }
        Value::Mapping(mapping) => {
            let mut kept = Mapping::clone(mapping);
            kept.retain(|_, entry| is_kept(&entry.value));
            Value::Mapping(Rc::new(kept))
        }
        other => other.clone(),
    };
    node.with(value)
}
