//! `x-landfall`: the check of a file, and the schema for editors.

use std::path::{Path, PathBuf};

use landfall_compose::{LoadOptions, View, read, x_landfall_markdown, x_landfall_schema};
use serde_json::{Value, json};

use super::support::App;

/// What a part of the schema has against a value. Knows what the schema uses, and no patterns.
fn problems(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return problems(root, root.pointer(&reference[1..]).unwrap(), value, at);
    }
    let mut found = Vec::new();
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.contains(&type_of(value)) {
        found.push(format!("{at} is of the wrong type"));
    }
    if let Some(known) = schema["enum"].as_array()
        && !known.contains(value)
    {
        found.push(format!("{at} is none of the words"));
    }
    if let Some(number) = value.as_i64() {
        let low = schema["minimum"].as_i64().is_some_and(|min| number < min);
        if low || schema["maximum"].as_i64().is_some_and(|max| number > max) {
            found.push(format!("{at} is out of range"));
        }
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => found.extend(problems(root, schema, value, &at)),
            (None, Value::Bool(false)) => found.push(format!("{at} is unknown")),
            (None, schema) if schema.is_object() => {
                found.extend(problems(root, schema, value, &at));
            }
            _ => {}
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{at} lacks {name}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(problems(root, &schema["items"], item, &format!("{at}[]")));
    }
    found
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn valid(document: &Value) -> Vec<String> {
    let schema = x_landfall_schema();
    problems(&schema, &schema, document, "file")
}

fn as_json(view: View<'_>) -> Value {
    if view.is_mapping() {
        return view.entries().map(|(key, value)| (key.to_owned(), as_json(value))).collect();
    }
    if view.is_list() {
        return view.items().map(as_json).collect();
    }
    match (view.text(), view.integer(), view.boolean()) {
        (Some(text), ..) => json!(text),
        (_, Some(number), _) => json!(number),
        (_, _, Some(switch)) => json!(switch),
        _ => Value::Null,
    }
}

#[test]
fn the_examples_fit_the_schema() {
    for example in ["shop", "hello"] {
        let directory: PathBuf =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
        let options = LoadOptions { directory, ..LoadOptions::default() };
        let model = read(&options).unwrap_or_else(|failed| panic!("{:?}", failed.diagnostics));
        let documents: Vec<Value> = model.documents().map(as_json).collect();
        assert!(documents.iter().any(|document| document.to_string().contains("x-landfall")));
        for document in documents {
            assert_eq!(valid(&document), Vec::<String>::new(), "{example}");
        }
    }
}

#[test]
fn every_key_fits_the_schema_and_the_check() {
    let text = "x-landfall: {allow: [a], deadline: 5m, drain: 30s, keep: 5}\nservices:\n  web:\n    image: a\n    \
                x-landfall:\n      allow: [b]\n      health: {path: /, port: 80, stay_up: 2s, successes: 2, timeout: 1m}\n      \
                routes: [{listen: 80, host: shop.example.com, path: /a, port: 8000}]\n      update: rolling\n  \
                beat: {image: a, x-landfall: {singleton: true}}\n  \
                migrate: {image: a, x-landfall: {job: before-cutover}}\nvolumes: {data: {x-landfall: {scope: release}}}\n";
    let app = App::new(&[("compose.yaml", text)]);
    app.load();
    let model = read(&app.options).unwrap();
    let documents: Vec<Value> = model.documents().map(as_json).collect();
    assert_eq!(valid(&documents[0]), Vec::<String>::new());
}

#[test]
fn the_schema_finds_what_the_check_finds() {
    let service = |extension: Value| json!({"services": {"web": {"x-landfall": extension}}});
    for (document, expected) in [
        (json!({"x-landfall": {"drian": "5s"}}), "file.x-landfall.drian is unknown"),
        (json!({"x-landfall": {"keep": 0}}), "file.x-landfall.keep is out of range"),
        (service(json!({"update": "sideways"})), "file.services.web.x-landfall.update is none"),
        (service(json!({"health": {"port": "x"}})), "health.port is of the wrong type"),
        (service(json!({"routes": [{"port": 80}]})), "routes[] lacks \"listen\""),
    ] {
        let found = valid(&document);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
        let app = App::new(&[("compose.yaml", &with_image(&document))]);
        assert!(read(&app.options).is_err() || app.codes().iter().any(|code| code.ends_with('!')));
    }
}

fn with_image(document: &Value) -> String {
    let mut document = document.clone();
    document["services"]["web"]["image"] = json!("a");
    document.to_string()
}

#[test]
fn what_is_wrong_under_x_landfall_stops_reading_too() {
    let app = App::new(&[("compose.yaml", "x-landfall: {kepe: 3}\nservices: {web: {image: a}}\n")]);
    let failed = read(&app.options).unwrap_err();
    assert_eq!(failed.diagnostics.len(), 1);
    assert_eq!(failed.diagnostics[0].code, "LF0301");
    assert_eq!(failed.diagnostics[0].hint.as_deref(), Some("did you mean `keep`?"));
}

#[test]
fn the_page_names_every_key() {
    let page = x_landfall_markdown();
    for key in ["`health.stay_up`", "`routes[].listen`", "`allow`", "`scope`"] {
        assert!(page.contains(key), "{key}");
    }
}
