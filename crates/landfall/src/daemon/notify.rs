//! What a supervisor is told: systemd's notify protocol, a datagram of `NAME=value` lines to the
//! socket that it names. Without one nothing is said.
//!
//! A process is alive if it answers on its own socket: that is asked before each sign of life, so a
//! supervisor with a watchdog ends a process whose main loop stands still.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";
/// Microseconds after which a process that gave no sign is ended.
const WATCHDOG_VARIABLE: &str = "WATCHDOG_USEC";
/// Pause between two questions to a process that starts.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// A supervisor that reads nothing holds nobody up for longer.
const SEND: Duration = Duration::from_secs(1);
/// Time for its answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Whether a supervisor wants to know.
pub(crate) fn is_supervised() -> bool {
    socket().is_some()
}

/// The supervisor's socket, as it named it.
pub(super) fn socket() -> Option<OsString> {
    std::env::var_os(SOCKET_VARIABLE).filter(|socket| !socket.is_empty())
}

/// Says that this process ends.
pub(crate) fn stopping() {
    tell("STOPPING=1");
}

/// Says that this process serves once it answers on its socket, and gives signs of life from then
/// on. Never resolves.
pub(crate) async fn tend(socket: &Path) -> Infallible {
    if !is_supervised() {
        return std::future::pending().await;
    }
    while !answers(socket).await {
        sleep(ASK_EVERY).await;
    }
    // The process may have taken over from the one that the supervisor started.
    tell(&format!("READY=1\nMAINPID={}", std::process::id()));
    let Some(every) = watchdog() else { return std::future::pending().await };
    loop {
        sleep(every).await;
        if answers(socket).await {
            tell("WATCHDOG=1");
        }
    }
}

/// Whether anything of HTTP comes back: a refusal tells as much as an answer.
async fn answers(socket: &Path) -> bool {
    let asked = timeout(ANSWER, async {
        let mut stream = UnixStream::connect(socket).await?;
        let request = b"GET /alive HTTP/1.1\r\nhost: own\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await?;
        stream.read_u8().await
    });
    asked.await.is_ok_and(|answer| answer.is_ok())
}

/// A third of the time that the supervisor allows.
fn watchdog() -> Option<Duration> {
    let text = std::env::var(WATCHDOG_VARIABLE).ok()?;
    let micros: u64 = text.parse().ok().filter(|micros| *micros > 0)?;
    Some(Duration::from_micros(micros) / 3)
}

fn tell(lines: &str) {
    let Some(socket) = socket() else { return };
    if let Err(error) = send(&socket, lines, &[]) {
        tracing::warn!(%error, "cannot tell the supervisor");
    }
}

/// Sends lines, and descriptors with them.
pub(super) fn send(socket: &OsStr, lines: &str, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
    };
    let datagrams = UnixDatagram::unbound()?;
    datagrams.set_write_timeout(Some(SEND))?;
    datagrams.connect_addr(&address)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !rights.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let text = [IoSlice::new(lines.as_bytes())];
    Ok(sendmsg(&datagrams, &text, &mut rights, SendFlags::NOSIGNAL).map(drop)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_goes_to_a_path_or_to_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("landfall-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let sockets = [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&abstract_name).unwrap(), format!("@{name}").into()),
        ];
        for (socket, told) in sockets {
            send(&told, "READY=1", &[]).unwrap();
            let mut buffer = [0; 64];
            let count = socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..count], b"READY=1");
        }
    }
}
