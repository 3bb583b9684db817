//! The JSON Schema of `x-landfall`, for editors.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{APP, Group, Kind, Place, SERVICE, Setting, VOLUME};

/// The schema of the whole compose specification, which editors know already.
const COMPOSE: &str =
    "https://raw.githubusercontent.com/compose-spec/compose-spec/main/schema/compose-spec.json";

/// A JSON Schema (draft 7) of compose files with `x-landfall`: the specification's own schema, and
/// what landfall adds to it.
pub fn x_landfall_schema() -> Value {
    let inside = |place: &str| {
        let extension = json!({ "x-landfall": { "$ref": format!("#/definitions/{place}") } });
        json!({
            "type": "object",
            "additionalProperties": { "type": ["object", "null"], "properties": extension },
        })
    };
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Compose file for landfall",
        "allOf": [{ "$ref": COMPOSE }],
        "type": "object",
        "properties": {
            "x-landfall": { "$ref": "#/definitions/app" },
            "services": inside("service"),
            "volumes": inside("volume"),
        },
        "definitions": {
            "app": place(&APP),
            "service": place(&SERVICE),
            "volume": place(&VOLUME),
        },
    })
}

fn place(place: &Place) -> Value {
    object(place.settings, &[])
}

fn group(group: &Group) -> Value {
    object(group.settings, group.required)
}

fn object(settings: &[Setting], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        settings.iter().map(|setting| (setting.name.to_owned(), property(setting))).collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(setting: &Setting) -> Value {
    let mut property = shape(&setting.kind);
    let mut words = setting.meaning.to_owned();
    if let Kind::OneOf(known) = &setting.kind {
        for (word, meaning) in *known {
            let _ = write!(words, "\n- `{word}`: {meaning}");
        }
    }
    property["description"] = json!(format!("{words}\nDefault: {}", setting.default));
    property
}

fn shape(kind: &Kind) -> Value {
    match kind {
        Kind::Duration => json!({
            "type": ["string", "integer"],
            "pattern": "^([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h|d|w))+$",
            "maximum": 0,
            "minimum": 0,
            "examples": ["30s", "1m30s", "500ms"],
        }),
        Kind::Count(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::UrlPath => json!({ "type": "string", "pattern": "^/\\S*$" }),
        Kind::Host => json!({ "type": "string", "pattern": "^[A-Za-z0-9._*-]+$" }),
        Kind::Listen => json!({
            "type": ["string", "integer"],
            "minimum": 1,
            "maximum": 65_535,
            "examples": [80, "127.0.0.1:80", "[::1]:80"],
        }),
        Kind::OneOf(words) => {
            json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
        }
        Kind::Rules => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Group(inner) => group(inner),
        Kind::Groups(inner) => json!({ "type": "array", "items": group(inner) }),
    }
}
