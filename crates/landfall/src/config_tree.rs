//! The tree of `landfall config`, with the extensions of services, networks and volumes put back.
//!
//! Compose prints those as YAML and leaves them out as JSON.

use landfall_compose::{Model, View};
use serde_json::{Map, Number, Value};

/// As Compose prints it as YAML.
pub(crate) fn with_extensions(model: &Model) -> Value {
    let mut tree = model.config();
    add(&mut tree, model.root());
    // As JSON these are printed even when nobody wrote them.
    for network in tree["networks"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(keys) = network.as_object_mut() {
            keys.retain(|key, value| key != "ipam" || *value != Value::Object(Map::new()));
        }
    }
    for service in tree["services"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(keys) = service.as_object_mut() {
            keys.retain(|key, value| !(value.is_null() && is_command(key)));
        }
    }
    tree
}

fn is_command(key: &str) -> bool {
    matches!(key, "command" | "entrypoint")
}

/// Adds the extensions of every mapping that both trees have.
fn add(tree: &mut Value, view: View<'_>) {
    let Value::Object(map) = tree else { return };
    for (name, value) in view.entries() {
        let name = escaped(name);
        if let Some(known) = map.get_mut(&name) {
            if !name.starts_with("x-") {
                add(known, value);
            }
        } else if name.starts_with("x-") {
            map.insert(name, raw(value));
        }
    }
}

fn raw(view: View<'_>) -> Value {
    if view.is_mapping() {
        let entries: Map<String, Value> =
            view.entries().map(|(name, value)| (escaped(name), raw(value))).collect();
        return Value::Object(entries);
    }
    if view.is_list() {
        return Value::Array(view.items().map(raw).collect());
    }
    if let Some(text) = view.text() {
        return Value::String(escaped(text));
    }
    if let Some(number) = view.integer() {
        return Value::Number(number.into());
    }
    match (view.boolean(), view.printed()) {
        (Some(value), _) => Value::Bool(value),
        (None, Some(printed)) => printed
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Value::String(escaped(&printed)), Value::Number),
        (None, None) => Value::Null,
    }
}

/// Dollar signs doubled, so that the result can be read again.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}
