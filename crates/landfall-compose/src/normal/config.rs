//! The normalised tree as `docker compose config --format json` prints it.
//!
//! Dollar signs are doubled, so that the result can be read again; what no enabled service uses is
//! left out, and so are extensions below the top.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value as Json};

use super::Normal;
use crate::source::Sources;
use crate::yaml::{Entry, Mapping, Node, Value};

/// Prints a tree; `all` also prints what no enabled service uses.
pub(crate) fn config(normal: &Normal, name: &str, sources: &Sources, all: bool) -> Json {
    let printer = Printer { sources };
    let mut out = Map::new();
    out.insert("name".to_owned(), text(name));
    out.insert("services".to_owned(), Json::Object(services(normal, &printer)));
    for section in ["networks", "volumes", "secrets", "configs"] {
        let used = used(normal, section);
        let named = normal.root.get(section).and_then(Node::as_mapping).into_iter().flatten();
        let kept: Map<String, Json> = named
            .filter(|(name, _)| all || used.contains(&***name))
            .map(|(name, entry)| {
                let mut value = printer.typed(&entry.value, section);
                if let Json::Object(keys) = &mut value
                    && keys.contains_key("environment")
                {
                    keys.remove("content");
                }
                (escaped(name), value)
            })
            .collect();
        if !kept.is_empty() {
            out.insert(section.to_owned(), Json::Object(kept));
        }
    }
    for (key, entry) in normal.root.as_mapping().into_iter().flatten() {
        if key.starts_with("x-") {
            out.insert(escaped(key), printer.raw(&entry.value));
        }
    }
    Json::Object(out)
}

fn enabled(normal: &Normal) -> impl Iterator<Item = (&str, &Entry)> {
    let services = normal.root.get("services").and_then(Node::as_mapping).into_iter().flatten();
    let services = services.filter(|(name, _)| !normal.disabled.contains(*name));
    services.map(|(name, entry)| (&**name, entry))
}

fn services(normal: &Normal, printer: &Printer<'_>) -> Map<String, Json> {
    let printed = enabled(normal).map(|(name, entry)| {
        let mut service = printer.typed(&entry.value, "service");
        if let Json::Object(keys) = &mut service {
            // Their content is part of the environment and of the labels by now.
            keys.remove("env_file");
            keys.remove("label_file");
            if let Some(Json::Object(limits)) = keys.get_mut("blkio_config") {
                limits.values_mut().for_each(capitalised);
            }
        }
        (escaped(name), service)
    });
    printed.collect()
}

/// Compose prints the keys of these entries as its own code calls them.
fn capitalised(devices: &mut Json) {
    for device in devices.as_array_mut().into_iter().flatten() {
        let Json::Object(keys) = device else { continue };
        for (name, printed) in [("path", "Path"), ("weight", "Weight"), ("rate", "Rate")] {
            if let Some(value) = keys.remove(name) {
                keys.insert(printed.to_owned(), value);
            }
        }
    }
}

/// The names in a section that enabled services use.
fn used<'a>(normal: &'a Normal, section: &str) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (_, entry) in enabled(normal) {
        let service = &entry.value;
        let items = |node: &'a Node, key| node.get(key).and_then(Node::as_sequence);
        let source = |node: &'a Node| node.get("source").and_then(Node::as_text);
        let listed = items(service, section).unwrap_or_default();
        match section {
            "networks" => {
                let joined = service.get("networks").and_then(Node::as_mapping);
                names.extend(joined.into_iter().flat_map(Mapping::keys).map(|name| &**name));
            }
            "volumes" => {
                let named =
                    |node: &&Node| node.get("type").and_then(Node::as_text) == Some("volume");
                names.extend(listed.iter().filter(named).filter_map(source));
            }
            _ => {
                let built = service.get("build").and_then(|build| items(build, section));
                names.extend(listed.iter().chain(built.unwrap_or_default()).filter_map(source));
            }
        }
    }
    names
}

/// Dollar signs are doubled.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

fn text(text: &str) -> Json {
    Json::String(escaped(text))
}

struct Printer<'a> {
    sources: &'a Sources,
}

impl Printer<'_> {
    /// A value whose extensions are not printed. In mappings with free keys there are none.
    fn typed(&self, node: &Node, key: &str) -> Json {
        const FREE: [&str; 4] = ["depends_on", "environment", "labels", "args"];
        match &node.value {
            Value::Mapping(mapping) => {
                let free = FREE.contains(&key);
                let printed = mapping.iter().filter(|(name, _)| free || !name.starts_with("x-"));
                let printed = printed.map(|(n, e)| (escaped(n), self.typed(&e.value, n)));
                Json::Object(printed.collect())
            }
            Value::Sequence(items) => {
                Json::Array(items.iter().map(|item| self.typed(item, key)).collect())
            }
            _ => self.scalar(node),
        }
    }

    /// A value of an extension. Compose prints an empty list there as null.
    fn raw(&self, node: &Node) -> Json {
        match &node.value {
            Value::Mapping(mapping) => {
                let printed = mapping.iter().map(|(n, e)| (escaped(n), self.raw(&e.value)));
                Json::Object(printed.collect())
            }
            Value::Sequence(items) if items.is_empty() => Json::Null,
            Value::Sequence(items) => Json::Array(items.iter().map(|i| self.raw(i)).collect()),
            _ => self.scalar(node),
        }
    }

    fn scalar(&self, node: &Node) -> Json {
        match &node.value {
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::Number((*value).into()),
            Value::UInt(value) => Json::Number((*value).into()),
            Value::Float(value) => number(*value),
            Value::Text(value) => text(value),
            Value::Timestamp => text(&timestamp(self.sources.span_text(node.span).trim())),
            Value::Null | Value::Refused | Value::Sequence(_) | Value::Mapping(_) => Json::Null,
        }
    }
}

/// As Go prints a float: whole numbers without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small enough")]
fn number(value: f64) -> Json {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
        return Json::Number((value as i64).into());
    }
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}

/// A date or a time as Go prints it.
fn timestamp(text: &str) -> String {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let padded: Vec<String> = date.split('-').map(|part| format!("{part:0>2}")).collect();
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts: Vec<String> = whole.split(':').map(|part| format!("{part:0>2}")).collect();
    parts.resize(3, "00".to_owned());
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let zone = if matches!(zone, "" | "+00:00" | "-00:00") { "Z" } else { zone };
    format!("{}T{}{dot}{fraction}{zone}", padded.join("-"), parts.join(":"))
}
