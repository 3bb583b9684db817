//! Containers that have ended and that the engine takes for running. Of an engine that is killed while it
//! starts a process in a container (a health check is enough), the shim waits half a minute to be listened
//! to, and for so long keeps the end of the container itself back. The next engine refuses it new limits,
//! or waits for that too; its stop and its removal take their whole grace, and a start after them fails.
//!
//! A shim that holds no process keeps nothing alive. Whoever starts or stops such a container ends it:
//! `containerd` then tells the engine, and cleans up.

use std::time::{Duration, Instant};

use landfall_deploy::ports::{EngineError, Status};

use crate::client::DockerEngine;
use crate::error::not_now;
use crate::lost::read_aside;
use crate::seen::status;
use crate::shim::{Shim, is_there};

/// An end is told within moments; one that still is not told after this is kept back.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The engine is slow to take note where it asks the shim once more: it waits two seconds for that.
const NOTICE_BOUND: Duration = Duration::from_secs(10);

/// One run of a container, as the engine has it, and the shim that holds no process of it.
#[derive(PartialEq, Eq)]
struct Empty {
    shim: Shim,
    id: String,
    first_process: i64,
}

impl DockerEngine {
    /// Lets the engine know of a container's end that is kept back from it. Says whether one was; it
    /// takes two seconds to tell where it may be so.
    pub(crate) async fn tell_of_end(&self, container: &str) -> Result<bool, EngineError> {
        let Some(empty) = self.runs_without_processes(container).await? else { return Ok(false) };
        tokio::time::sleep(TOLD_WITHIN).await;
        if self.runs_without_processes(container).await?.as_ref() != Some(&empty) {
            return Ok(false);
        }
        let Empty { shim, id, first_process } = empty;
        tracing::warn!(container, "it has ended, and its shim keeps that back: the shim is ended");
        let ended = read_aside(move || shim.end(&id)).await?;
        let why = "has ended, its shim keeps that back from the engine, and ending the shim failed";
        ended.map_err(|error| not_now(format!("{container} {why}: {error}")))?;
        let began = Instant::now();
        let is_same = |(_, process): &(String, i64)| *process == first_process;
        while self.first_process(container).await?.as_ref().is_some_and(is_same) {
            if began.elapsed() >= NOTICE_BOUND {
                let why = "has ended, and the engine has not noticed: restart the engine";
                return Err(not_now(format!("{container} {why}")));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    /// Waits for a call that ends a container, and lets the engine know of that end if it must be told.
    pub(crate) async fn while_ending<T>(
        &self,
        container: &str,
        call: impl Future<Output = T>,
    ) -> T {
        let watch = async {
            loop {
                tokio::time::sleep(TOLD_WITHIN).await;
                if let Err(error) = self.tell_of_end(container).await {
                    tracing::debug!(container, %error, "its end was not seen");
                }
            }
        };
        tokio::select! {
            done = call => done,
            never = watch => match never {},
        }
    }

    async fn runs_without_processes(&self, container: &str) -> Result<Option<Empty>, EngineError> {
        let Some((id, first_process)) = self.first_process(container).await? else {
            return Ok(None);
        };
        let look = move || {
            // A runtime may keep the first process elsewhere, and an engine's numbers may be others.
            let none = |shim: &Shim| shim.children().is_empty() && !is_there(first_process);
            let shim = Shim::of(&id).filter(none)?;
            Some(Empty { shim, id, first_process })
        };
        read_aside(look).await
    }

    /// A container's id and its first process, where the engine takes it for running.
    async fn first_process(&self, container: &str) -> Result<Option<(String, i64)>, EngineError> {
        let seen = self.inspect(container).await?;
        let running = seen.filter(|seen| status(seen) == Status::Running);
        Ok(running.and_then(|seen| Some((seen.id?, seen.state?.pid?))))
    }
}
