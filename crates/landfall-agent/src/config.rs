//! What the agent has to be told. Where the values come from (flags, environment) is not known here.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_deploy::PAUSE_MAX;

/// Settings of one agent.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// The agent's own folder: lock, store, sealed files.
    pub state_dir: PathBuf,
    /// Its API's unix socket.
    pub socket: PathBuf,
    /// Group that may use the socket, beside its owner.
    pub socket_gid: Option<u32>,
    /// The edge's control socket.
    pub edge_socket: PathBuf,
    /// Where subnets of release networks come from.
    pub subnet_pool: Ipv4Net,
    /// The longest pause before a step that failed is tried again.
    pub pause_max: Duration,
}

impl AgentConfig {
    /// Settings with the default subnet pool, the usual pauses and no group.
    pub fn new(
        state_dir: impl Into<PathBuf>,
        socket: impl Into<PathBuf>,
        edge_socket: impl Into<PathBuf>,
    ) -> Self {
        Self {
            state_dir: state_dir.into(),
            socket: socket.into(),
            socket_gid: None,
            edge_socket: edge_socket.into(),
            subnet_pool: landfall_core::subnet::default_pool(),
            pause_max: PAUSE_MAX,
        }
    }
}
