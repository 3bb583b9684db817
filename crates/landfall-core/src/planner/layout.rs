//! Who is where: container names, addresses on release networks, links of stateful containers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{PlanError, PlanInput, PresentStateful};
use crate::gate::GateSpec;
use crate::id::{Key, ServiceName};
use crate::label::Scope;
use crate::name;
use crate::plan::{Attachment, Link, PlannedNetwork, PlannedReplica};
use crate::release::Release;
use crate::spec::{ServiceSpec, Workload};
use crate::subnet;

/// The layout of one rollout.
pub(super) struct Layout<'a> {
    input: &'a PlanInput<'a>,
    pub(super) release: &'a Release,
    networks: &'a [PlannedNetwork],
    /// Next free address index by release network.
    next: BTreeMap<Key, u32>,
    /// Addresses of replicas, by service.
    addresses: BTreeMap<ServiceName, Vec<Ipv4Addr>>,
    /// Container names of stateful services that stay or are made.
    stateful: BTreeMap<ServiceName, String>,
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
        }
    }

    /// The container of a stateful service that can stay, if there is one.
    pub(super) fn kept(&self, service: &ServiceName) -> Option<&'a PresentStateful> {
        let revision = self.release.revision(service)?;
        self.input.stateful.iter().find(|p| p.service == *service && p.revision == revision)
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
        self.attachments(name, service, Scope::Release)
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
        let present = self.input.stateful.iter().filter(|p| p.service == *service);
        present.map(|p| p.name.clone()).collect()
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
        let attachments = if service.workload == Workload::Stateful {
            self.stateful.insert(name.clone(), container.clone());
            let mut own = self.attachments(name, service, Scope::App);
            own.extend(self.old_attachments(name, service));
            own
        } else {
            let own = self.attachments(name, service, Scope::Release);
            let address = own.first().and_then(|a| a.address);
            self.addresses.entry(name.clone()).or_default().extend(address);
            own
        };
        Ok(PlannedReplica {
            service: name.clone(),
            index,
            name: container,
            workload: service.workload,
            revision: release.revision(name).ok_or_else(unsealed)?,
            attachments,
            gate: GateSpec::of(release, name).ok_or_else(unsealed)?,
        })
    }

    fn attachments(
        &mut self,
        name: &ServiceName,
        service: &ServiceSpec,
        scope: Scope,
    ) -> Vec<Attachment> {
        let mut attachments = Vec::new();
        for network in self.networks.iter().filter(|n| n.scope == scope) {
            let Some(place) = service.networks.get(&network.key) else { continue };
            let address = (scope == Scope::Release).then(|| {
                let next = self.next.entry(network.key.clone()).or_insert(0);
                *next += 1;
                subnet::address(network.subnet, *next)
            });
            attachments.push(Attachment {
                network: network.name.clone(),
                address,
                aliases: aliases(name, &place.aliases),
            });
        }
        attachments
    }

    /// The serving release's networks, which a replaced stateful service must join: the old release
    /// goes on until the cutover.
    fn old_attachments(&self, name: &ServiceName, service: &ServiceSpec) -> Vec<Attachment> {
        let Some(old) = self.input.serving else { return Vec::new() };
        service
            .networks
            .iter()
            .filter_map(|(key, place)| {
                let network = name::release_network(self.release.app(), key, old.rollout);
                let present = self.input.networks.iter().any(|n| n.name == network);
                present.then(|| Attachment {
                    network,
                    address: None,
                    aliases: aliases(name, &place.aliases),
                })
            })
            .collect()
    }
}

fn aliases(name: &ServiceName, more: &[String]) -> Vec<String> {
    let mut aliases = vec![name.to_string()];
    aliases.extend(more.iter().filter(|alias| alias.as_str() != name.as_str()).cloned());
    aliases
}
