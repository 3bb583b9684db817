//! What a container's place on a network is worth: what it says of it, and what the network says.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerInspectResponse, EndpointSettings};
use landfall_deploy::ports::{EngineError, Status};
use rustix::process::Pid;

use crate::client::DockerEngine;
use crate::error::none_if_missing;
use crate::lost::read_aside;
use crate::seen::status;
use crate::shim::{Shim, interfaces};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It does not list the network.
    None,
    /// It is on it, or will be from its next start on.
    Joined,
    /// It runs without an endpoint there: the engine failed to make one, and kept the name.
    Unmade,
    /// It runs with an endpoint of which the network knows nothing: a join that broke off.
    Unknown,
}

impl DockerEngine {
    pub(crate) async fn place(
        &self,
        seen: &ContainerInspectResponse,
        network: &str,
    ) -> Result<Place, EngineError> {
        let Some(place) = networks(seen).and_then(|networks| networks.get(network)) else {
            return Ok(Place::None);
        };
        if status(seen) != Status::Running {
            return Ok(Place::Joined);
        }
        if !is_made(place) {
            return Ok(Place::Unmade);
        }
        Ok(if self.knows(place).await? { Place::Joined } else { Place::Unknown })
    }

    /// Newer engines have it on its networks by name only. Engine 20.10 shows its endpoints of before,
    /// of which the networks know nothing.
    pub(crate) async fn has_lost_networks(
        &self,
        seen: &ContainerInspectResponse,
    ) -> Result<bool, EngineError> {
        let Some(networks) = networks(seen).filter(|_| status(seen) == Status::Running) else {
            return Ok(false);
        };
        let sorted: BTreeMap<_, _> = networks.iter().collect();
        for place in sorted.into_values().filter(|place| is_made(place)) {
            if self.knows(place).await? {
                return Ok(false);
            }
        }
        Ok(!networks.is_empty())
    }

    /// Whether a place's network knows it. One without a network counts as known.
    async fn knows(&self, place: &EndpointSettings) -> Result<bool, EngineError> {
        let Some(network) = place.network_id.as_deref() else { return Ok(true) };
        let known = self.ask(self.docker().await?.inspect_network(network, None)).await;
        let members = none_if_missing(known)?.and_then(|network| network.containers);
        let mut endpoints = members.into_iter().flatten().filter_map(|(_, one)| one.endpoint_id);
        Ok(endpoints.any(|known| Some(known) == place.endpoint_id))
    }
}

pub(crate) fn is_listed(seen: &ContainerInspectResponse, network: &str) -> bool {
    networks(seen).is_some_and(|networks| networks.contains_key(network))
}

/// Whether an engine was killed while it made the container: Engine 20.10 writes it down once before it
/// knows of its networks, and again with them. It was never started.
pub(crate) fn is_half_made(seen: &ContainerInspectResponse) -> bool {
    let none = networks(seen).is_none_or(HashMap::is_empty);
    status(seen) == Status::Created && none && mode(seen).is_some_and(|mode| !mode.contains(':'))
}

/// When a container that runs was started.
pub(crate) fn started_at(seen: &ContainerInspectResponse) -> Option<&str> {
    seen.state.as_ref().filter(|_| status(seen) == Status::Running)?.started_at.as_deref()
}

/// Whether a container that runs has more interfaces than places. `false` where that cannot be told.
pub(crate) async fn has_stray_interface(
    seen: &ContainerInspectResponse,
) -> Result<bool, EngineError> {
    let is_own =
        mode(seen).is_some_and(|mode| !matches!(mode, "host" | "none") && !mode.contains(':'));
    let pid = seen.state.as_ref().and_then(|state| state.pid);
    let (Some(id), Some(pid), Some(networks)) = (seen.id.clone(), pid, networks(seen)) else {
        return Ok(false);
    };
    let places = networks.values().filter(|place| is_made(place)).count();
    if !is_own || status(seen) != Status::Running {
        return Ok(false);
    }
    read_aside(move || {
        let is_more = |pid: Pid| interfaces(pid).is_some_and(|count| count > places);
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // Where it is another's, it has another id here.
        let is_its = |pid: &Pid| Shim::of(&id).is_some_and(|shim| shim.is_parent_of(*pid));
        pid.filter(|pid| is_more(*pid)).is_some_and(|pid| is_its(&pid))
    })
    .await
}

/// Whether the engine says that there is an endpoint.
fn is_made(place: &EndpointSettings) -> bool {
    place.endpoint_id.as_deref().is_some_and(|id| !id.is_empty())
}

fn mode(seen: &ContainerInspectResponse) -> Option<&str> {
    seen.host_config.as_ref()?.network_mode.as_deref()
}

fn networks(seen: &ContainerInspectResponse) -> Option<&HashMap<String, EndpointSettings>> {
    seen.network_settings.as_ref()?.networks.as_ref()
}
