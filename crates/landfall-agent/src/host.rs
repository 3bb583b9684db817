//! The host as `/proc` shows it: routes, and who listens. Read-only; the root can be another folder
//! in tests.

use std::path::PathBuf;

mod listeners;
mod routes;

pub(crate) use listeners::Transport;

/// One host's `/proc`.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    proc: PathBuf,
}

impl Host {
    /// This host.
    pub(crate) fn new() -> Self {
        Self::at("/proc")
    }

    /// Another folder of the same shape.
    pub(crate) fn at(proc: impl Into<PathBuf>) -> Self {
        Self { proc: proc.into() }
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}
