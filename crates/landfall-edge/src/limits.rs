//! How many connections the limit on open files allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for listeners, files and control connections.
const RESERVED: u64 = 256;

/// Raises the soft limit on open files to the hard one; an unprivileged process may.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "cannot raise the limit on open files");
    }
}

/// `wanted`, lowered so that each connection can have one to an endpoint beside it.
pub(crate) fn connections_max(wanted: usize) -> usize {
    let Some(files) = getrlimit(Resource::Nofile).current else { return wanted };
    let allowed = (files.saturating_sub(RESERVED) / 2).max(16);
    wanted.min(usize::try_from(allowed).unwrap_or(usize::MAX))
}
