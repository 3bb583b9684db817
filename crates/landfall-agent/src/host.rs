//! The host as `/proc` shows it: routes, and who listens. Read-only; the root can be another folder
//! in tests.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use landfall_core::spec::Protocol;

use crate::ground::{DiskSpace, HostView};

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

    fn disk_space(&self, path: &Path) -> Option<DiskSpace> {
        let seen = rustix::fs::statvfs(path).ok()?;
        Some(DiskSpace {
            free_bytes: seen.f_bavail.saturating_mul(seen.f_frsize),
            total_bytes: seen.f_blocks.saturating_mul(seen.f_frsize),
            inodes_free: seen.f_favail,
            inodes: seen.f_files,
        })
    }

    fn who_listens(&self, address: SocketAddr, protocol: Protocol) -> Option<String> {
        let transport = match protocol {
            Protocol::Tcp => Transport::Tcp,
            Protocol::Udp => Transport::Udp,
        };
        Self::who_listens(self, address, transport).map(|listener| listener.to_string())
    }
}
