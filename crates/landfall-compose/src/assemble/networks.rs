//! Which networks services join, with `default` as Compose has it, and the aliases of `links`.

use std::collections::BTreeMap;

use landfall_core::id::{Key, ServiceName};
use landfall_core::spec::{AppSpec, NetworkAttachment, NetworkSpec, Workload};

use super::{Scene, places};
use crate::decode::{NetworkDraft, NetworkMode, ServiceDraft};
use crate::report::Code;
use crate::source::Spanned;

/// Networks of each service.
pub(super) type Attached = BTreeMap<ServiceName, BTreeMap<Key, NetworkAttachment>>;

/// Resolves networks, and adds those that are used to the spec.
pub(super) fn attach(
    scene: &mut Scene<'_>,
    spec: &mut AppSpec,
    workloads: &BTreeMap<ServiceName, Workload>,
) -> Attached {
    let mut attached = Attached::new();
    for (name, (_, service)) in scene.active {
        let workload = workloads.get(name).copied().unwrap_or(Workload::Replicated);
        let networks = of_service(scene, name, service, workload);
        attached.insert(name.clone(), networks);
    }
    link(scene, &mut attached);
    for key in attached.values().flat_map(BTreeMap::keys) {
        let definition = scene.draft.networks.get(key).map(|(_, network)| defined(key, network));
        spec.networks.insert(key.clone(), definition.unwrap_or_default());
    }
    attached
}

fn defined(key: &Key, network: &NetworkDraft) -> NetworkSpec {
    let name = network.name.as_ref().map(|name| name.value.clone());
    let external = network.external.map(|_| name.unwrap_or_else(|| key.to_string()));
    NetworkSpec { external, ..network.spec.clone() }
}

fn of_service(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    service: &ServiceDraft,
    workload: Workload,
) -> BTreeMap<Key, NetworkAttachment> {
    let named = service.networks.as_deref().unwrap_or_default();
    if let (Some(mode), Some(joined)) = (&service.network_mode, named.first()) {
        scene
            .report
            .error(Code::Conflict, mode.span, "`network_mode` and `networks` exclude each other")
            .related(joined.network.span, "it joins a network here");
    }
    match service.network_mode.as_ref().map(|mode| &mode.value) {
        Some(NetworkMode::None | NetworkMode::Shared(_)) => return BTreeMap::new(),
        Some(NetworkMode::Bridge) | None => {}
    }
    let mut networks: BTreeMap<Key, NetworkAttachment> = if named.is_empty() {
        default_key().map(|key| (key, NetworkAttachment::default())).into_iter().collect()
    } else {
        let known = named.iter().filter_map(|joined| {
            let key = find(scene, &joined.network)?;
            let place = places::of(scene, name, &key, joined, workload);
            Some((key, place))
        });
        known.collect()
    };
    let routed = !service.ports.is_empty() || !service.landfall.routes.is_empty();
    let external = |key: &Key| {
        scene.draft.networks.get(key).is_some_and(|(_, network)| network.external.is_some())
    };
    if routed && !networks.is_empty() && networks.keys().all(external) {
        // The edge finds replicas on networks of the release.
        networks.extend(default_key().map(|key| (key, NetworkAttachment::default())));
    }
    if let Some(name) = &service.container_name {
        for place in networks.values_mut().filter(|p| !p.aliases.contains(&name.value)) {
            place.aliases.push(name.value.clone());
        }
    }
    places::hardware_address(scene, name, service, &mut networks, workload);
    places::outside_links(scene, service, &mut networks);
    networks
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
