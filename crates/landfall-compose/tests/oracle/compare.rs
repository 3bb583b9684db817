//! Trees made comparable, and how two of them differ.
//!
//! Versions of the reference print a few things that say nothing: `create_host_path: true`, the null
//! of a command that is not given, an empty `ipam`. They are dropped on both sides.

use std::path::Path;

use serde_json::{Map, Value};

/// More differences than this are only counted.
const SHOWN_MAX: usize = 12;

/// The tree without what says nothing, its folder replaced by a placeholder.
pub(crate) fn settle(tree: &Value, root: &Path) -> Value {
    let mut tree = tree.clone();
    let root = root.to_str().unwrap();
    // Longer first: the project's folder stands in the root.
    replace(&mut tree, &[(format!("{root}/app"), "${DIR}"), (root.to_owned(), "${ROOT}")]);
    for network in members(&mut tree, "networks") {
        drop_if(network, "ipam", |ipam| ipam.as_object().is_some_and(Map::is_empty));
    }
    for service in members(&mut tree, "services") {
        drop_if(service, "command", Value::is_null);
        drop_if(service, "entrypoint", Value::is_null);
        for mount in service.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let Some(mount) = mount.as_object_mut() else { continue };
            if let Some(bind) = mount.get_mut("bind").and_then(Value::as_object_mut) {
                drop_if(bind, "create_host_path", |create| create == &Value::Bool(true));
            }
            drop_if(mount, "bind", |bind| bind.as_object().is_some_and(Map::is_empty));
        }
    }
    tree
}

fn members<'a>(tree: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let members = tree.get_mut(key).and_then(Value::as_object_mut);
    members.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

fn drop_if(map: &mut Map<String, Value>, key: &str, when: impl Fn(&Value) -> bool) {
    if map.get(key).is_some_and(when) {
        map.remove(key);
    }
}

fn replace(tree: &mut Value, pairs: &[(String, &str)]) {
    match tree {
        Value::String(text) => {
            for (folder, placeholder) in pairs {
                if text.contains(folder.as_str()) {
                    *text = text.replace(folder, placeholder);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, pairs)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, pairs)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The places where two trees differ, as lines; empty when they agree.
pub(crate) fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", expected, got, &mut found);
    if found.len() > SHOWN_MAX {
        let more = found.len() - SHOWN_MAX;
        found.truncate(SHOWN_MAX);
        found.push(format!("and {more} more"));
    }
    found
}

fn walk(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                match other.get(key) {
                    Some(second) => walk(&format!("{path}.{key}"), value, second, found),
                    None => found.push(format!("{path}.{key}: missing, expected {value}")),
                }
            }
            for (key, value) in other {
                if !one.contains_key(key) {
                    found.push(format!("{path}.{key}: too much, {value}"));
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (value, second)) in one.iter().zip(other).enumerate() {
                walk(&format!("{path}[{index}]"), value, second, found);
            }
        }
        _ if expected != got && !same_number(expected, got) => {
            found.push(format!("{path}: expected {expected}, got {got}"));
        }
        _ => {}
    }
}

/// `1` and `1.0` are one number in JSON.
#[expect(clippy::float_cmp, reason = "both were read from text")]
fn same_number(one: &Value, other: &Value) -> bool {
    matches!((one.as_f64(), other.as_f64()), (Some(one), Some(other)) if one == other)
}
