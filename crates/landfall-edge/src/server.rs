//! Start and stop.
//!
//! Stopping goes in stages: no new connections, and each answer ends its connection; after a moment
//! the idle ones are closed (never first: a client may be writing its next request); at the bound
//! whatever is left.

use std::fs::File;
use std::future::Future;
use std::io::{self, Seek as _, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use crate::config::EdgeConfig;
use crate::control::ControlSocket;
use crate::doors::Opened;
use crate::edge::{Edge, Estate};
use crate::error::EdgeError;
use crate::handover;
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

/// How an edge begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Nobody serves yet.
    Fresh,
    /// Another edge serves with the same state folder and control socket, and hands over.
    TakeOver,
}

/// Runs an edge on worker threads of its own until `shutdown` resolves or a successor takes over,
/// and the requests in flight are done. Blocks; must not be called from within a runtime.
pub fn run(
    config: EdgeConfig,
    begin: Begin,
    shutdown: impl Future<Output = ()>,
) -> Result<(), EdgeError> {
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
        let server = match begin {
            Begin::Fresh => Server::start(config).await?,
            Begin::TakeOver => Server::take_over(config).await?,
        };
        server.serve(shutdown).await;
        Ok(())
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// A running edge on the caller's runtime.
#[derive(Debug)]
pub struct Server {
    edge: Arc<Edge>,
    /// Those that only *the* edge has.
    office: Vec<Background>,
    sweeps: Vec<Background>,
}

/// A task that ends when this is dropped.
#[derive(Debug)]
struct Background(JoinHandle<()>);

impl Background {
    fn start(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }

    async fn stop(mut self) {
        self.0.abort();
        // It was cancelled, which is what it says.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.edge.doors().shut());
    }
}

impl Server {
    /// Loads the persisted table, takes its listeners from the keeper or binds them, binds the control
    /// socket, and serves. A listener that cannot be bound does not stop the others; it is tried again every second.
    #[expect(clippy::unused_async, reason = "says that it needs a runtime")]
    pub async fn start(mut config: EdgeConfig) -> Result<Self, EdgeError> {
        let (store, table) = Store::open(&config.state_dir)?;
        let control = Arc::new(ControlSocket::bind(&config)?);
        let pid_file = config.pid_file.take();
        let wanted = table.listeners();
        let edge = Edge::new(config, table);
        let kept = edge.doors().kept(&wanted);
        if !kept.is_empty() {
            tracing::info!(sockets = kept.len(), "goes on with the sockets of an earlier edge");
        }
        Ok(Self::begin(edge, kept, Estate { store, control, pid_file }))
    }

    /// Takes over from the edge that serves with this state folder and control socket: its listeners,
    /// its table, its locks. On an error that edge goes on.
    pub async fn take_over(config: EdgeConfig) -> Result<Self, EdgeError> {
        let refused = |reason| EdgeError::TakeOver { reason };
        let (old, given) = handover::ask(&config.control_socket).await.map_err(refused)?;
        let loaded = Store::adopt(&config.state_dir, given.lock).and_then(|(store, table)| {
            let found = table.generation;
            let differs = || refused(format!("found generation {found} in the state folder"));
            if found == given.generation { Ok((store, table)) } else { Err(differs()) }
        });
        let (store, table) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                old.decline(&error.to_string()).await;
                return Err(error);
            }
        };
        let control = Arc::new(ControlSocket::adopt(&config, given.control));
        // Until it is ours its file is none of our business.
        control.keep_file(true);
        // These are sockets that the old edge hands over, too.
        drop(config.keeper.as_ref().map(|keeper| keeper.take()));
        let edge = Edge::new(config, table);
        let line = old.settle().await.map_err(refused)?;
        control.keep_file(false);
        edge.predecessor().attach(line).await;
        let pid_file = given.pid_file.map(Arc::new);
        Ok(Self::begin(edge, given.listeners, Estate { store, control, pid_file }))
    }

    /// Becomes the edge.
    fn begin(edge: Arc<Edge>, open: Opened, estate: Estate) -> Self {
        edge.doors().serve(&edge, open);
        if let Some(error) = estate.pid_file.as_ref().and_then(|file| write_pid(file).err()) {
            tracing::error!(%error, "cannot write the pid file");
        }
        let control = Arc::clone(&estate.control);
        edge.own(estate);
        for (listen, error) in edge.bind_missing() {
            tracing::error!(%listen, %error, "cannot listen yet");
        }
        let office = vec![
            Background::start(control.serve(Arc::clone(&edge))),
            Background::start(bind_again(Arc::clone(&edge))),
        ];
        let sweeps = vec![
            Background::start(sweep(Arc::clone(&edge))),
            Background::start(sweep_pools(Arc::clone(&edge))),
        ];
        tracing::info!(generation = edge.generation(), "the edge serves");
        Self { edge, office, sweeps }
    }

    /// Addresses it listens on now.
    pub fn listening(&self) -> Vec<SocketAddr> {
        self.edge.doors().listening()
    }

    /// Serves until `shutdown` resolves or a successor has taken over, then lets the requests in
    /// flight finish within their bound. When it returns, the state folder and the control socket are
    /// free for the next edge, or a successor's.
    pub async fn serve(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let edge = Arc::clone(&self.edge);
        tokio::select! {
            () = &mut shutdown => self.finish(std::future::ready(())).await,
            line = edge.succeeded() => {
                self.leave_office().await;
                let mut follow = Background::start(handover::follow(edge, line));
                let called_off = async {
                    tokio::select! {
                        () = shutdown => {}
                        _ = &mut follow.0 => {}
                    }
                };
                self.finish(called_off).await;
            }
        }
    }

    /// Lets everybody finish: for as long as a successor is there, until `hurry` resolves; from then
    /// on idle clients are sent away, and at the bound the others.
    async fn finish(&mut self, hurry: impl Future<Output = ()>) {
        let edge = Arc::clone(&self.edge);
        let (hub, limits) = (edge.hub(), edge.limits());
        hub.advance(Stage::Draining);
        for accepting in edge.doors().shut() {
            // It only fails with the runtime.
            let _ = accepting.await;
        }
        let stays = timeout(limits.handed_over, hurry);
        // What is asked of an old edge goes through this one, so that has to end first.
        let all_gone = async || {
            hub.emptied().await;
            edge.predecessor().gone().await;
        };
        tokio::select! {
            () = all_gone() => {}
            _ = stays => {}
        }
        let bound = Instant::now() + limits.shutdown;
        if timeout(limits.shutdown_idle.min(limits.shutdown), hub.emptied()).await.is_err() {
            hub.advance(Stage::Closing);
        }
        if timeout_at(bound, hub.emptied()).await.is_err() {
            tracing::warn!("closes what did not finish in time");
            hub.advance(Stage::Aborting);
            hub.emptied().await;
        }
        self.leave_office().await;
        for task in std::mem::take(&mut self.sweeps) {
            task.stop().await;
        }
        drop(edge.leave());
    }

    async fn leave_office(&mut self) {
        for task in std::mem::take(&mut self.office) {
            task.stop().await;
        }
    }
}

/// The first line is whole at every moment: somebody may read it.
fn write_pid(mut file: &File) -> io::Result<()> {
    let line = format!("{}\n", std::process::id());
    file.rewind()?;
    file.write_all(line.as_bytes())?;
    file.set_len(line.len().try_into().unwrap_or_default())
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
