//! Containers that run and that the engine takes for ones between an exit and the next start. A start
//! that `containerd` did not live to confirm leaves one so; an engine that is restarted over it with
//! live-restore reads that state from its disk and does not look again.
//!
//! Its networks are gone by then. Of stop, kill and removal the engine only writes down that they were
//! wanted, and waits in vain for the end of what it does not signal. That end alone frees it: whoever stops
//! such a container here ends its processes beside the engine. Engine 20.10 would take that for the end of
//! something else until it is started again, so there it is left to a person.

use std::time::{Duration, Instant};

use landfall_deploy::ports::{EngineError, Status};
use rustix::process::Signal;

use crate::client::{DockerEngine, SHORT};
use crate::error::not_now;
use crate::lost::read_aside;
use crate::seen::status;
use crate::shim::{Shim, stop_signal};

/// A start takes a moment in which it looks the same, with another shim each time.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Of engines that know a container's end by its id and not by the process's, which is not in that state.
const NOTICES_SINCE_API_MINOR: u32 = 42;
/// An engine that has not noticed an end by then does not.
const NOTICE_BOUND: Duration = Duration::from_secs(3);

/// What becomes of one whose processes got a signal.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Noticed,
    Unnoticed,
    /// They go on.
    None,
}

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
        if self.api_minor() < NOTICES_SINCE_API_MINOR {
            let processes = read_aside(move || shim.children()).await?;
            let processes: Vec<_> = processes.iter().map(ToString::to_string).collect();
            let (why, processes) =
                ("the engine takes it for one that restarts", processes.join(" "));
            let what = format!("`kill {processes}`, then restart the engine");
            return Err(not_now(format!("{container} runs, and {why}: {what}")));
        }
        let config = self.inspect(container).await?.and_then(|seen| seen.config);
        let own = stop_signal(config.and_then(|config| config.stop_signal).as_deref());
        tracing::warn!(container, "it runs, and the engine takes it for one that restarts: ended");
        for (signal, limit) in [(own, grace), (Signal::KILL, SHORT)] {
            let sent = read_aside(move || shim.signal(signal)).await?;
            let why = "the engine cannot stop it, and ending its processes failed";
            sent.map_err(|error| not_now(format!("{container}: {why}: {error}")))?;
            match self.end(container, shim, limit).await? {
                End::Noticed => return Ok(true),
                End::Unnoticed => {
                    let why = "has ended, and the engine has not noticed: restart the engine";
                    return Err(not_now(format!("{container} {why}")));
                }
                End::None => {}
            }
        }
        Err(not_now(format!("{container}: its processes do not end")))
    }

    async fn end(&self, container: &str, shim: Shim, limit: Duration) -> Result<End, EngineError> {
        let (began, mut ended) = (Instant::now(), None);
        while self.held_though_restarting(container).await? == Some(shim) {
            if !read_aside(move || shim.children()).await?.is_empty() {
                if began.elapsed() >= limit {
                    return Ok(End::None);
                }
            } else if ended.get_or_insert_with(Instant::now).elapsed() >= NOTICE_BOUND {
                return Ok(End::Unnoticed);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(End::Noticed)
    }
}
