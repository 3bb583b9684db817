//! Which parts of a compose file may hold secrets: excerpts never show them.
//!
//! Values under `environment` and `args`, inline `content` of configs, and what stands under `secrets`
//! where a secret's file should be named; wherever they stand, so that shared anchors and extensions
//! are covered as well.

use crate::source::{Sources, Span, clamp};
use crate::yaml::{Mapping, Node, Value};

/// Marks what is secret in a document.
pub(crate) fn mark(node: &Node, sources: &mut Sources) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| mark(item, sources)),
        Value::Mapping(mapping) => {
            for (name, entry) in mapping.iter() {
                match &**name {
                    "environment" | "args" => values(&entry.value, sources),
                    "secrets" => definitions(&entry.value, sources),
                    "content" => sources.keep_secret(entry.value.span),
                    _ => mark(&entry.value, sources),
                }
                if has_variable_name(name) && is_scalar(&entry.value) {
                    sources.keep_secret(entry.value.span);
                }
            }
        }
        _ => {}
    }
}

fn values(node: &Node, sources: &mut Sources) {
    match &node.value {
        Value::Sequence(items) => {
            for item in items.iter() {
                if let Some((name, _)) = item.as_text().and_then(|text| text.split_once('=')) {
                    let start = (item.span.start + clamp(name.len()) + 1).min(item.span.end);
                    sources.keep_secret(Span { start, ..item.span });
                }
            }
        }
        Value::Mapping(mapping) => mapping_values(mapping, sources),
        _ => {}
    }
}

/// Secrets are not written into the file, but somebody may have tried.
fn definitions(node: &Node, sources: &mut Sources) {
    for entry in node.as_mapping().into_iter().flat_map(Mapping::values) {
        let Some(definition) = entry.value.as_mapping() else {
            scalars(&entry.value, sources);
            continue;
        };
        for (name, entry) in definition {
            if !DEFINITION_KEYS.contains(&&**name) {
                scalars(&entry.value, sources);
            }
        }
    }
}

/// Keys of a secret that say where it is, and not what.
const DEFINITION_KEYS: [&str; 8] = [
    "driver",
    "driver_opts",
    "environment",
    "external",
    "file",
    "labels",
    "name",
    "template_driver",
];

fn mapping_values(mapping: &Mapping, sources: &mut Sources) {
    for entry in mapping.values() {
        scalars(&entry.value, sources);
    }
}

/// Every scalar, however deep: a value of the wrong shape may be a secret too.
fn scalars(node: &Node, sources: &mut Sources) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| scalars(item, sources)),
        Value::Mapping(mapping) => mapping_values(mapping, sources),
        // A value that is missing has the place of its key, and that is no secret.
        Value::Null => {}
        _ => sources.keep_secret(node.span),
    }
}

fn is_scalar(node: &Node) -> bool {
    !matches!(node.value, Value::Null | Value::Sequence(_) | Value::Mapping(_))
}

/// Whether a key looks like an environment variable, as in shared anchors of them.
pub(crate) fn has_variable_name(name: &str) -> bool {
    let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.len() > 1 && name.bytes().all(upper) && name.bytes().any(|b| b.is_ascii_uppercase())
}
