//! Holds the table to the schema, and to what loading really does.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::row::{Here, Row};
use super::rows;
use crate::project::LoadOptions;
use crate::schema::{FILE, Kind, Shape};

/// Every key of the schema, as the paths of rows, with its shape.
fn keys() -> Vec<(String, &'static Shape)> {
    fn walk(shape: &'static Shape, path: &str, out: &mut Vec<(String, &'static Shape)>) {
        let below = |segment: &str| {
            if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") }
        };
        for kind in shape.kinds {
            match kind {
                Kind::Map(table) => {
                    for (key, shape) in table.keys {
                        out.push((below(key), shape));
                        walk(shape, &below(key), out);
                    }
                }
                Kind::Names(names) => walk(names.shape, &below("*"), out),
                Kind::List(items, _) => walk(items, &below("*"), out),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(&FILE, "", &mut out);
    out
}

#[test]
fn every_key_of_the_schema_has_one_row_and_every_row_has_a_key() {
    let wanted: BTreeSet<String> = keys().into_iter().map(|(path, _)| path).collect();
    let plain = || rows().filter(|row| row.value.is_none());
    let given: BTreeSet<String> = plain().map(|row| row.path.to_owned()).collect();
    let difference: Vec<&String> = wanted.symmetric_difference(&given).collect();
    assert!(difference.is_empty(), "on one side only: {difference:?}");
    assert_eq!(plain().count(), given.len(), "a key has two rows");
    assert!(rows().all(|row| wanted.contains(row.path)), "a value of no key");
    assert!(given.len() > 340);
}

#[test]
fn what_is_inside_of_a_refused_or_ignored_key_is_so_too() {
    for row in rows().filter(|row| row.value.is_none()) {
        let outer = rows().filter(|other| {
            other.value.is_none() && row.path.starts_with(&format!("{}.", other.path))
        });
        let outer = outer.max_by_key(|other| other.path.len());
        let shut = outer.is_some_and(|outer| {
            matches!(outer.landfall, Here::Ignored(_) | Here::Refused(_) | Here::Outer)
        });
        assert_eq!(shut, row.landfall == Here::Outer, "{}", row.path);
    }
}

/// What a mapping needs so that one more key can stand in it.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("services.*", r#"{"image": "a"}"#),
    ("services.*.build", r#"{"context": "."}"#),
    ("services.*.depends_on.*", r#"{"condition": "service_started"}"#),
    ("services.*.env_file.*", r#"{"path": "e.env"}"#),
    ("services.*.extends", r#"{"service": "db"}"#),
    ("services.*.devices.*", r#"{"source": "/dev/null", "target": "/dev/null"}"#),
    ("services.*.ports.*", r#"{"target": 80, "published": 8080}"#),
    ("services.*.volumes.*", r#"{"type": "volume", "source": "data", "target": "/t"}"#),
    ("services.*.healthcheck", r#"{"test": "true"}"#),
    ("services.*.ulimits.*", r#"{"soft": 1, "hard": 1}"#),
    ("services.*.configs.*", r#"{"source": "conf"}"#),
    ("services.*.secrets.*", r#"{"source": "key"}"#),
    ("services.*.post_start.*", r#"{"command": "x"}"#),
    ("services.*.pre_start.*", r#"{"command": "x"}"#),
    ("services.*.pre_stop.*", r#"{"command": "x"}"#),
    ("services.*.build.ulimits.*", r#"{"soft": 1, "hard": 1}"#),
    ("services.*.provider", r#"{"type": "x"}"#),
    ("services.*.deploy.resources.reservations.devices.*", r#"{"capabilities": ["gpu"]}"#),
    ("services.*.gpus.*", r#"{"capabilities": ["gpu"]}"#),
    ("services.*.blkio_config.weight_device.*", r#"{"path": "/dev/null", "weight": 10}"#),
    ("services.*.blkio_config.device_read_bps.*", r#"{"path": "/dev/null", "rate": 10}"#),
    ("services.*.blkio_config.device_read_iops.*", r#"{"path": "/dev/null", "rate": 10}"#),
    ("services.*.blkio_config.device_write_bps.*", r#"{"path": "/dev/null", "rate": 10}"#),
    ("services.*.blkio_config.device_write_iops.*", r#"{"path": "/dev/null", "rate": 10}"#),
    ("networks.*.ipam.config.*", r#"{"subnet": "10.99.0.0/24"}"#),
    ("configs.*", r#"{"file": "e.env"}"#),
    ("secrets.*", r#"{"file": "e.env"}"#),
    ("models.*", r#"{"model": "x"}"#),
    ("include.*", r#"{"path": "inc.yaml"}"#),
];

/// Values of keys that no value of the right type would do for.
const SAMPLES: &[(&str, &str)] = &[
    ("include.*.path", r#""inc.yaml""#),
    ("name", r#""app""#),
    ("networks.*.driver", r#""bridge""#),
    ("networks.*.external", "true"),
    ("networks.*.ipam.config.*.aux_addresses", r#"{"host": "10.99.0.9"}"#),
    ("networks.*.ipam.config.*.gateway", r#""10.99.0.1""#),
    ("networks.*.ipam.config.*.ip_range", r#""10.99.0.128/25""#),
    ("networks.*.ipam.config.*.subnet", r#""10.99.0.0/24""#),
    ("services.*.blkio_config.weight", "10"),
    ("services.*.blkio_config.weight_device.*.weight", "10"),
    ("services.*.build.additional_contexts", r#"{"k": "."}"#),
    ("services.*.build.context", r#"".""#),
    ("services.*.build.extra_hosts", r#"["host=10.0.0.1"]"#),
    ("services.*.build.no_cache", "true"),
    ("services.*.build.pull", "true"),
    ("services.*.deploy.mode", r#""replicated""#),
    ("services.*.devices.*.source", r#""/dev/null""#),
    ("services.*.env_file.*.format", r#""raw""#),
    ("services.*.env_file.*.required", "true"),
    ("services.*.extends.file", r#""more.yaml""#),
    ("services.*.extra_hosts", r#"["host=10.0.0.1"]"#),
    ("services.*.healthcheck.test", r#""true""#),
    ("services.*.ipc", r#""private""#),
    ("services.*.network_mode", r#""bridge""#),
    ("services.*.networks.*.ipv4_address", r#""10.99.0.9""#),
    ("services.*.networks.*.ipv6_address", r#""fd00::9""#),
    ("services.*.networks.*.link_local_ips", r#"["169.254.8.8"]"#),
    ("services.*.pid", r#""host""#),
    ("services.*.ports.*.host_ip", r#""127.0.0.1""#),
    ("services.*.ports.*.mode", r#""host""#),
    ("services.*.ports.*.protocol", r#""tcp""#),
    ("services.*.restart", r#""always""#),
    ("services.*.uts", r#""host""#),
    ("services.*.tmpfs", r#"["/t"]"#),
    ("services.*.volumes.*.bind.create_host_path", "true"),
    ("services.*.volumes.*.target", r#""/t""#),
    ("volumes.*.external", "true"),
];

fn sample(path: &str, shape: &'static Shape) -> Value {
    if let Some((_, json)) = SAMPLES.iter().find(|(sampled, _)| *sampled == path) {
        return serde_json::from_str(json).unwrap();
    }
    let by_words = match shape.wanted {
        "a duration" => Some(json!("1s")),
        "a size" => Some(json!("64m")),
        "a file mode" => Some(json!(0o444)),
        "a port" => Some(json!("8080:80")),
        _ => None,
    };
    by_words.unwrap_or_else(|| by_kind(path, &shape.kinds[shape.kinds.len() - 1]))
}

fn by_kind(path: &str, kind: &'static Kind) -> Value {
    use crate::schema::Words;
    match kind {
        Kind::Null => Value::Null,
        Kind::Bool => json!(true),
        Kind::Int(..) | Kind::Number => json!(1),
        Kind::Text(Words::OneOf(known)) => json!(known[0]),
        Kind::Text(Words::Like(fits, _)) => {
            let known = ["1", "true", "always", "default"];
            json!(known.iter().find(|word| fits(word)).unwrap())
        }
        Kind::Text(Words::Any) => json!("1"),
        Kind::List(items, _) => json!([sample(&format!("{path}.*"), items)]),
        Kind::Map(_) => surroundings(path),
        Kind::Names(names) => json!({ "k": sample(&format!("{path}.*"), names.shape) }),
    }
}

fn surroundings(path: &str) -> Value {
    let found = SURROUNDINGS.iter().find(|(place, _)| *place == path);
    found.map_or_else(|| json!({}), |(_, json)| serde_json::from_str(json).unwrap())
}

/// A document with the value at the path, and around it what the value needs.
fn document(path: &str, value: Value) -> Value {
    let segments: Vec<&str> = path.split('.').collect();
    let mut value = value;
    for depth in (0..segments.len()).rev() {
        let outer = segments[..depth].join(".");
        let below = segments[..=depth].join(".");
        let key = match (segments[depth], below.as_str()) {
            ("*", "services.*") => "web",
            ("*", "services.*.depends_on.*") => "db",
            ("*", "volumes.*") => "data",
            ("*", "configs.*") => "conf",
            ("*", "secrets.*") => "key",
            ("*", "networks.*" | "services.*.networks.*") => "net",
            ("*", place) if is_list(&outer) && !place.is_empty() => {
                value = json!([value]);
                continue;
            }
            ("*", _) => "k",
            (key, _) => key,
        };
        let alone = matches!(key, "content" | "environment") && !outer.starts_with("services");
        let mut object = if alone { json!({}) } else { surroundings(&outer) };
        object[key] = value;
        value = object;
    }
    with_the_rest(value)
}

fn is_list(path: &str) -> bool {
    keys().iter().any(|(known, shape)| {
        known == path
            && shape.kinds.iter().any(|kind| {
                matches!(kind, Kind::List(items, _)
                    if items.kinds.iter().any(|kind| matches!(kind, Kind::Map(_))))
            })
    })
}

fn with_the_rest(mut document: Value) -> Value {
    let rest: Map<String, Value> = serde_json::from_str(
        r#"{
        "services": {"web": {"image": "a"}, "db": {"image": "postgres"}},
        "networks": {"net": {}}, "volumes": {"data": {}},
        "configs": {"conf": {"file": "e.env"}}, "secrets": {"key": {"file": "e.env"}}
    }"#,
    )
    .unwrap();
    for (section, named) in rest {
        for (name, value) in named.as_object().unwrap() {
            if document[&section][name].is_null() {
                document[&section][name] = value.clone();
            }
        }
    }
    document
}

/// What is said about a file: code and message.
fn said(document: &Value) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("compose.yaml", serde_json::to_string(document).unwrap()),
        ("e.env", "A=1\n".to_owned()),
        ("1", "A=1\n".to_owned()),
        ("Dockerfile", "FROM scratch\n".to_owned()),
        ("inc.yaml", "services: {}\n".to_owned()),
        ("more.yaml", "services: {db: {image: b}}\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let directory = folder.path().canonicalize().unwrap();
    let options = LoadOptions { directory, ..LoadOptions::default() };
    let found = match crate::load(&options) {
        Ok(project) => project.warnings,
        Err(failed) => failed.diagnostics,
    };
    found.into_iter().map(|finding| (finding.code, finding.message)).collect()
}

#[test]
fn a_row_says_what_loading_does() {
    let mut wrong = Vec::new();
    // Only a file with external networks can have this one.
    let elsewhere = |row: &&Row| row.path == "services.*.external_links";
    for row in rows().filter(|row| row.landfall != Here::Outer && !elsewhere(row)) {
        let (_, shape) = keys().into_iter().find(|(path, _)| path == row.path).unwrap();
        let value = match row.value {
            Some(value) => json!(value.replace('*', "12h")),
            None => sample(row.path, shape),
        };
        let said = said(&document(row.path, value));
        let has = |code: &str| said.iter().any(|(known, _)| known == code);
        let fits = match row.landfall {
            Here::Refused(_) => has("LF0501") || has("LF0503"),
            Here::Ignored(_) => has("LF0502") && !has("LF0501") && !has("LF0503"),
            Here::Yes | Here::Differently(_) => !has("LF0501") && !has("LF0503") && !has("LF0502"),
            Here::Outer => true,
        };
        if !fits || said.iter().any(|(code, _)| code.starts_with("LF03")) {
            wrong.push(format!("{}: {:?} but {said:?}", shown(row), row.landfall));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shown(row: &Row) -> String {
    row.value.map_or_else(|| row.path.to_owned(), |value| format!("{} = {value}", row.path))
}
