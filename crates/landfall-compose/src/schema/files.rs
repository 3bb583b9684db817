//! Files for tests that go over the whole schema: a small project with one key set to one value.

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{FILE, Kind, Shape, Words};

/// Every key of the schema, as the paths of rows, with its shape.
pub(crate) fn keys() -> Vec<(String, &'static Shape)> {
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
    ("services.*.build.secrets.*", r#"{"source": "key"}"#),
    ("services.*.develop.watch.*", r#"{"path": ".", "action": "rebuild"}"#),
    ("services.*.develop.watch.*.exec", r#"{"command": "x"}"#),
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

pub(crate) fn sample(path: &str, shape: &'static Shape) -> Value {
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
pub(crate) fn document(path: &str, value: Value) -> Value {
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
    if path.starts_with("services.*.models.") {
        value["models"] = json!({ "k": surroundings("models.*") });
    }
    with_the_rest(value)
}

/// Whether a key holds a list of mappings.
fn is_list(path: &str) -> bool {
    static LISTS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let has_maps = |shape: &Shape| shape.kinds.iter().any(|kind| matches!(kind, Kind::Map(_)));
        let is_list = |shape: &Shape| shape.kinds.iter().filter_map(Kind::items).any(has_maps);
        let lists = keys().into_iter().filter(|(_, shape)| is_list(shape));
        lists.map(|(path, _)| path).collect()
    });
    LISTS.contains(path)
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
    let top = document.as_object_mut().unwrap();
    for (section, named) in rest {
        let there = top.entry(section).or_insert_with(|| json!({}));
        let Some(there) = there.as_object_mut() else { continue };
        for (name, value) in named.as_object().unwrap() {
            there.entry(name).or_insert_with(|| value.clone());
        }
    }
    document
}

/// Puts the files that documents name into a folder.
pub(crate) fn surround(folder: &Path) {
    for (name, text) in [
        ("e.env", "A=1\n"),
        ("1", "A=1\n"),
        ("maybe", "A=1\n"),
        ("true", "A=1\n"),
        ("x", "A=1\n"),
        ("Dockerfile", "FROM scratch\n"),
        ("inc.yaml", "services: {}\n"),
        ("more.yaml", "services: {db: {image: b}}\n"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}
