//! Which networks a container is on: joined, left, and lost by the engine.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bollard::models::{ContainerInspectResponse, EndpointSettings, NetworkDisconnectRequest};
use landfall_core::plan::Attachment;
use landfall_deploy::ports::{EngineError, EngineErrorKind, Status};
use rustix::process::Pid;

use crate::client::{DockerEngine, LONG};
use crate::containers::{labels_of, none_if_missing, status};
use crate::error::{not_found, not_now};
use crate::lost::read_aside;
use crate::networks::{REMOVE_LIMIT, REMOVE_POLL};
use crate::shim::{Shim, interfaces};
use crate::{map, name};

/// A join and its end take a moment.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);

impl DockerEngine {
    /// Whether a container runs on networks that the engine has lost, as after it did not know the
    /// container for a while: addresses still work, names and new networks do not. Or an engine that was
    /// killed while it joined the container to one left an interface behind: new networks do not work.
    pub async fn is_cut_off(&self, container: &str) -> Result<bool, EngineError> {
        let Some(seen) = self.inspect(container).await? else { return Ok(false) };
        if self.has_lost_networks(&seen).await? {
            // It may have ended between the two answers.
            let again = self.inspect(container).await?;
            return Ok(again.is_some_and(|again| started_at(&again) == started_at(&seen)));
        }
        if !has_stray_interface(&seen).await? {
            return Ok(false);
        }
        // It may be about to join or to leave one.
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        let Some(again) = self.inspect(container).await? else { return Ok(false) };
        Ok(started_at(&again) == started_at(&seen) && has_stray_interface(&again).await?)
    }

    pub(crate) async fn join(
        &self,
        container: &str,
        attachment: &Attachment,
    ) -> Result<(), EngineError> {
        let network = name::object(&attachment.network)?;
        let missing = || not_found(format!("there is no container {container}"));
        let seen = self.inspect(container).await?.ok_or_else(missing)?;
        if self.has_lost_networks(&seen).await? {
            return Err(cut_off(container, "the engine has lost its networks"));
        }
        if joined(&seen, network) {
            if self.is_on_paper_only(&seen, network).await? {
                return Err(cut_off(container, "is on this network on paper only"));
            }
            return Ok(());
        }
        if status(&seen) == Status::Restarting {
            // The engine would write it down, and could not take it back before it runs.
            let why = format!("{container} does not stay up, so it cannot join {network}");
            return Err(not_now(why));
        }
        self.require_network(network).await?;
        self.refuse_if_lost(&seen).await?;
        let body = map::connect_body(container, attachment);
        let result = self.change(LONG, self.docker().await?.connect_network(network, body)).await;
        match result {
            // Somebody was faster, or an earlier call of ours took longer than we waited.
            Err(error) if error.kind == EngineErrorKind::Conflict => {
                let seen = self.inspect(container).await?;
                if seen.is_some_and(|seen| joined(&seen, network)) { Ok(()) } else { Err(error) }
            }
            // An engine that was killed while it did this before has left an interface behind.
            Err(error) if error.message.contains("file exists") => {
                Err(cut_off(container, &error.message))
            }
            result => result,
        }
    }

    pub(crate) async fn leave(&self, container: &str, network: &str) -> Result<(), EngineError> {
        name::object(network)?;
        // Looked at between the calls: none is dropped half-way.
        let end = Instant::now() + REMOVE_LIMIT;
        while self.is_joined(container, network).await? {
            self.take_off(network, container).await?;
            if !self.is_joined(container, network).await? {
                break;
            }
            // Between two starts of a container that does not stay up, the engine has it joined on
            // paper only, and says that it is not. Left so, it could not start without the network.
            if Instant::now() >= end {
                let Some(seen) = self.inspect(container).await? else { return Ok(()) };
                self.refuse_if_lost(&seen).await?;
                if self.has_lost_networks(&seen).await?
                    || self.is_on_paper_only(&seen, network).await?
                {
                    // Its next start forgets the network, should it be no more.
                    tracing::warn!(container, network, "the engine has lost its networks");
                    return Ok(());
                }
                let why = format!("{container} does not stay up, so it cannot leave {network}");
                return Err(not_now(why));
            }
            tokio::time::sleep(REMOVE_POLL).await;
        }
        Ok(())
    }

    /// A container that the engine does not list may still be looked at: what it says then is of before.
    async fn refuse_if_lost(&self, seen: &ContainerInspectResponse) -> Result<(), EngineError> {
        match map::our_labels(labels_of(seen)) {
            Some(labels) => self.ours(&labels.app).await.map(drop),
            None => Ok(()),
        }
    }

    async fn is_joined(&self, container: &str, network: &str) -> Result<bool, EngineError> {
        Ok(self.inspect(container).await?.is_some_and(|seen| joined(&seen, network)))
    }

    /// Takes a container that does not run off networks that are no more: it could not start. Says
    /// whether there were any.
    pub(crate) async fn forget_lost_networks(&self, container: &str) -> Result<bool, EngineError> {
        let settings = self.inspect(container).await?.and_then(|seen| seen.network_settings);
        let mut any = false;
        for network in settings.and_then(|settings| settings.networks).unwrap_or_default().keys() {
            if self.networks_named(network).await?.is_empty() {
                tracing::warn!(container, network, "it is on a network that is no more: taken off");
                self.take_off(network, container).await?;
                any = true;
            }
        }
        Ok(any)
    }

    pub(crate) async fn take_off(&self, network: &str, container: &str) -> Result<(), EngineError> {
        let body = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        let result =
            self.change(LONG, self.docker().await?.disconnect_network(network, body)).await;
        match none_if_missing(result) {
            Err(error) if error.message.contains("not connected to") => Ok(()),
            result => result.map(drop),
        }
    }

    /// Newer engines have it on its networks by name only. Engine 20.10 shows its endpoints of before,
    /// of which the networks know nothing.
    async fn has_lost_networks(
        &self,
        seen: &ContainerInspectResponse,
    ) -> Result<bool, EngineError> {
        let Some(networks) = networks(seen).filter(|_| status(seen) == Status::Running) else {
            return Ok(false);
        };
        let sorted: BTreeMap<_, _> = networks.iter().collect();
        for place in sorted.into_values().filter_map(endpoint) {
            if self.knows(place).await? {
                return Ok(false);
            }
        }
        Ok(!networks.is_empty())
    }

    /// Whether a container runs that has a place on a network of which the network knows nothing: a join
    /// that broke off.
    async fn is_on_paper_only(
        &self,
        seen: &ContainerInspectResponse,
        network: &str,
    ) -> Result<bool, EngineError> {
        let place = networks(seen).and_then(|networks| networks.get(network));
        match place.filter(|_| status(seen) == Status::Running).and_then(endpoint) {
            Some(place) => Ok(!self.knows(place).await?),
            None => Ok(false),
        }
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

fn cut_off(container: &str, why: &str) -> EngineError {
    not_now(format!(
        "{container} runs, and {why}: only another start brings its networks back, as `landfall repair` does"
    ))
}

/// Whether a container that runs has more interfaces than networks. `false` where that cannot be told.
async fn has_stray_interface(seen: &ContainerInspectResponse) -> Result<bool, EngineError> {
    let mode = seen.host_config.as_ref().and_then(|config| config.network_mode.as_deref());
    let is_own = mode.is_some_and(|mode| !matches!(mode, "host" | "none") && !mode.contains(':'));
    let pid = seen.state.as_ref().and_then(|state| state.pid);
    let (Some(id), Some(pid), Some(networks)) = (seen.id.clone(), pid, networks(seen)) else {
        return Ok(false);
    };
    let places = networks.len();
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

fn joined(seen: &ContainerInspectResponse, network: &str) -> bool {
    networks(seen).is_some_and(|networks| networks.contains_key(network))
}

/// A place that the engine says is there.
fn endpoint(place: &EndpointSettings) -> Option<&EndpointSettings> {
    place.endpoint_id.as_deref().is_some_and(|id| !id.is_empty()).then_some(place)
}

fn started_at(seen: &ContainerInspectResponse) -> Option<&str> {
    seen.state.as_ref().filter(|_| status(seen) == Status::Running)?.started_at.as_deref()
}

fn networks(seen: &ContainerInspectResponse) -> Option<&HashMap<String, EndpointSettings>> {
    seen.network_settings.as_ref()?.networks.as_ref()
}
