//! Who is where: container names, addresses on release networks, links of stateful containers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{PlanError, PlanInput, PresentStateful};
use crate::gate::GateSpec;
use crate::id::{Key, ServiceName};
use crate::label::Scope;
use crate::name;
use crate::plan::{Link, PlannedNetwork, PlannedReplica};
use crate::release::Release;
use crate::spec::{Namespace, ServiceSpec, Workload};

mod places;

/// The layout of one rollout.
pub(super) struct Layout<'a> {
    input: &'a PlanInput<'a>,
    pub(super) release: &'a Release,
    networks: &'a [PlannedNetwork],
    /// Next free address index by release network.
    next: BTreeMap<Key, u32>,
    /// Addresses of containers, by service.
    addresses: BTreeMap<ServiceName, Vec<Ipv4Addr>>,
    /// Container names of stateful services that stay or are made.
    stateful: BTreeMap<ServiceName, String>,
    /// Containers laid out so far.
    replicas: Vec<(ServiceName, String)>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(
        input: &'a PlanInput<'a>,
        release: &'a Release,
        networks: &'a [PlannedNetwork],
    ) -> Self {
        Self {
            input,
            release,
            networks,
            next: BTreeMap::new(),
            addresses: BTreeMap::new(),
            stateful: BTreeMap::new(),
            replicas: Vec::new(),
        }
    }

    /// The container of a stateful service that can stay, if there is one.
    pub(super) fn kept(&self, service: &ServiceName) -> Option<&'a PresentStateful> {
        let revision = self.release.revision(service)?;
        let of_service = || self.input.stateful.iter().filter(|p| p.service == *service);
        let kept = of_service().find(|p| p.revision == revision)?;
        // An abandoned rollout may have left two: what stays must not start beside one that runs.
        let runs_elsewhere = of_service().any(|p| p.name != kept.name && p.running);
        (!runs_elsewhere).then_some(kept)
    }

    /// Links of stateful containers that stay as they are.
    pub(super) fn links_of_kept(&mut self) -> Vec<Link> {
        let mut links = Vec::new();
        for (name, service) in &self.release.spec.services {
            if service.workload != Workload::Stateful {
                continue;
            }
            if let Some(present) = self.kept(name) {
                self.stateful.insert(name.clone(), present.name.clone());
                links.extend(self.links(name, service, &present.name));
            }
        }
        links
    }

    /// Links of one stateful container to this release's networks.
    pub(super) fn links(
        &mut self,
        name: &ServiceName,
        service: &ServiceSpec,
        container: &str,
    ) -> Vec<Link> {
        let attachments = self.attachments(name, service, Scope::Release);
        if self.addresses(name).is_empty() {
            let address = attachments.first().and_then(|a| a.address);
            self.addresses.entry(name.clone()).or_default().extend(address);
        }
        attachments
            .into_iter()
            .map(|attachment| Link { container: container.to_owned(), attachment })
            .collect()
    }

    /// Names of all stateful containers of the new release.
    pub(super) fn stateful_names(&self) -> Vec<String> {
        self.stateful.values().cloned().collect()
    }

    /// Containers that a new stateful one replaces.
    pub(super) fn replaced(&self, service: &ServiceName) -> Vec<String> {
        let present: Vec<_> =
            self.input.stateful.iter().filter(|p| p.service == *service).collect();
        // Undoing starts what was replaced: of two, which an abandoned rollout may have left, only
        // the one that runs.
        let starts_again = |p: &&&PresentStateful| present.len() == 1 || p.running;
        present.iter().filter(starts_again).map(|p| p.name.clone()).collect()
    }

    /// Containers of the serving release that live in the namespaces of a service, outermost first.
    pub(super) fn living_in(&self, service: &ServiceName) -> Vec<String> {
        let Some(serving) = self.input.serving else { return Vec::new() };
        let services = &serving.release.spec.services;
        let mut inside: Vec<&ServiceName> = services
            .iter()
            .filter(|(name, _)| serving.release.lives_in(name, service))
            .map(|(name, _)| name)
            .collect();
        inside.sort_by_key(|name| serving.release.depth(name));
        let names = inside.into_iter().flat_map(|name| {
            let of = &services[name];
            match of.workload {
                Workload::Stateful => self.replaced(name),
                Workload::Singleton | Workload::Replicated => (1..=of.replicas)
                    .map(|n| name::container(self.release.app(), name, serving.rollout, n))
                    .collect(),
                Workload::OneOff => Vec::new(),
            }
        });
        names.collect()
    }

    /// Addresses of a service's replicas on its first network.
    pub(super) fn addresses(&self, service: &ServiceName) -> &[Ipv4Addr] {
        self.addresses.get(service).map_or(&[], Vec::as_slice)
    }

    /// Lays out one replica.
    pub(super) fn replica(
        &mut self,
        name: &ServiceName,
        index: u32,
    ) -> Result<PlannedReplica, PlanError> {
        let unsealed = || PlanError::Unsealed(format!("service {name} has no sealed image"));
        let release = self.release;
        let service = release.spec.services.get(name).ok_or_else(unsealed)?;
        let container = name::container(release.app(), name, self.input.rollout, index);
        let (peers, shared) = self.peers(name, service, index)?;
        let (attachments, address) = if service.workload == Workload::Stateful {
            self.stateful.insert(name.clone(), container.clone());
            let mut own = self.attachments(name, service, Scope::App);
            own.extend(self.old_attachments(name, service));
            own.extend(self.foreign(name, service));
            (own, None)
        } else {
            let mut own = self.attachments(name, service, Scope::Release);
            let address = own.first().and_then(|a| a.address);
            own.extend(self.held(service));
            own.extend(self.foreign(name, service));
            (own, address)
        };
        self.addresses.entry(name.clone()).or_default().extend(shared.or(address));
        self.replicas.push((name.clone(), container.clone()));
        Ok(PlannedReplica {
            service: name.clone(),
            index,
            name: container,
            workload: service.workload,
            revision: release.revision(name).ok_or_else(unsealed)?,
            attachments,
            gate: GateSpec::of(release, name).ok_or_else(unsealed)?,
            peers,
            reached_at: shared,
        })
    }

    /// The containers that a replica cannot exist without, and where it is reached if it has no
    /// network namespace of its own. They were laid out before, since it depends on them.
    fn peers(
        &self,
        name: &ServiceName,
        service: &ServiceSpec,
        index: u32,
    ) -> Result<(BTreeMap<ServiceName, String>, Option<Ipv4Addr>), PlanError> {
        let mut peers = BTreeMap::new();
        for peer in service.container.peers() {
            let missing = || PlanError::Unsealed(format!("service {name} needs {peer}"));
            let of_peer = self.release.spec.services.get(peer).ok_or_else(missing)?;
            let container = match (of_peer.workload, self.stateful.get(peer)) {
                (Workload::Stateful, Some(container)) => container.clone(),
                (Workload::Stateful, None) => return Err(missing()),
                (Workload::Replicated | Workload::Singleton | Workload::OneOff, _) => {
                    let index = index.min(of_peer.replicas.max(1));
                    name::container(self.release.app(), peer, self.input.rollout, index)
                }
            };
            peers.insert(peer.clone(), container);
        }
        let shared = match &service.container.namespaces.network {
            Some(Namespace::Host) => Some(Ipv4Addr::LOCALHOST),
            Some(Namespace::Service(peer)) => {
                let all = self.addresses(peer);
                let nth = usize::try_from(index).unwrap_or(1).saturating_sub(1);
                all.get(nth).or(all.last()).copied()
            }
            Some(
                Namespace::Container(_)
                | Namespace::Private
                | Namespace::Shareable
                | Namespace::None,
            )
            | None => None,
        };
        Ok((peers, shared))
    }
}
