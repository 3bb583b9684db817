//! The agent's parts, and the tasks that outlive a request.

use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_api::Problem;
use landfall_core::id::AppName;
use landfall_core::release::Release;
use tokio::task::JoinSet;

use crate::arrival::Arrivals;
use crate::config::AgentConfig;
use crate::ground::{Ground, Neighbours, Store};
use crate::history::{self, ServingSince};
use crate::lease::Leases;
use crate::store::{Began, StoreError};

/// Everything the agent has. Cheap to clone.
pub(crate) struct Agent<G: Ground> {
    parts: Arc<Parts<G>>,
}

/// What an [`Agent`] is made of.
pub(crate) struct Parts<G: Ground> {
    pub(crate) config: AgentConfig,
    pub(crate) platform: G::Platform,
    pub(crate) edge: G::Edge,
    pub(crate) store: G::Store,
    pub(crate) files: G::Files,
    pub(crate) clock: G::Clock,
    pub(crate) host: G::Host,
    pub(crate) leases: Leases,
    /// Held from looking at the world until the plan is durable, so that two apps never plan the
    /// same subnet or port.
    pub(crate) planning: Arc<tokio::sync::Mutex<()>>,
    /// Held while a client's image is taken in: one at a time.
    pub(crate) arrivals: tokio::sync::Mutex<Arrivals>,
    tasks: Mutex<JoinSet<()>>,
}

impl<G: Ground> Clone for Agent<G> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts) }
    }
}

impl<G: Ground> Deref for Agent<G> {
    type Target = Parts<G>;
    fn deref(&self) -> &Parts<G> {
        &self.parts
    }
}

/// What the journals say of one app.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) rollouts: Vec<Began>,
    pub(crate) serving: Option<(ServingSince, Release)>,
}

impl<G: Ground> Agent<G> {
    /// Beside its neighbours.
    pub(crate) fn new(config: AgentConfig, neighbours: Neighbours<G>) -> Self {
        let Neighbours { platform, edge, store, files, clock, host } = neighbours;
        let parts = Parts {
            leases: Leases::default(),
            planning: Arc::default(),
            arrivals: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            config,
            platform,
            edge,
            store,
            files,
            clock,
            host,
        };
        Self { parts: Arc::new(parts) }
    }

    /// Takes up what is open, before the first request: an app that is half-way must not look free.
    /// Then watches over the neighbours.
    pub(crate) async fn start(&self) -> Result<(), StoreError> {
        let open = self.find_open().await?;
        self.take_up(open);
        let keeper = self.clone();
        self.spawn(async move { keeper.keep_reconciled().await });
        Ok(())
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
