//! Which networks a container is on: joined, left, and lost by the engine.

use std::time::{Duration, Instant};

use bollard::models::{ContainerInspectResponse, NetworkDisconnectRequest};
use landfall_core::plan::Attachment;
use landfall_deploy::ports::{EngineError, EngineErrorKind, Status};

use crate::client::{DockerEngine, LONG};
use crate::error::{self, none_if_missing, not_found, not_now};
use crate::networks::{REMOVE_LIMIT, REMOVE_POLL};
use crate::place::{self, Place, has_stray_interface, started_at};
use crate::seen::{labels_of, status};
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
        match self.place(&seen, network).await? {
            Place::Joined => return Ok(()),
            Place::Unknown => {
                return Err(cut_off(container, "is on this network on paper only"));
            }
            Place::Unmade => self.take_off(network, container).await?,
            Place::None => {}
        }
        if status(&seen) == Status::Restarting {
            // The engine would write it down, and could not take it back before it runs.
            let why = format!("{container} does not stay up, so it cannot join {network}");
            return Err(not_now(why));
        }
        self.require_network(network).await?;
        self.refuse_if_lost(&seen).await?;
        match self.attach(container, attachment).await {
            Err(error) if error.kind == EngineErrorKind::Conflict => {
                self.join_again(container, attachment, error).await
            }
            result => result,
        }
    }

    /// Somebody was faster, or an earlier call of ours took longer than we waited. Or an engine that was
    /// killed just after it had joined the container did not write that down: it has to be taken off first.
    async fn join_again(
        &self,
        container: &str,
        attachment: &Attachment,
        conflict: EngineError,
    ) -> Result<(), EngineError> {
        let network = &attachment.network;
        let Some(seen) = self.inspect(container).await? else { return Err(conflict) };
        if self.place(&seen, network).await? == Place::Joined {
            return Ok(());
        }
        tracing::warn!(container, network, why = conflict.message, "taken off, to be joined again");
        self.take_off(network, container).await?;
        match self.attach(container, attachment).await {
            // The network has it, and it does not have the network.
            Err(error) if error::is_endpoint_taken(&error.message) => {
                Err(cut_off(container, &error.message))
            }
            result => result,
        }
    }

    async fn attach(&self, container: &str, attachment: &Attachment) -> Result<(), EngineError> {
        let network = name::object(&attachment.network)?;
        let body = map::connect_body(container, attachment);
        let result = self.change(LONG, self.docker().await?.connect_network(network, body)).await;
        match result {
            // An engine that was killed while it did this before has left an interface behind.
            Err(error) if error::is_interface_taken(&error.message) => {
                Err(cut_off(container, &error.message))
            }
            result => result,
        }
    }

    pub(crate) async fn leave(&self, container: &str, network: &str) -> Result<(), EngineError> {
        name::object(network)?;
        // Looked at between the calls: none is dropped half-way.
        let end = Instant::now() + REMOVE_LIMIT;
        while self.is_listed(container, network).await? {
            self.take_off(network, container).await?;
            let Some(seen) = self.inspect(container).await? else { return Ok(()) };
            if !place::is_listed(&seen, network) {
                break;
            }
            if self.place(&seen, network).await? == Place::Unmade {
                // There is nothing to leave. Whoever removes the network takes the name away too, which
                // would be in the way of the next start.
                tracing::warn!(container, network, "it is on this network by name only");
                return Ok(());
            }
            // Between two starts of a container that does not stay up, the engine has it joined on
            // paper only, and says that it is not. Left so, it could not start without the network.
            if Instant::now() >= end {
                self.refuse_if_lost(&seen).await?;
                if self.has_lost_networks(&seen).await?
                    || self.place(&seen, network).await? == Place::Unknown
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

    async fn is_listed(&self, container: &str, network: &str) -> Result<bool, EngineError> {
        Ok(self.inspect(container).await?.is_some_and(|seen| place::is_listed(&seen, network)))
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
            Err(error) if error::is_not_joined(&error.message) => Ok(()),
            result => result.map(drop),
        }
    }
}

fn cut_off(container: &str, why: &str) -> EngineError {
    not_now(format!(
        "{container} runs, and {why}: only another start brings its networks back, as `landfall repair` does"
    ))
}
