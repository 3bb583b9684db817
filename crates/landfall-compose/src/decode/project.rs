//! The top of a file: services, networks, volumes, configs, secrets.

use std::collections::BTreeMap;
use std::str::FromStr;

use landfall_core::id::{InvalidName, Key, ServiceName};

use super::grants::{Material, material};
use super::keys::Rule::{self, Ignored, NoEffect, NotYet, Refused, Take};
use super::landfall::{APP, AppExtension};
use super::networks::{NetworkDraft, VolumeDraft};
use super::service::{SERVICE, ServiceDraft};
use super::top::{NETWORK, VOLUME, check_network, check_volume};
use super::{Decoder, Keys};
use crate::report::Code;
use crate::source::Span;
use crate::yaml::{Entry, Node};

/// A whole file as written.
#[derive(Debug, Default)]
pub(crate) struct ProjectDraft {
    pub(crate) services: BTreeMap<ServiceName, (Span, ServiceDraft)>,
    pub(crate) networks: BTreeMap<Key, (Span, NetworkDraft)>,
    pub(crate) volumes: BTreeMap<Key, (Span, VolumeDraft)>,
    pub(crate) configs: BTreeMap<Key, (Span, Material)>,
    pub(crate) secrets: BTreeMap<Key, (Span, Material)>,
    pub(crate) settings: AppExtension,
    /// Profiles that are enabled; `*` is all.
    profiles: Vec<String>,
}

impl ProjectDraft {
    /// Whether a service takes part.
    pub(crate) fn is_active(&self, service: &ServiceDraft) -> bool {
        is_active(&self.profiles, service)
    }
}

fn is_active(enabled: &[String], service: &ServiceDraft) -> bool {
    service.profiles.is_empty()
        || enabled.iter().any(|profile| profile == "*" || service.profiles.contains(profile))
}

/// Services, networks, volumes, configs or secrets of one app.
const ENTRIES_MAX: usize = 1_000;

const PROJECT: Keys<ProjectDraft> = Keys { owner: "a compose file", rules: RULES };
const RULES: &[(&str, Rule<ProjectDraft>)] = &[
    ("configs", Take(|d, e, p| p.configs = named(d, e, |d, e| material(d, e, true)))),
    ("include", NotYet("name the files with `-f`, one after the other")),
    ("models", Refused("landfall runs containers only", "run the model in a service of its own")),
    // It was read before everything else.
    ("name", NoEffect),
    ("networks", Take(|d, e, p| p.networks = named(d, e, network))),
    ("secrets", Take(|d, e, p| p.secrets = named(d, e, |d, e| material(d, e, false)))),
    ("services", Take(services)),
    ("version", Ignored("Compose files have no versions any more")),
    ("volumes", Take(|d, e, p| p.volumes = named(d, e, volume))),
    ("x-landfall", Take(|d, e, p| d.keys(&e.value, &APP, &mut p.settings))),
];

/// Decodes the merged file.
pub(crate) fn decode_project(
    d: &mut Decoder<'_>,
    root: &Node,
    profiles: &[String],
) -> ProjectDraft {
    let mut project = ProjectDraft { profiles: profiles.to_vec(), ..ProjectDraft::default() };
    d.keys(root, &PROJECT, &mut project);
    if root.get("services").is_none_or(Node::is_null) && root.get("include").is_none() {
        let looks_old = |entry: &Entry| entry.value.get("image").is_some();
        let old = root.as_mapping().is_some_and(|mapping| mapping.values().any(looks_old));
        let hint = if old {
            "put the services under `services:`"
        } else {
            "a compose file names at least one service under `services:`"
        };
        d.report.error(Code::KeyMissing, root.span, "there are no services").hint(hint);
    }
    project
}

fn services(d: &mut Decoder<'_>, entry: &Entry, project: &mut ProjectDraft) {
    let enabled = project.profiles.clone();
    project.services = named(d, entry, |d, entry| {
        let before = d.report.mark();
        let mut service = ServiceDraft::default();
        d.keys(&entry.value, &SERVICE, &mut service);
        service.incomplete |= !says_what_runs(&entry.value);
        if !is_active(&enabled, &service) {
            // What is not deployed need not be deployable.
            d.report.forget_since(before, &[Code::NotSupported, Code::Ignored, Code::Differently]);
        }
        service
    });
}

/// Whether it is worth saying that a service has no image: not of one that is no mapping, and not
/// where `image` or `build` is only misspelled, which has been said.
fn says_what_runs(service: &Node) -> bool {
    let misspelled = |key: &str| {
        SERVICE.find(key).is_none() && crate::suggest::nearest(key, ["image", "build"]).is_some()
    };
    service.as_mapping().is_some_and(|mapping| !mapping.keys().any(|key| misspelled(key)))
}

fn network(d: &mut Decoder<'_>, entry: &Entry) -> NetworkDraft {
    let mut network = NetworkDraft::default();
    if !entry.value.is_null() {
        d.keys(&entry.value, &NETWORK, &mut network);
        check_network(d, &network);
    }
    network
}

fn volume(d: &mut Decoder<'_>, entry: &Entry) -> VolumeDraft {
    let mut volume = VolumeDraft::default();
    if !entry.value.is_null() {
        d.keys(&entry.value, &VOLUME, &mut volume);
        check_volume(d, &volume);
    }
    volume
}

/// A mapping by valid names.
fn named<K, T>(
    d: &mut Decoder<'_>,
    entry: &Entry,
    mut read: impl FnMut(&mut Decoder<'_>, &Entry) -> T,
) -> BTreeMap<K, (Span, T)>
where
    K: FromStr<Err = InvalidName> + Ord,
{
    let mut all = BTreeMap::new();
    let entries = d.mapping(&entry.value).into_iter().flatten();
    for (index, (name, entry)) in entries.enumerate() {
        if index >= ENTRIES_MAX {
            let message = format!("there are more than {ENTRIES_MAX} of them");
            d.report.error(Code::TooLarge, entry.key, message);
            break;
        }
        match name.parse::<K>() {
            Ok(key) => {
                let value = d.within(&**name, |d| read(d, entry));
                all.insert(key, (entry.key, value));
            }
            Err(_) if name.starts_with("x-") => {}
            Err(error) => {
                d.report.error(Code::InvalidName, entry.key, error.to_string());
            }
        }
    }
    all
}
