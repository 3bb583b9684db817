//! The host as `/proc` shows it: routes, and who listens. Read-only; the root can be another folder
//! in tests.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::Ipv4Net;
use landfall_core::spec::Protocol;

use crate::ground::HostView;

mod listeners;
mod routes;

use listeners::Transport;

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

impl HostView for Host {
    fn routed_subnets(&self) -> io::Result<Vec<Ipv4Net>> {
        Self::routed_subnets(self)
    }

    fn who_listens(&self, address: SocketAddr, protocol: Protocol) -> Option<String> {
        let transport = match protocol {
            Protocol::Tcp => Transport::Tcp,
            Protocol::Udp => Transport::Udp,
        };
        Self::who_listens(self, address, transport).map(|listener| listener.to_string())
    }
}
