//! The tree of `landfall config`, with the extensions of services, networks and volumes put back.
//!
//! Compose prints those as YAML and leaves them out as JSON.

use landfall_compose::{Model, View};
use serde_json::{Map, Number, Value};

/// As Compose prints it as JSON; `all` keeps what no service uses.
pub(crate) fn plain(model: &Model, all: bool) -> Value {
    if all { model.config_of_all() } else { model.config() }
}

/// As Compose prints it as YAML.
pub(crate) fn with_extensions(model: &Model, all: bool) -> Value {
    let mut tree = plain(model, all);
    add(&mut tree, model.root());
    // As JSON they are not printed at all.
    if let (Some(models), Some(map)) = (model.root().get("models"), tree.as_object_mut()) {
        map.insert("models".to_owned(), raw(models));
    }
    // What Compose prints as JSON even when nobody wrote it, and how it calls some keys there.
    for network in named(&mut tree, "networks") {
        network.retain(|key, value| key != "ipam" || *value != Value::Object(Map::new()));
    }
    for service in named(&mut tree, "services") {
        service.retain(|key, value| !(value.is_null() && is_command(key)));
        let limits = service.get_mut("blkio_config").and_then(Value::as_object_mut);
        limits.into_iter().flat_map(Map::values_mut).for_each(uncapitalised);
    }
    tree
}

/// The mappings under a key at the top.
fn named<'a>(
    tree: &'a mut Value,
    section: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let section = tree.get_mut(section).and_then(Value::as_object_mut);
    section.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

/// `Path`, `Weight` and `Rate`.
fn uncapitalised(devices: &mut Value) {
    for device in devices.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        *device = std::mem::take(device)
            .into_iter()
            .map(|(key, value)| (key.to_lowercase(), value))
            .collect();
    }
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
