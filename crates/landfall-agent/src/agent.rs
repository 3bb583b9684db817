//! The agent's parts, and the tasks that outlive a request.

use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_api::{EdgeClient, Problem};
use landfall_core::id::AppName;
use landfall_core::release::Release;
use tokio::task::JoinSet;

use crate::clock::TokioClock;
use crate::config::AgentConfig;
use crate::edge::HostEdge;
use crate::files::DiskFiles;
use crate::history::{self, ServingSince};
use crate::host::Host;
use crate::lease::Leases;
use crate::platform::Platform;
use crate::store::{Began, Store};

/// Everything the agent has. Cheap to clone.
#[derive(Debug)]
pub(crate) struct Agent<P> {
    parts: Arc<Parts<P>>,
}

/// What an [`Agent`] is made of.
#[derive(Debug)]
pub(crate) struct Parts<P> {
    pub(crate) config: AgentConfig,
    pub(crate) platform: P,
    pub(crate) edge: HostEdge,
    pub(crate) store: Store,
    pub(crate) files: DiskFiles,
    pub(crate) clock: TokioClock,
    pub(crate) host: Host,
    pub(crate) leases: Leases,
    /// Held from looking at the world until the plan is durable, so that two apps never plan the
    /// same subnet or port.
    pub(crate) planning: Arc<tokio::sync::Mutex<()>>,
    tasks: Mutex<JoinSet<()>>,
}

impl<P> Clone for Agent<P> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts) }
    }
}

impl<P> Deref for Agent<P> {
    type Target = Parts<P>;
    fn deref(&self) -> &Parts<P> {
        &self.parts
    }
}

/// What the journals say of one app.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) rollouts: Vec<Began>,
    pub(crate) serving: Option<(ServingSince, Release)>,
}

impl<P: Platform> Agent<P> {
    /// Over an open store.
    pub(crate) fn new(config: AgentConfig, platform: P, store: Store) -> Self {
        let parts = Parts {
            edge: HostEdge::new(EdgeClient::new(&config.edge_socket)),
            files: DiskFiles::new(config.state_dir.join("files")),
            clock: TokioClock::new(),
            host: Host::new(),
            leases: Leases::default(),
            planning: Arc::default(),
            tasks: Mutex::default(),
            config,
            platform,
            store,
        };
        Self { parts: Arc::new(parts) }
    }

    /// Runs a task that no client waits for, until it ends or the agent stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Stops all tasks where they stand. That is a crash to every rollout, and legal.
    pub(crate) async fn stop(&self) {
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }

    /// What the journals say.
    pub(crate) async fn past(&self, app: &AppName) -> Result<Past, Problem> {
        let rollouts = self.store.rollouts(app).await?;
        let serving = match history::serving(&rollouts) {
            None => None,
            Some(since) => {
                let release = self.store.release(app, since.release).await?;
                let missing = || {
                    let message =
                        format!("release {} of {app} serves but is not stored", since.release);
                    Problem::new(landfall_api::ProblemCode::Internal, message)
                };
                Some((since, release.ok_or_else(missing)?))
            }
        };
        Ok(Past { rollouts, serving })
    }
}
