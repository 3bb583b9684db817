//! Another host's agent: its socket, forwarded by the system's OpenSSH.
//!
//! `ssh` does what people already set up for it: `~/.ssh/config`, agents, jump hosts, known hosts.
//! Reading order: [`address`] (what may be put into an argument vector), [`hosts`] (names for
//! addresses), [`ssh`] (the argument vectors), [`tunnel`] (one connection for many commands),
//! [`refusal`] (what `ssh` means by what it says). Nothing here knows what is asked of the agent.

mod address;
mod hosts;
mod refusal;
mod ssh;
mod tunnel;

use std::io;
use std::path::PathBuf;

pub(crate) use address::{AGENT_SOCKET, BadAddress, SshAddress};
pub(crate) use hosts::{HostWish, Hosts, HostsError, LOCAL, RemoteHost, find};
pub(crate) use refusal::Refusal;
pub(crate) use ssh::Means;
pub(crate) use tunnel::Tunnel;

/// Another host's agent cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    #[error("the program `{program}` cannot be run")]
    NoSsh { program: String, source: io::Error },
    #[error("there is no place for the sockets of ssh")]
    Folder { tried: Vec<String> },
    #[error("{} cannot be used", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("another command has been connecting to {host} for {after_s} s")]
    Held { host: String, after_s: u64 },
    #[error("no connection to {host}")]
    Refused {
        host: Box<RemoteHost>,
        why: Refusal,
        /// What `ssh` said.
        said: Vec<String>,
    },
    #[error("no agent runs on {host}")]
    NoAgent { host: Box<RemoteHost>, socket_exists: bool },
    #[error("this user may not talk to the agent on {host}")]
    Denied { host: Box<RemoteHost> },
    #[error("the agent on {host} does not answer")]
    Silent { host: Box<RemoteHost>, cause: String },
    #[error("the agent on {host} is of another version")]
    Version { host: Box<RemoteHost>, cause: String },
}

impl RemoteError {
    /// Whether trying again may help without anybody doing something.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { why, .. } => why.may_pass(),
            // An agent that restarts is away for a moment.
            Self::NoAgent { .. } | Self::Silent { .. } | Self::Held { .. } => true,
            Self::NoSsh { .. }
            | Self::Folder { .. }
            | Self::File { .. }
            | Self::Denied { .. }
            | Self::Version { .. } => false,
        }
    }
}
