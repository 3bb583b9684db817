//! A service's place on its networks: addresses that one container can have, and links to containers
//! outside of the app.

use std::collections::BTreeMap;

use landfall_core::id::{Key, ServiceName};
use landfall_core::spec::{NetworkAttachment, Workload};

use super::Scene;
use crate::decode::{Joined, NetworkDraft, ServiceDraft};
use crate::report::Code;
use crate::source::Span;

/// The place on one network, without the addresses that it cannot have.
pub(super) fn of(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    key: &Key,
    joined: &Joined,
    workload: Workload,
) -> NetworkAttachment {
    let mut place = joined.place.clone();
    let draft = scene.draft;
    let network = draft.networks.get(key).map(|(_, network)| network);
    let external = network.is_some_and(|network| network.external.is_some());
    if workload == Workload::Replicated {
        for fixed in &joined.fixed {
            not_given(scene, name, fixed.value, fixed.span);
        }
        place.address = None;
        place.endpoint = place.endpoint.without_addresses();
    } else if !external && let Some(fixed) = joined.fixed.first() {
        let address = place.address.map(std::net::IpAddr::from);
        let addresses = [address, place.endpoint.ipv6_address.map(std::net::IpAddr::from)];
        for address in addresses.into_iter().flatten() {
            let asked = network.is_some_and(|network| contains(network, address));
            if !asked {
                let message = format!("the network `{key}` has no subnet with this address");
                scene.report.error(Code::Contradiction, fixed.span, message).hint(format!(
                    "write `ipam: {{config: [{{subnet: …}}]}}` in the network `{key}`"
                ));
            }
        }
    }
    place
}

fn contains(network: &NetworkDraft, address: std::net::IpAddr) -> bool {
    let pools = network.spec.ipam.iter().flat_map(|ipam| &ipam.pools);
    pools.filter_map(|pool| pool.subnet).any(|subnet| subnet.contains(&address))
}

fn not_given(scene: &mut Scene<'_>, name: &ServiceName, key: &str, at: Span) {
    let message = format!(
        "`{key}` is not given: two releases of `{name}` live side by side, and cannot have one address"
    );
    scene.report.warning(Code::Differently, at, message).hint(
        "use the name of the service, or write `x-landfall: {update: in-place}` to keep the address",
    );
}

/// `mac_address` of the service: on the network that it joins first.
pub(super) fn hardware_address(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    service: &ServiceDraft,
    networks: &mut BTreeMap<Key, NetworkAttachment>,
    workload: Workload,
) {
    let Some(address) = &service.mac_address else { return };
    if workload == Workload::Replicated {
        not_given(scene, name, "mac_address", address.span);
        return;
    }
    let mut first: Option<&mut NetworkAttachment> = None;
    for place in networks.values_mut() {
        if first.as_ref().is_none_or(|first| place.priority > first.priority) {
            first = Some(place);
        }
    }
    if let Some(place) = first {
        place.endpoint.mac_address.get_or_insert_with(|| address.value.clone());
    }
}

/// `external_links`: the engine finds another container by name on a network that both are on.
pub(super) fn outside_links(
    scene: &mut Scene<'_>,
    service: &ServiceDraft,
    networks: &mut BTreeMap<Key, NetworkAttachment>,
) {
    let Some(first) = service.external_links.first() else { return };
    let external = |key: &Key| {
        scene.draft.networks.get(key).is_some_and(|(_, network)| network.external.is_some())
    };
    let links: Vec<String> = service
        .external_links
        .iter()
        .map(|link| {
            let name = &link.value.service;
            format!("{name}:{}", link.value.alias.as_ref().unwrap_or(name))
        })
        .collect();
    let mut shared = networks.iter_mut().filter(|(key, _)| external(key)).peekable();
    if shared.peek().is_none() {
        let message = "`external_links` cannot be honoured: the service is on no network that the other \
                       container could be on";
        scene
            .report
            .error(Code::NotSupported, first.span, message)
            .hint("join an external network that the other container is on");
        return;
    }
    for (_, place) in shared {
        place.endpoint.links.clone_from(&links);
    }
}
