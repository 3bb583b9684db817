//! What is there: containers, networks, volumes and image tags, ours told from all others by label.
//! Asked of the engine's API, without landfall.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::Value;

use super::engine::Engine;

const LABEL: &str = "landfall.";
const ENGINES_OWN: [&str; 3] = ["bridge", "host", "none"];

/// One container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) running: bool,
    /// Address by network.
    pub(super) addresses: BTreeMap<String, String>,
    /// Labels of landfall, without their prefix.
    pub(super) labels: BTreeMap<String, String>,
}

impl Container {
    pub(super) fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }
}

/// A network or a volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    /// The id of a network, the name of a volume.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) containers: Vec<Container>,
    pub(super) networks: Vec<Thing>,
    pub(super) volumes: Vec<Thing>,
    pub(super) tags: BTreeSet<String>,
}

impl World {
    pub(super) fn look(engine: &Engine) -> io::Result<Self> {
        let containers = engine.json("/containers/json?all=1")?;
        let networks = engine.json("/networks")?;
        let volumes = engine.json("/volumes")?;
        let images = engine.json("/images/json")?;
        let tags = list(&images).iter().flat_map(|image| list(&image["RepoTags"]));
        let mut containers: Vec<_> = list(&containers).iter().map(container).collect();
        for one in containers.iter_mut().filter(|one| !one.labels.is_empty()) {
            // The list goes on to have one as running whose end did not fit on a full disk, and as not
            // started whose start did not. One that is gone meanwhile is as the list said.
            if let Ok(seen) = engine.json(&format!("/containers/{}/json", one.id)) {
                one.running = seen["State"]["Status"] == "running";
            }
        }
        Ok(Self {
            containers,
            networks: list(&networks).iter().map(thing("Id")).collect(),
            volumes: list(&volumes["Volumes"]).iter().map(thing("Name")).collect(),
            tags: tags.map(text).collect(),
        })
    }

    /// Containers of ours.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| !container.labels.is_empty())
    }

    /// Ids of everything that is not ours.
    pub(super) fn foreign(&self) -> BTreeSet<String> {
        let containers = self.containers.iter().filter(|one| one.labels.is_empty());
        // The engine makes its own networks anew when it starts.
        let made = |one: &&Thing| !ENGINES_OWN.contains(&one.name.as_str());
        let others = self.networks.iter().filter(made).chain(&self.volumes);
        let others = others.filter(|one| one.labels.is_empty());
        containers.map(|one| one.id.clone()).chain(others.map(|one| one.id.clone())).collect()
    }

    /// How many of each kind, scope and service are ours.
    pub(super) fn shape(&self) -> BTreeMap<String, usize> {
        let mut shape = BTreeMap::new();
        let mut add = |text: String| *shape.entry(text).or_default() += 1;
        for one in self.ours() {
            let state = if one.running { "runs" } else { "ended" };
            add(format!("container {} {state}", one.label("service")));
        }
        for (kind, all) in [("network", &self.networks), ("volume", &self.volumes)] {
            for one in all.iter().filter(|one| !one.labels.is_empty()) {
                add(format!("{kind} of {}", one.labels.get("scope").map_or("?", String::as_str)));
            }
        }
        shape
    }

    /// Forgets containers that have ended, and that a rollout made while another one serves.
    pub(super) fn forget_ended_of_others(&mut self, serving: u64) {
        self.containers.retain(|one| one.running || !is_of_other(&one.labels, serving));
    }

    /// Forgets these networks of ours.
    pub(super) fn forget_networks(&mut self, names: &BTreeSet<String>) {
        self.networks.retain(|one| one.labels.is_empty() || !names.contains(&one.name));
    }

    /// Names of what a rollout made and another one serves.
    pub(super) fn of_others(&self, serving: u64) -> Vec<String> {
        let other = |labels: &BTreeMap<String, String>| is_of_other(labels, serving);
        let containers = self.containers.iter().filter(|one| other(&one.labels));
        let others = self.networks.iter().chain(&self.volumes).filter(|one| other(&one.labels));
        containers.map(|one| one.name.clone()).chain(others.map(|one| one.name.clone())).collect()
    }

    /// Releases that hold image tags, but those that a stateful container is of: it may be started
    /// again from its image.
    pub(super) fn tagged_releases(&self, app: &str) -> BTreeSet<String> {
        let prefix = format!("landfall/{app}:");
        let tags = self.tags.iter().filter_map(|tag| tag.strip_prefix(&prefix));
        let stateful = self.ours().filter(|one| one.label("scope") == "app");
        let held: BTreeSet<String> =
            stateful.map(|one| format!("r{}", one.label("release"))).collect();
        let releases = tags.filter_map(|tag| tag.split('-').next()).map(str::to_owned);
        releases.filter(|release| !held.contains(release)).collect()
    }
}

fn is_of_other(labels: &BTreeMap<String, String>, serving: u64) -> bool {
    labels.get("scope").is_some_and(|scope| scope == "release")
        && labels.get("rollout").and_then(|r| r.parse().ok()) != Some(serving)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let all = value["Labels"].as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.strip_prefix(LABEL)?.to_owned(), text(value))))
        .collect()
}

fn container(value: &Value) -> Container {
    let networks = value["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    Container {
        id: text(&value["Id"]),
        name: text(&value["Names"][0]).trim_start_matches('/').to_owned(),
        image: text(&value["ImageID"]),
        running: value["State"] == "running",
        addresses: networks.map(|(name, n)| (name.clone(), text(&n["IPAddress"]))).collect(),
        labels: labels(value),
    }
}

fn thing(id: &str) -> impl Fn(&Value) -> Thing {
    move |value| Thing { id: text(&value[id]), name: text(&value["Name"]), labels: labels(value) }
}
