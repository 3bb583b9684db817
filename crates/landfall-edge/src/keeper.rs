//! Who holds the listening sockets beyond the life of this process.
//!
//! A socket that listens goes on taking connections into the kernel's queue for as long as any
//! process has it open. Held by a supervisor too, it refuses nobody while a killed edge is started
//! again: the next edge finds the same socket with all who wait in it. How it is held, and by whom,
//! the edge does not know.

use std::fmt::Debug;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::BorrowedFd;

/// Holds listening sockets. None of its calls may take long: whoever calls serves requests.
pub trait Keeper: Debug + Send + Sync {
    /// What it held when this process began; a second call gets nothing.
    fn take(&self) -> Vec<TcpListener>;

    /// Holds this socket from now on. One that it holds already is not held twice.
    fn keep(&self, listen: SocketAddr, socket: BorrowedFd<'_>);

    /// Lets go of the socket of an address.
    fn forget(&self, listen: SocketAddr);
}
