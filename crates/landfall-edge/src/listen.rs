//! Listening sockets.
//!
//! Linux refuses to listen on `0.0.0.0:80` beside `127.0.0.1:80`, even within one process. A table
//! may well replace the one by the other, and the new listener must stand before the old one goes.
//! So where a new address overlaps one of ours, both sockets share the port for the moment of the
//! binding; afterwards no stranger can join them.
//!
//! A keeper may hold a listener too, so closing ours does not end it: what a table does not name any
//! more is ended for all holders.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

const BACKLOG: i32 = 4096;
const KEEPALIVE: Duration = Duration::from_mins(1);

/// A socket bound to `address`, not listening yet. `ours` are the edge's open listeners.
fn bind<'a>(
    address: SocketAddr,
    ours: impl Iterator<Item = (SocketAddr, &'a TcpListener)>,
) -> io::Result<(Socket, Sharing<'a>)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    for_accepted(&SockRef::from(&socket))?;
    let sharing = Sharing(
        ours.filter(|(other, _)| overlaps(address, *other)).map(|(_, socket)| socket).collect(),
    );
    if !sharing.0.is_empty() {
        socket.set_reuse_port(true)?;
        for ours in &sharing.0 {
            SockRef::from(*ours).set_reuse_port(true)?;
        }
    }
    socket.bind(&address.into())?;
    Ok((socket, sharing))
}

/// What accepted sockets inherit.
fn for_accepted(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
}

/// Makes a listener of a socket that was kept from an earlier life. Needs a runtime.
pub(crate) fn adopt(kept: std::net::TcpListener) -> io::Result<TcpListener> {
    let socket = SockRef::from(&kept);
    if !socket.is_listener()? {
        return Err(io::Error::other("it does not listen any more"));
    }
    for_accepted(&socket)?;
    // An edge that was killed while it bound a wider address may have left this.
    socket.set_reuse_port(false)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(kept)
}

/// Ends the listening for everybody who holds the socket: those who connect are refused at once, and
/// its address can be bound again.
pub(crate) fn end(listener: &TcpListener) {
    // Fails when it has ended already.
    let _ = SockRef::from(listener).shutdown(Shutdown::Both);
}

/// Opens a listener. Needs a runtime.
pub(crate) fn open<'a>(
    address: SocketAddr,
    ours: impl Iterator<Item = (SocketAddr, &'a TcpListener)>,
) -> io::Result<TcpListener> {
    let (socket, sharing) = bind(address, ours)?;
    socket.listen(BACKLOG)?;
    drop(sharing);
    socket.set_reuse_port(false)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Says whether a listener could be opened. Never listens, so no client is let down.
pub(crate) fn check<'a>(
    address: SocketAddr,
    ours: impl Iterator<Item = (SocketAddr, &'a TcpListener)>,
) -> io::Result<()> {
    bind(address, ours).map(drop)
}

/// Listeners of ours that let another socket on their port until this is dropped.
struct Sharing<'a>(Vec<&'a TcpListener>);

impl Drop for Sharing<'_> {
    fn drop(&mut self) {
        for ours in &self.0 {
            // Fails only for a descriptor that is no socket.
            let _ = SockRef::from(*ours).set_reuse_port(false);
        }
    }
}

fn overlaps(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip().is_unspecified() || other.ip().is_unspecified())
}
