//! Where a container is joined, network by network: the release's own, those that can exist only once,
//! those of others, and for a while those of the release before.

use super::Layout;
use crate::id::ServiceName;
use crate::label::Scope;
use crate::name;
use crate::plan::{Attachment, Link};
use crate::spec::{EndpointSpec, NetworkSpec, ServiceSpec, Workload};
use crate::subnet;

impl Layout<'_> {
    pub(super) fn attachments(
        &mut self,
        name: &ServiceName,
        service: &ServiceSpec,
        scope: Scope,
    ) -> Vec<Attachment> {
        let mut attachments = Vec::new();
        for network in self.networks.iter().filter(|n| n.scope == scope) {
            let Some(place) = service.networks.get(&network.key) else { continue };
            let mut attachment = Attachment {
                network: network.name.clone(),
                address: place.address,
                aliases: aliases(name, &place.aliases),
                endpoint: place.endpoint.clone(),
            };
            if scope == Scope::Release {
                let next = self.next.entry(network.key.clone()).or_insert(0);
                *next += 1;
                attachment.address = Some(subnet::address(network.subnet, *next));
                attachment.endpoint = match service.workload {
                    // Its options belong to the one network that it is made on.
                    Workload::Stateful => EndpointSpec::default(),
                    Workload::Replicated | Workload::Singleton | Workload::OneOff => {
                        place.endpoint.without_addresses()
                    }
                };
            }
            attachments.push((place.priority, attachment));
        }
        by_priority(attachments)
    }

    /// Networks that can exist only once. No names there: they mean this release's own services.
    pub(super) fn held(&self, service: &ServiceSpec) -> Vec<Attachment> {
        let mut attachments = Vec::new();
        for network in self.networks.iter().filter(|n| n.scope == Scope::App) {
            let is_held =
                self.release.spec.networks.get(&network.key).is_some_and(NetworkSpec::is_held);
            let place = service.networks.get(&network.key).filter(|_| is_held);
            let Some(place) = place else { continue };
            let mut endpoint = place.endpoint.clone();
            // Given to the release's network already, and meant for one.
            endpoint.driver_opts.clear();
            endpoint.gw_priority = 0;
            let attachment = Attachment {
                network: network.name.clone(),
                address: place.address,
                aliases: Vec::new(),
                endpoint,
            };
            attachments.push((place.priority, attachment));
        }
        by_priority(attachments)
    }

    /// Networks that others made. A replicated service gets its names there once it is ready.
    pub(super) fn foreign(&self, name: &ServiceName, service: &ServiceSpec) -> Vec<Attachment> {
        let named = match service.workload {
            Workload::Stateful | Workload::Singleton => true,
            Workload::Replicated | Workload::OneOff => false,
        };
        let mut attachments = self.foreign_with_names(name, service);
        for (_, attachment) in attachments.iter_mut().filter(|_| !named) {
            attachment.aliases.clear();
        }
        by_priority(attachments)
    }

    fn foreign_with_names(
        &self,
        name: &ServiceName,
        service: &ServiceSpec,
    ) -> Vec<(i64, Attachment)> {
        let joined = service.networks.iter().filter_map(|(key, place)| {
            let network = self.release.spec.networks.get(key)?.external.clone()?;
            let aliases = aliases(name, &place.aliases);
            let (address, endpoint) = (place.address, place.endpoint.clone());
            Some((place.priority, Attachment { network, address, aliases, endpoint }))
        });
        joined.collect()
    }

    /// The names that the replicas laid out so far must still get.
    pub(in crate::planner) fn names_to_take(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for (name, container) in &self.replicas {
            let Some(service) = self.release.spec.services.get(name) else { continue };
            if service.workload != Workload::Replicated {
                continue;
            }
            for (_, attachment) in self.foreign_with_names(name, service) {
                links.push(Link { container: container.clone(), attachment });
            }
        }
        links
    }

    /// The serving release's networks, which a replaced stateful service must join: the old release
    /// goes on until the cutover.
    pub(super) fn old_attachments(
        &self,
        name: &ServiceName,
        service: &ServiceSpec,
    ) -> Vec<Attachment> {
        let Some(old) = self.input.serving else { return Vec::new() };
        service
            .networks
            .iter()
            .filter_map(|(key, place)| {
                let network = name::release_network(self.release.app(), key, old.rollout);
                let present = self.input.networks.iter().any(|n| n.name == network);
                present.then(|| Attachment {
                    network,
                    aliases: aliases(name, &place.aliases),
                    ..Attachment::default()
                })
            })
            .collect()
    }
}

fn by_priority(mut attachments: Vec<(i64, Attachment)>) -> Vec<Attachment> {
    attachments.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    attachments.into_iter().map(|(_, attachment)| attachment).collect()
}

fn aliases(name: &ServiceName, more: &[String]) -> Vec<String> {
    let mut aliases = vec![name.to_string()];
    aliases.extend(more.iter().filter(|alias| alias.as_str() != name.as_str()).cloned());
    aliases
}
