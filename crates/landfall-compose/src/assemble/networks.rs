//! Which networks services join, with `default` as Compose has it, and the aliases of `links`.

use std::collections::BTreeMap;

use landfall_core::id::{Key, ServiceName};
use landfall_core::spec::{AppSpec, NetworkAttachment};

use super::Scene;
use crate::decode::{NetworkMode, ServiceDraft};
use crate::report::Code;
use crate::source::Spanned;

/// Networks of each service.
pub(super) type Attached = BTreeMap<ServiceName, BTreeMap<Key, NetworkAttachment>>;

/// Resolves networks, and adds those that are used to the spec.
pub(super) fn attach(scene: &mut Scene<'_>, spec: &mut AppSpec) -> Attached {
    let mut attached = Attached::new();
    for (name, (_, service)) in scene.active {
        let networks = of_service(scene, service);
        attached.insert(name.clone(), networks);
    }
    link(scene, &mut attached);
    for key in attached.values().flat_map(BTreeMap::keys) {
        let definition = scene.draft.networks.get(key).map(|(_, network)| network.spec.clone());
        spec.networks.insert(key.clone(), definition.unwrap_or_default());
    }
    attached
}

fn of_service(scene: &mut Scene<'_>, service: &ServiceDraft) -> BTreeMap<Key, NetworkAttachment> {
    let named = service.networks.as_deref().unwrap_or_default();
    if let (Some(mode), Some((network, _))) = (&service.network_mode, named.first()) {
        scene
            .report
            .error(Code::Conflict, mode.span, "`network_mode` and `networks` exclude each other")
            .related(network.span, "it joins a network here");
    }
    if service.network_mode.as_ref().is_some_and(|mode| mode.value == NetworkMode::None) {
        return BTreeMap::new();
    }
    if named.is_empty() {
        return default_key().map(|key| (key, NetworkAttachment::default())).into_iter().collect();
    }
    let known = named.iter().filter_map(|(network, attachment)| {
        find(scene, network).map(|key| (key, attachment.clone()))
    });
    known.collect()
}

fn default_key() -> Option<Key> {
    "default".parse().ok()
}

fn find(scene: &mut Scene<'_>, network: &Spanned<String>) -> Option<Key> {
    let key = network.value.parse::<Key>().ok();
    let known = |key: &Key| key.as_str() == "default" || scene.draft.networks.contains_key(key);
    if let Some(key) = key.filter(known) {
        return Some(key);
    }
    let all = scene.draft.networks.keys().map(Key::as_str).chain(["default"]);
    scene
        .report
        .error(Code::Undefined, network.span, format!("there is no network `{}`", network.value))
        .hint("define it under `networks:` at the top of the file")
        .suggest(&network.value, all);
    None
}

/// `links: [db:database]`: the other service answers to that name too, where both are.
fn link(scene: &Scene<'_>, attached: &mut Attached) {
    for (name, (_, service)) in scene.active {
        let mine: Vec<Key> =
            attached.get(name).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        for link in &service.links {
            let Some(alias) = &link.value.alias else { continue };
            let Ok(other) = link.value.service.parse::<ServiceName>() else { continue };
            let Some(networks) = attached.get_mut(&other) else { continue };
            for (_, attachment) in networks.iter_mut().filter(|(key, _)| mine.contains(key)) {
                if !attachment.aliases.contains(alias) {
                    attachment.aliases.push(alias.clone());
                }
            }
        }
    }
}
