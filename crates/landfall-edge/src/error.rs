//! Why the edge cannot start or run.

use std::io;
use std::path::PathBuf;

/// Why the edge cannot start or run.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The state folder cannot be made, locked or read.
    #[error("cannot use the state folder {}", path.display())]
    StateDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another edge holds the state folder.
    #[error("another edge uses the state folder {}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// Tables are on disk and none of them can be trusted: starting empty would drop every route.
    #[error("no route table in {} can be used: {reasons}", path.display())]
    Corrupt {
        /// The folder.
        path: PathBuf,
        /// File by file.
        reasons: String,
    },
    /// The control socket cannot be opened.
    #[error("cannot open the control socket {}", path.display())]
    Control {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process answers on the control socket.
    #[error("another process serves the control socket {}", path.display())]
    ControlInUse {
        /// Its path.
        path: PathBuf,
    },
    /// The running edge did not hand over; it goes on.
    #[error("cannot take over from the running edge: {reason}")]
    TakeOver {
        /// Why.
        reason: String,
    },
    /// The runtime cannot be started.
    #[error("cannot start the worker threads")]
    Runtime(#[source] io::Error),
}
