//! Start and stop.
//!
//! Stopping goes in stages: no new connections, and each answer ends its connection; after a moment
//! the idle ones are closed (never first: a client may be writing its next request); at the bound
//! whatever is left.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::config::EdgeConfig;
use crate::control::ControlSocket;
use crate::edge::Edge;
use crate::error::EdgeError;
use crate::hub::Stage;
use crate::limits::raise_open_files;
use crate::store::Store;

/// How often idle connections to endpoints are looked at.
const POOL_SWEEP: Duration = Duration::from_secs(2);
/// How long the thread that saved a table waits for the next one. Short: system calls of a process
/// with a single thread are cheaper.
const SAVER_LINGERS: Duration = Duration::from_millis(200);
/// How often a listener that could not be bound is tried again.
const BIND_AGAIN: Duration = Duration::from_secs(1);

/// Runs an edge on worker threads of its own until `shutdown` resolves and the requests in flight
/// are done. Blocks; must not be called from within a runtime.
pub fn run(config: EdgeConfig, shutdown: impl Future<Output = ()>) -> Result<(), EdgeError> {
    raise_open_files();
    let workers = config.workers.max(1);
    // One worker needs none of what shares work between them.
    let mut builder = if workers == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    let runtime = builder
        .worker_threads(workers)
        .thread_name("edge")
        .thread_keep_alive(SAVER_LINGERS)
        .enable_all()
        .build()
        .map_err(EdgeError::Runtime)?;
    let result = runtime.block_on(async {
        Server::start(config).await?.serve(shutdown).await;
        Ok(())
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// A running edge on the caller's runtime.
#[derive(Debug)]
pub struct Server {
    edge: Arc<Edge>,
    tasks: Vec<Background>,
}

/// A task that ends when this is dropped.
#[derive(Debug)]
struct Background(JoinHandle<()>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.edge.doors().shut_others(&BTreeSet::new());
    }
}

impl Server {
    /// Loads the persisted table, binds its listeners and the control socket, and serves. A listener
    /// that cannot be bound does not stop the others; it is tried again every second.
    #[expect(clippy::unused_async, reason = "says that it needs a runtime")]
    pub async fn start(config: EdgeConfig) -> Result<Self, EdgeError> {
        let (store, table) = Store::open(&config.state_dir)?;
        let control = ControlSocket::bind(&config)?;
        let edge = Edge::start(config, store, table);
        let tasks = vec![
            background(control.serve(Arc::clone(&edge))),
            background(sweep(Arc::clone(&edge))),
            background(sweep_pools(Arc::clone(&edge))),
            background(bind_again(Arc::clone(&edge))),
        ];
        tracing::info!(generation = edge.generation(), "the edge serves");
        Ok(Self { edge, tasks })
    }

    /// Addresses it listens on now.
    pub fn listening(&self) -> Vec<SocketAddr> {
        self.edge.doors().listening()
    }

    /// Serves until `shutdown` resolves, then lets the requests in flight finish within their bound.
    /// When it returns, the state folder and the control socket are free for the next edge.
    pub async fn serve(mut self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        let hub = self.edge.hub();
        let limits = self.edge.limits();
        hub.advance(Stage::Draining);
        self.edge.doors().shut_others(&BTreeSet::new());
        let bound = tokio::time::Instant::now() + limits.shutdown;
        if timeout(limits.shutdown_idle.min(limits.shutdown), hub.emptied()).await.is_err() {
            hub.advance(Stage::Closing);
        }
        if tokio::time::timeout_at(bound, hub.emptied()).await.is_err() {
            tracing::warn!("closes what did not finish in time");
            hub.advance(Stage::Aborting);
            hub.emptied().await;
        }
        for mut task in std::mem::take(&mut self.tasks) {
            task.0.abort();
            // It was cancelled, which is what it says.
            let _ = (&mut task.0).await;
        }
        self.edge.release_store();
    }
}

fn background(task: impl Future<Output = ()> + Send + 'static) -> Background {
    Background(tokio::spawn(task))
}

async fn sweep(edge: Arc<Edge>) {
    let mut ticks = interval(edge.hub().timing().interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        edge.hub().sweep();
    }
}

async fn sweep_pools(edge: Arc<Edge>) {
    let mut ticks = interval(POOL_SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        edge.sweep_pools();
    }
}

async fn bind_again(edge: Arc<Edge>) {
    let mut ticks = interval(BIND_AGAIN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Its failures were reported at the start, and status names who listens.
        let _ = edge.bind_missing();
    }
}
