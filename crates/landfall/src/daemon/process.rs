//! What a process that stays does first, and how it is asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{DaemonError, notify};

/// Says how much is logged; `info` by default.
const LOG_VARIABLE: &str = "LANDFALL_LOG";

/// Leaves the session when it is to run in the background, and opens the log on standard error.
pub(crate) fn begin(detached: bool) -> Result<(), DaemonError> {
    if detached {
        // Not the leader of a group, so it cannot fail for that reason.
        rustix::process::setsid().map_err(|error| DaemonError::Session { source: error.into() })?;
    }
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that is open already is as good.
    log.with_ansi(false).try_init().ok();
    Ok(())
}

/// Resolves on SIGTERM or SIGINT. Must be polled on a runtime.
pub(crate) async fn asked_to_end() {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("asked to end");
    notify::stopping();
}
