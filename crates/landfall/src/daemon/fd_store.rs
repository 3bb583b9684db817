//! The supervisor as keeper of the edge's sockets: systemd's file descriptor store.
//!
//! What is sent to the notify socket with `FDSTORE=1` is held by systemd, and passed to the next
//! process of the service as `LISTEN_FDS` says, beginning with descriptor 3. Names hold no colon, so
//! an address has `_` for it.

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_edge::Keeper;
use listenfd::ListenFd;

use super::notify;

/// For which process the descriptors are meant.
const PID_VARIABLE: &str = "LISTEN_PID";
/// As many as `FileDescriptorStoreMax=` of the unit; what is above is not looked at.
const PASSED_MAX: usize = 512;

#[derive(Debug)]
pub(crate) struct FdStore {
    /// Without one nothing can be held, but there may still be sockets that were passed.
    notify_socket: Option<OsString>,
    passed: Mutex<Vec<TcpListener>>,
}

impl FdStore {
    /// Takes what was passed to this process. To be called once, before there are other threads and
    /// before anything else is opened.
    pub(crate) fn from_env() -> Arc<Self> {
        // Variables may be inherited; the number says whom they are for.
        let ours =
            std::env::var(PID_VARIABLE).is_ok_and(|pid| pid == std::process::id().to_string());
        let passed = if ours { passed(&mut ListenFd::from_env()) } else { Vec::new() };
        Arc::new(Self { notify_socket: notify::socket(), passed: Mutex::new(passed) })
    }

    fn tell(&self, what: &str, listen: SocketAddr, fds: &[BorrowedFd<'_>]) {
        let Some(socket) = &self.notify_socket else { return };
        let name = name(listen);
        if let Err(error) = notify::send(socket, &format!("{what}=1\nFDNAME={name}"), fds) {
            tracing::warn!(%listen, %error, what, "cannot tell the supervisor of a socket");
        }
    }
}

impl Keeper for FdStore {
    fn take(&self) -> Vec<TcpListener> {
        std::mem::take(&mut *self.passed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, listen: SocketAddr, socket: BorrowedFd<'_>) {
        self.tell("FDSTORE", listen, &[socket]);
    }

    fn forget(&self, listen: SocketAddr) {
        self.tell("FDSTOREREMOVE", listen, &[]);
    }
}

fn name(listen: impl Display) -> String {
    format!("listen-{listen}").replace(':', "_")
}

/// The TCP sockets among them; sockets of other kinds are closed.
fn passed(fds: &mut ListenFd) -> Vec<TcpListener> {
    let mut sockets = Vec::new();
    for index in 0..fds.len().min(PASSED_MAX) {
        match fds.take_tcp_listener(index) {
            Ok(socket) => sockets.extend(socket),
            Err(_) if is_closed(fds, index) => {}
            Err(error) => tracing::warn!(%error, "was passed something that is no socket"),
        }
    }
    sockets
}

fn is_closed(fds: &mut ListenFd, index: usize) -> bool {
    let taken = |socket: io::Result<bool>| socket.unwrap_or(false);
    taken(fds.take_unix_listener(index).map(|socket| socket.is_some()))
        || taken(fds.take_udp_socket(index).map(|socket| socket.is_some()))
        || taken(fds.take_unix_datagram(index).map(|socket| socket.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_colon_and_differ() {
        let names: Vec<String> = ["127.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::1]:8080"]
            .map(|listen| name(listen.parse::<SocketAddr>().unwrap()))
            .into();
        assert_eq!(
            names,
            ["listen-127.0.0.1_80", "listen-0.0.0.0_80", "listen-[__]_80", "listen-[__1]_8080"]
        );
    }
}
