//! Containers that run and that the engine takes for ones between an exit and the next start. A start
//! that `containerd` did not live to confirm leaves one so; an engine that is restarted over it with
//! live-restore reads that state from its disk and does not look again.
//!
//! Its networks are gone by then. Of stop, kill and removal the engine only writes down that they were
//! wanted, and waits in vain for the end of what it does not signal. That end alone frees it, and the
//! engine notices it: whoever stops such a container here ends its processes beside the engine.

use std::time::Duration;

use landfall_deploy::ports::{EngineError, Status};
use rustix::process::Signal;

use crate::client::{DockerEngine, SHORT};
use crate::containers::status;
use crate::error::not_now;
use crate::lost::read_aside;
use crate::shim::{Shim, stop_signal};

/// A start takes a moment in which it looks the same, with another shim each time.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl DockerEngine {
    /// Whether a container runs and the engine takes it for one between an exit and the next start, for
    /// good. It takes three seconds to tell where it may be so.
    pub async fn is_mistaken(&self, container: &str) -> Result<bool, EngineError> {
        Ok(self.mistaken(container).await?.is_some())
    }

    async fn mistaken(&self, container: &str) -> Result<Option<Shim>, EngineError> {
        let Some(shim) = self.held_though_restarting(container).await? else { return Ok(None) };
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        let again = self.held_though_restarting(container).await?;
        Ok(again.filter(|again| *again == shim))
    }

    async fn held_though_restarting(&self, container: &str) -> Result<Option<Shim>, EngineError> {
        match self.inspect(container).await? {
            Some(seen) if status(&seen) == Status::Restarting => {
                let id = seen.id.unwrap_or_default();
                read_aside(move || Shim::of(&id)).await
            }
            _ => Ok(None),
        }
    }

    /// Ends the processes of a container if it is such a one, by its own signal first. Says whether it
    /// was.
    pub(crate) async fn free_if_mistaken(
        &self,
        container: &str,
        grace: Duration,
    ) -> Result<bool, EngineError> {
        let Some(shim) = self.mistaken(container).await? else { return Ok(false) };
        let config = self.inspect(container).await?.and_then(|seen| seen.config);
        let own = stop_signal(config.and_then(|config| config.stop_signal).as_deref());
        tracing::warn!(container, "it runs, and the engine takes it for one that restarts: ended");
        for (signal, limit) in [(own, grace), (Signal::KILL, SHORT)] {
            let sent = read_aside(move || shim.signal(signal)).await?;
            let why = "the engine cannot stop it, and ending its processes failed";
            sent.map_err(|error| not_now(format!("{container}: {why}: {error}")))?;
            if self.is_freed(container, shim, limit).await? {
                return Ok(true);
            }
        }
        Err(not_now(format!("{container}: its processes do not end")))
    }

    async fn is_freed(
        &self,
        container: &str,
        shim: Shim,
        limit: Duration,
    ) -> Result<bool, EngineError> {
        let freed = async {
            while self.held_though_restarting(container).await? == Some(shim) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(true)
        };
        tokio::time::timeout(limit, freed).await.unwrap_or(Ok(false))
    }
}
