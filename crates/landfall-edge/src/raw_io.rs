//! Sending without the C library: its wrapper makes every call a point of cancellation, which costs
//! a few percent of what a short answer costs, and nobody here cancels threads.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// As `AsyncWrite::poll_write`.
pub(crate) fn poll_send(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        let sent = stream.try_io(Interest::WRITABLE, || {
            send(stream, bytes, SendFlags::NOSIGNAL).map_err(io::Error::from)
        });
        match sent {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            sent => return Poll::Ready(sent),
        }
    }
}
