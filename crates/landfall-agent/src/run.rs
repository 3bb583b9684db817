//! The agent's life: lock, store, socket, recovery, service, stop.

use std::fs::{DirBuilder, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::agent::Agent;
use crate::config::AgentConfig;
use crate::ground::Neighbours;
use crate::http::{self, SocketError};
use crate::lock::{LockError, StateLock};
use crate::platform::Platform;
use crate::store::{SqliteStore, StoreError};

/// The agent cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The state folder cannot be made.
    #[error("cannot use the state folder {}", path.display())]
    StateDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another agent has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store cannot be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The API's socket cannot be made.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The API failed.
    #[error("the API failed")]
    Serve(#[source] io::Error),
}

/// Runs the agent until `shutdown` is done. Rollouts that run then stay open in their journals; the
/// next agent goes on with them.
pub async fn run<P: Platform>(
    config: AgentConfig,
    platform: P,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AgentError> {
    make_state_dir(&config.state_dir)?;
    let lock = StateLock::take(&config.state_dir)?;
    let store = SqliteStore::open(&config.state_dir)?;
    let listener = http::bind(&config.socket, config.socket_gid).await?;
    let socket = config.socket.clone();
    tracing::info!(state_dir = %config.state_dir.display(), socket = %socket.display(), "started");
    let neighbours = Neighbours::real(&config, platform, store);
    let agent = Agent::new(config, neighbours);
    agent.start().await?;
    agent.audit_start().await;
    let stopping = watch::Sender::new(false);
    let router = http::router(agent.clone(), stopping.subscribe());
    let served = http::serve(listener, router, stopping, shutdown).await;
    // Rollouts first, so that nothing changes the world after the lock is gone.
    agent.stop().await;
    drop(std::fs::remove_file(&socket));
    tracing::info!("stopped");
    drop(lock);
    served.map_err(AgentError::Serve)
}

/// Can be passed through (the engine mounts files from below it), but not listed.
fn make_state_dir(dir: &Path) -> Result<(), AgentError> {
    let make = || {
        DirBuilder::new().recursive(true).mode(0o711).create(dir)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o711))
    };
    make().map_err(|source| AgentError::StateDir { path: dir.to_owned(), source })
}
