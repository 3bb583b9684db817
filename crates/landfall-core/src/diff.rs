//! What differs between two sealed releases, key by key. Values that may be secret are never told:
//! of the environment and of files it is said *that* they changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash::sha256_hex;
use crate::release::Release;
use crate::spec::SealedFile;

/// Longest value that is told whole.
const VALUE_MAX: usize = 200;
/// Keys below which every value may be a secret.
const MASKED: [&str; 2] = ["environment", "content"];

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// Of what: `service web`, `file nginx.conf`, `network default`, `volume data`, `settings`.
    pub of: String,
    /// Which key, for example `image` or `environment.DEBUG`; empty: the whole of it.
    pub key: String,
    /// How it differs.
    pub change: Change,
    /// Its value before, where there was one that may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its value after, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only after.
    Added,
    /// Only before.
    Removed,
    /// Before and after, but not the same.
    Changed,
}

/// Everything that differs, in the order of a compose file: services, files, networks, volumes,
/// settings.
pub fn diff(before: &Release, after: &Release) -> Vec<Difference> {
    let mut found = Found::default();
    found.map("service", &described(before), &described(after));
    found.files(before, after);
    let (old, new) = (&before.spec, &after.spec);
    found.map("network", &values(&old.networks), &values(&new.networks));
    found.map("volume", &values(&old.volumes), &values(&new.volumes));
    found.value("settings", "", &value(&old.settings), &value(&new.settings));
    found.0
}

/// Each service with the content address of its image beside its keys.
fn described(release: &Release) -> BTreeMap<String, Value> {
    let services = release.spec.services.iter().map(|(name, service)| {
        let mut all = value(service);
        let id = release.images.get(name).map(|image| image.id.to_string());
        if let (Some(map), Some(id)) = (all.as_object_mut(), id) {
            map.insert("image id".to_owned(), Value::String(id));
        }
        (name.to_string(), all)
    });
    services.collect()
}

fn values<K: ToString, V: Serialize>(map: &BTreeMap<K, V>) -> BTreeMap<String, Value> {
    map.iter().map(|(key, item)| (key.to_string(), value(item))).collect()
}

fn value(item: &impl Serialize) -> Value {
    // Nothing of a spec has a key that is no text: this cannot fail.
    serde_json::to_value(item).unwrap_or(Value::Null)
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, of: &str, key: &str, sides: (Option<&Value>, Option<&Value>), shown: bool) {
        let change = match sides {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(_), Some(_)) | (None, None) => Change::Changed,
        };
        let show = |side: Option<&Value>| side.filter(|_| shown).map(text);
        self.0.push(Difference {
            of: of.to_owned(),
            key: key.to_owned(),
            change,
            before: show(sides.0),
            after: show(sides.1),
        });
    }

    /// Things by name: one that is on one side only is told as a whole.
    fn map(
        &mut self,
        kind: &str,
        before: &BTreeMap<String, Value>,
        after: &BTreeMap<String, Value>,
    ) {
        for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let of = format!("{kind} {name}");
            match (before.get(name), after.get(name)) {
                (Some(old), Some(new)) => self.value(&of, "", old, new),
                (old, new) => self.add(&of, "", (old, new), false),
            }
        }
    }

    /// Two values: objects key by key, everything else as a whole.
    fn value(&mut self, of: &str, key: &str, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        let (Value::Object(old), Value::Object(new)) = (before, after) else {
            self.add(of, key, (present(before), present(after)), !is_masked(key, before, after));
            return;
        };
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let inner = match (key, name.as_str()) {
                // What a container is made of is no key of its own in a compose file.
                ("", "container") => String::new(),
                ("", name) => name.to_owned(),
                (key, name) => format!("{key}.{name}"),
            };
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => self.value(of, &inner, old, new),
                (old, new) => {
                    let sides = (old.and_then(present), new.and_then(present));
                    let either = old.or(new).unwrap_or(&Value::Null);
                    if sides.0.or(sides.1).is_some() {
                        self.add(of, &inner, sides, !is_masked(&inner, either, either));
                    }
                }
            }
        }
    }

    fn files(&mut self, before: &Release, after: &Release) {
        let (old, new) = (hashes(before), hashes(after));
        self.map("file", &old, &new);
    }
}

/// What is unset is not there.
fn present(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Object(map) if map.is_empty() => None,
        value => Some(value),
    }
}

/// Whether a value may hold a secret: below such a key, or with such a key inside.
fn is_masked(key: &str, before: &Value, after: &Value) -> bool {
    let below = key.split('.').any(|part| MASKED.contains(&part));
    below || holds_masked(before) || holds_masked(after)
}

fn holds_masked(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.iter().any(|(key, inner)| MASKED.contains(&key.as_str()) || holds_masked(inner))
        }
        Value::Array(items) => items.iter().any(holds_masked),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Each sealed file by its tree and path, as a short hash of its content with mode and owner.
fn hashes(release: &Release) -> BTreeMap<String, Value> {
    let mut files = BTreeMap::new();
    for (tree, sealed) in &release.spec.files {
        for (path, file) in &sealed.entries {
            let name = if path.is_empty() { tree.clone() } else { format!("{tree}/{path}") };
            files.insert(name, described_file(file));
        }
    }
    files
}

fn described_file(file: &SealedFile) -> Value {
    let hash = sha256_hex(file.content.expose().as_bytes());
    let mut map = serde_json::Map::new();
    map.insert("sha256".to_owned(), Value::String(hash[..12].to_owned()));
    map.insert("mode".to_owned(), Value::String(format!("{:o}", file.mode)));
    map.insert("uid".to_owned(), value(&file.uid));
    map.insert("gid".to_owned(), value(&file.gid));
    Value::Object(map)
}

/// A value as a person reads it, bounded.
fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= VALUE_MAX {
        return text;
    }
    let mut cut: String = text.chars().take(VALUE_MAX).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ImageId, ReleaseNumber};
    use crate::release::SealedImage;
    use crate::secret::Secret;
    use crate::spec::{AppSpec, SealedKind, SealedTree};
    use crate::testkit::shop;

    fn seal(number: u32, spec: AppSpec) -> Release {
        let image = |reference: &str| SealedImage {
            id: ImageId(format!("sha256:{reference}")),
            exposed: vec![],
            healthcheck: None,
            volumes: vec![],
        };
        let images = spec.services.iter().map(|(n, s)| (n.clone(), image(&s.image))).collect();
        Release::seal(ReleaseNumber(number), spec, images).unwrap()
    }

    fn service(name: &str) -> crate::id::ServiceName {
        name.parse().unwrap()
    }

    fn file(content: &str) -> SealedTree {
        let content = Secret::new(content.to_owned());
        let file = SealedFile { mode: 0o644, uid: None, gid: None, content };
        SealedTree { kind: SealedKind::File, entries: BTreeMap::from([(String::new(), file)]) }
    }

    fn keys(found: &[Difference]) -> Vec<(&str, &str, Change)> {
        found.iter().map(|d| (d.of.as_str(), d.key.as_str(), d.change)).collect()
    }

    #[test]
    fn just_the_changed_image_is_told() {
        // R30
        let mut next = shop();
        next.services.get_mut(&service("web")).unwrap().image = "app:2".to_owned();
        let found = diff(&seal(1, shop()), &seal(2, next));
        let expected = [
            ("service web", "image", Change::Changed),
            ("service web", "image id", Change::Changed),
        ];
        assert_eq!(keys(&found), expected);
        assert_eq!(found[0].after.as_deref(), Some("app:2"));
        assert_eq!(diff(&seal(1, shop()), &seal(2, shop())), []);
    }

    #[test]
    fn secrets_are_told_by_name_and_files_by_hash_only() {
        let (mut old, mut new) = (shop(), shop());
        let set = |spec: &mut AppSpec, name: &str, value: &str| {
            let web = spec.services.get_mut(&service("web")).unwrap();
            web.container.environment.insert(name.to_owned(), Secret::new(value.to_owned()));
        };
        set(&mut old, "TOKEN", "hunter1");
        set(&mut new, "TOKEN", "hunter2");
        set(&mut new, "FRESH", "hunter3");
        old.files.insert("nginx.conf".to_owned(), file("hunter4"));
        new.files.insert("nginx.conf".to_owned(), file("hunter5"));
        let found = diff(&seal(1, old), &seal(2, new));
        let expected = [
            ("service web", "environment.FRESH", Change::Added),
            ("service web", "environment.TOKEN", Change::Changed),
            ("file nginx.conf", "sha256", Change::Changed),
        ];
        assert_eq!(keys(&found), expected);
        let json = serde_json::to_string(&found).unwrap();
        assert!(!json.contains("hunter"), "{json}");
        assert_eq!((&found[1].before, &found[1].after), (&None, &None));
    }

    #[test]
    fn services_that_come_and_go_are_told_whole_and_without_their_environment() {
        let mut new = shop();
        let web = new.services.get(&service("web")).unwrap().clone();
        new.services.insert(service("extra"), web);
        new.services.remove(&service("worker"));
        let found = diff(&seal(1, shop()), &seal(2, new));
        let expected =
            [("service extra", "", Change::Added), ("service worker", "", Change::Removed)];
        assert_eq!(keys(&found), expected);
        assert!(found.iter().all(|d| d.before.is_none() && d.after.is_none()));
    }
}
