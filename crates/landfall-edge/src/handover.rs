//! An edge gives way to its successor without refusing a connection.
//!
//! The successor asks on the control socket for an upgrade to [`PROTOCOL`] and is offered all that
//! an edge owns: its listening sockets, the control socket, the lock of the state folder and of the
//! pid file, each as a descriptor, and the generation that serves. While that is under way no table
//! is replaced: a swap is done before by the old edge or after by the new one. Then
//!
//! 1. the successor loads that generation and says `Ready`;
//! 2. the old edge gives up writing and says `Yours`;
//! 3. the successor says `Taken`: from here on it is the edge, accepts on the same sockets, and is the
//!    only one that writes. The old one accepts until it hears that.
//!
//! Until `Taken` was said the old edge goes on as if nothing had been, whatever happens to the other
//! ([`offer`]). A successor whose old edge dies before `Yours` takes over all the same, once it is
//! sure of that death ([`take`]). The connection stays: through it the successor tells the old edge,
//! while that finishes what is in flight, of new tables, and asks what it still has ([`tether`]).
//!
//! The locks belong to open files and not to processes, so they are passed on without a moment in
//! which a third process could take them.

mod line;
mod offer;
mod take;
mod tether;

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use line::Line;
pub(crate) use offer::offer;
pub(crate) use take::ask;
pub(crate) use tether::{Tether, follow, joined};

/// Name and version, as the upgrade's token.
pub(crate) const PROTOCOL: &str = "landfall-hand-over/1";
/// Where to ask for it on the control socket.
pub(crate) const PATH: &str = "/v1/hand-over";

/// Longest wait for the other's next word before it is given up. Shorter than what those wait who
/// swap a table meanwhile.
const WORD: Duration = Duration::from_secs(8);

/// What is offered. The descriptors follow: the folder's lock, the control socket, the pid file's, the
/// listeners' in this order, the old edge's process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Offer {
    /// Of the old edge, for the log.
    pub(crate) version: String,
    pub(crate) generation: u64,
    /// Whether a pid file comes too.
    pub(crate) pid_file: bool,
    pub(crate) listeners: Vec<SocketAddr>,
    /// Whether the old edge's process comes too.
    #[serde(default)]
    pub(crate) process: bool,
}

/// What is said while it is decided who is the edge.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Ready,
    Yours,
    Taken,
    /// It stays as it was; why.
    No(String),
}
