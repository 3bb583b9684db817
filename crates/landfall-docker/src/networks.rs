//! Networks: found by label, since the engine lets two have one name, and only ours are removed.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bollard::models::{ContainerSummary, Network};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use ipnet::Ipv4Net;
use landfall_core::id::AppName;
use landfall_core::label::{Labels, Scope, key};
use landfall_deploy::ports::{EngineError, EngineErrorKind, FoundNetwork, NetworkRequest};

use crate::client::{DockerEngine, LONG};
use crate::containers::app_filter;
use crate::error::{self, conflict, none_if_missing, not_found};
use crate::{map, name, place};

/// A container that is just going may keep its endpoint a moment longer.
pub(crate) const REMOVE_LIMIT: Duration = Duration::from_secs(10);
pub(crate) const REMOVE_POLL: Duration = Duration::from_millis(50);
const ADOPT_PAUSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500)];

impl DockerEngine {
    pub(crate) async fn find_networks(
        &self,
        app: &AppName,
    ) -> Result<Vec<FoundNetwork>, EngineError> {
        let mut found: Vec<_> = self
            .list_networks(app_filter(app))
            .await?
            .into_iter()
            .filter_map(|network| {
                Some(FoundNetwork {
                    labels: our_labels(&network)?,
                    subnet: map::subnet(network.ipam.as_ref()),
                    name: network.name?,
                })
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Subnets of all networks, ours or not.
    pub(crate) async fn all_subnets(&self) -> Result<Vec<Ipv4Net>, EngineError> {
        let networks = self.list_networks(HashMap::new()).await?;
        let configs = networks.into_iter().filter_map(|n| n.ipam?.config).flatten();
        let mut subnets: Vec<Ipv4Net> =
            configs.filter_map(|config| config.subnet?.parse().ok()).collect();
        subnets.sort_unstable();
        subnets.dedup();
        Ok(subnets)
    }

    async fn list_networks(
        &self,
        filters: HashMap<String, Vec<String>>,
    ) -> Result<Vec<Network>, EngineError> {
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        self.ask(self.docker().await?.list_networks(Some(options))).await
    }

    /// Every network of exactly this name.
    pub(crate) async fn networks_named(&self, network: &str) -> Result<Vec<Network>, EngineError> {
        // The engine's filter also finds longer names.
        let filters = HashMap::from([("name".to_owned(), vec![network.to_owned()])]);
        let mut list = self.list_networks(filters).await?;
        list.retain(|found| found.name.as_deref() == Some(network));
        Ok(list)
    }

    /// To a container that does not run, the engine promises any network, and fails at its start.
    pub(crate) async fn require_network(&self, network: &str) -> Result<(), EngineError> {
        match self.networks_named(name::object(network)?).await?.len() {
            0 => Err(not_found(format!("there is no network {network}"))),
            1 => Ok(()),
            many => Err(conflict(format!("{many} networks have the name {network}"))),
        }
    }

    pub(crate) async fn make_network(&self, request: &NetworkRequest) -> Result<(), EngineError> {
        name::object(&request.name)?;
        if self.adopt_network(request).await? {
            return Ok(());
        }
        let body = map::create_network_body(request);
        match self.change(LONG, self.docker().await?.create_network(body)).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == EngineErrorKind::Conflict => {
                // Somebody was faster, or an earlier call of ours took longer than we waited. One
                // that is being made holds its subnet before it can be seen.
                for pause in ADOPT_PAUSES {
                    if self.adopt_network(request).await? {
                        return Ok(());
                    }
                    tokio::time::sleep(pause).await;
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn adopt_network(&self, request: &NetworkRequest) -> Result<bool, EngineError> {
        let named = self.networks_named(&request.name).await?;
        let of_this_app = |network: &Network| {
            our_labels(network).is_some_and(|labels| labels.app == request.labels.app)
        };
        if named.iter().all(of_this_app) {
            return Ok(!named.is_empty());
        }
        Err(conflict(format!("network name {} is taken by something else", request.name)))
    }

    pub(crate) async fn delete_network(&self, network: &str) -> Result<(), EngineError> {
        let named = self.networks_named(name::object(network)?).await?;
        if named.is_empty() {
            // Whoever removed it may not have come this far.
            return self.forget_on_paper(network, Vec::new()).await;
        }
        for found in named {
            if our_labels(&found).is_none() {
                return Err(conflict(format!("network {network} is not landfall's to remove")));
            }
            let Some(id) = found.id else { continue };
            let removal = async {
                loop {
                    self.empty_network(&id).await?;
                    let on_paper = self.containers_on(&id).await?;
                    let removed = self.change(LONG, self.docker().await?.remove_network(&id)).await;
                    match none_if_missing(removed) {
                        Ok(_) => return self.forget_on_paper(network, on_paper).await,
                        Err(error) if error::has_members(&error.message) => {
                            tokio::time::sleep(REMOVE_POLL).await;
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            match tokio::time::timeout(REMOVE_LIMIT, removal).await {
                Ok(result) => result?,
                // Engines up to 27 at least may count an endpoint that is gone (moby#42119), until
                // they are restarted. Nobody is on it: whoever looks by label next tries again.
                Err(_) if self.containers_on(&id).await?.is_empty() => {
                    tracing::warn!(
                        network,
                        "the engine keeps an empty network: it is left for now"
                    );
                }
                Err(_) => {
                    return Err(crate::error::timeout(crate::error::Call::Change, REMOVE_LIMIT));
                }
            }
        }
        Ok(())
    }

    /// What a join that broke off or was refused has left of a network that is no more: the engine could
    /// not start these again, and takes it off them only now.
    async fn forget_on_paper(
        &self,
        network: &str,
        on_paper: Vec<String>,
    ) -> Result<(), EngineError> {
        let mut members: BTreeSet<_> = on_paper.into_iter().collect();
        // Of a refused one only the container itself tells. What outlives a release is joined so.
        let ours = self.containers_with("label", key::APP).await?;
        for container in ours.into_iter().filter(outlives_releases).filter_map(|one| one.id) {
            let seen = self.inspect(&container).await?;
            if seen.is_some_and(|seen| place::is_listed(&seen, network)) {
                members.insert(container);
            }
        }
        for member in members {
            self.take_off(network, &member).await?;
        }
        Ok(())
    }

    /// Takes everything off a network: what runs, what does not (it could never start again), and
    /// endpoints that a killed engine left behind.
    async fn empty_network(&self, id: &str) -> Result<(), EngineError> {
        for member in self.members(id).await? {
            self.take_off(id, &member).await?;
        }
        Ok(())
    }

    /// Containers and forgotten endpoints on a network; none if there is no such network.
    async fn members(&self, id: &str) -> Result<Vec<String>, EngineError> {
        let docker = self.docker().await?;
        let Some(seen) = none_if_missing(self.ask(docker.inspect_network(id, None)).await)? else {
            return Ok(Vec::new());
        };
        let mut members = self.containers_on(id).await?;
        for (key, endpoint) in seen.containers.unwrap_or_default() {
            // An endpoint whose container is gone, as a killed containerd leaves it, goes by its own
            // name only: the engine does not find it by the container's id.
            if !members.contains(&key) {
                members.push(endpoint.name.unwrap_or(key));
            }
        }
        Ok(members)
    }

    /// Containers that are there, and on a network.
    async fn containers_on(&self, id: &str) -> Result<Vec<String>, EngineError> {
        let containers = self.containers_with("network", id).await?;
        Ok(containers.into_iter().filter_map(|container| container.id).collect())
    }

    async fn containers_with(
        &self,
        filter: &str,
        value: &str,
    ) -> Result<Vec<ContainerSummary>, EngineError> {
        let filters = HashMap::from([(filter.to_owned(), vec![value.to_owned()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        self.ask(self.docker().await?.list_containers(Some(options))).await
    }
}

fn outlives_releases(container: &ContainerSummary) -> bool {
    map::our_labels(container.labels.as_ref()).is_some_and(|labels| labels.scope == Scope::App)
}

fn our_labels(network: &Network) -> Option<Labels> {
    map::our_labels(network.labels.as_ref())
}
