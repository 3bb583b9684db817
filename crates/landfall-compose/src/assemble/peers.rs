//! Services that live in each other's namespaces or mount each other's mounts: one must be there
//! before the other, and must not go before it.

use std::collections::BTreeMap;

use landfall_core::id::ServiceName;
use landfall_core::spec::{Namespace, Workload};

use super::Scene;
use super::workload::described;
use crate::decode::{NetworkMode, Peer, ServiceDraft, Tie, Update};
use crate::report::Code;

/// Makes services run as those that they live in, and refuses what cannot be.
pub(super) fn reconcile(scene: &mut Scene<'_>, workloads: &mut BTreeMap<ServiceName, Workload>) {
    // One of them may live in the next: as many rounds as there are services settle all.
    for _ in 0..scene.active.len() {
        let mut changed = false;
        for (name, (_, service)) in scene.active {
            if let Some(workload) = follow(service, name, workloads) {
                workloads.insert(name.clone(), workload);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for (name, (_, service)) in scene.active {
        for peer in &service.peers {
            check(scene, name, peer, workloads);
        }
        if let Some(mode) = &service.network_mode
            && let NetworkMode::Shared(namespace) = &mode.value
        {
            refuse_own_network(scene, service, namespace);
        }
    }
}

/// What a replicated service must become because of those that it lives in.
fn follow(
    service: &ServiceDraft,
    name: &ServiceName,
    workloads: &BTreeMap<ServiceName, Workload>,
) -> Option<Workload> {
    let rolling = service.landfall.update.as_ref().is_some_and(|u| u.value == Update::Rolling);
    if workloads.get(name) != Some(&Workload::Replicated) || rolling {
        return None;
    }
    service.peers.iter().find_map(|peer| {
        let other = peer.service.value.parse::<ServiceName>().ok()?;
        match (workloads.get(&other)?, peer.tie) {
            // It starts last, and what lives in it cannot start before.
            (Workload::Singleton, _) => Some(Workload::Singleton),
            // Two releases in one network namespace would want the same ports, and what lives in a
            // PID namespace dies with it.
            (Workload::Stateful, Tie::Network | Tie::Pid) => Some(Workload::Stateful),
            (Workload::Stateful | Workload::Replicated | Workload::OneOff, _) => None,
        }
    })
}

fn check(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    peer: &Peer,
    workloads: &BTreeMap<ServiceName, Workload>,
) {
    let Ok(other) = peer.service.value.parse::<ServiceName>() else { return };
    let key = peer.tie.key();
    if let Some((at, _)) = scene.idle.get(&other) {
        let message = format!("`{name}` cannot have the `{key}` of `{other}`, which does not run");
        scene
            .report
            .error(Code::Contradiction, peer.at(), message)
            .related(*at, "it has no replicas");
        return;
    }
    let (Some(mine), Some(its)) = (workloads.get(name), workloads.get(&other)) else { return };
    let ended = *its == Workload::OneOff && peer.tie != Tie::Volumes;
    let outlives = match mine {
        Workload::Stateful => *its != Workload::Stateful,
        Workload::Replicated | Workload::OneOff => *its == Workload::Singleton,
        Workload::Singleton => false,
    };
    if ended || outlives {
        let why = if ended { "ends by itself" } else { "is gone before it, or comes after it" };
        let message = format!(
            "`{name}` is {} and cannot have the `{key}` of `{other}`, which is {} and {why}",
            described(*mine),
            described(*its),
        );
        scene
            .report
            .error(Code::Contradiction, peer.at(), message)
            .hint("let both run alike, for example with `x-landfall: {update: in-place}`");
    }
    if peer.tie == Tie::Ipc {
        refuse_unshared(scene, name, &other, peer);
    }
}

/// The engine lets nobody into an IPC namespace that is not marked for it.
fn refuse_unshared(scene: &mut Scene<'_>, name: &ServiceName, other: &ServiceName, peer: &Peer) {
    let Some((at, service)) = scene.active.get(other) else { return };
    match service.container.namespaces.ipc {
        Some(Namespace::Shareable | Namespace::Service(_) | Namespace::Host) => {}
        Some(Namespace::Private | Namespace::None | Namespace::Container(_)) | None => {
            let message = format!("`{name}` cannot have the IPC namespace of `{other}`");
            scene
                .report
                .error(Code::Contradiction, peer.at(), message)
                .related(*at, "it does not share it")
                .hint(format!("write `ipc: shareable` in `{other}`"));
        }
    }
}

/// What belongs to a network namespace is said where the namespace is.
fn refuse_own_network(scene: &mut Scene<'_>, service: &ServiceDraft, namespace: &Namespace) {
    let Some(mode) = &service.network_mode else { return };
    if *namespace == Namespace::Host {
        return;
    }
    let container = &service.container;
    let own = [
        ("hostname", container.hostname.is_some()),
        ("dns", !container.dns.is_empty()),
        ("extra_hosts", !container.extra_hosts.is_empty()),
        ("mac_address", service.mac_address.is_some()),
    ];
    for (key, _) in own.iter().filter(|(_, said)| *said) {
        let message = format!("`{key}` and this `network_mode` exclude each other");
        scene
            .report
            .error(Code::Conflict, mode.span, message)
            .hint(format!("write `{key}` where the network belongs to"));
    }
}
