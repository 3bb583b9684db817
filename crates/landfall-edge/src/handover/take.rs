//! The successor's side.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::time::timeout;

use super::{Line, Offer, PATH, PROTOCOL, WORD, Word};
use crate::doors::Opened;

/// Time for the offer, which waits for a swap that is under way.
const OFFER: Duration = Duration::from_secs(30);
/// Longest head of the answer to the request.
const HEAD_BYTES_MAX: usize = 4096;
/// Time that the old edge's process has to end when its connection did.
const DEATH: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The old edge, as long as it is not settled who is the edge.
#[derive(Debug)]
pub(crate) struct Old {
    line: Line,
    process: Option<OwnedFd>,
}

/// What it offered.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) generation: u64,
    pub(crate) lock: File,
    pub(crate) control: UnixListener,
    pub(crate) pid_file: Option<File>,
    pub(crate) listeners: Opened,
}

/// Asks the edge at this socket to hand over.
pub(crate) async fn ask(control: &Path) -> Result<(Old, Given), String> {
    let asked = timeout(OFFER, async {
        let mut line = upgrade(control).await?;
        let pid = line.peer().map_err(|error| error.to_string())?;
        // Its death is noticed even if another process got its number.
        let process = pidfd_open(pid, PidfdFlags::empty()).ok();
        let offer: Offer =
            line.receive().await.map_err(|error| format!("it withdrew its offer: {error}"))?;
        let count = 2 + usize::from(offer.pid_file) + offer.listeners.len();
        let fds = line.receive_fds(count).await.map_err(|error| error.to_string())?;
        tracing::info!(
            old = offer.version,
            pid = raw(pid),
            generation = offer.generation,
            "is offered to take over"
        );
        let given = given(offer, fds).map_err(|error| format!("its sockets are unusable: {error}"));
        Ok((Old { line, process }, given?))
    });
    asked.await.unwrap_or_else(|_| Err("it offers nothing in time".to_owned()))
}

fn raw(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

fn given(offer: Offer, fds: Vec<OwnedFd>) -> io::Result<Given> {
    let mut fds = fds.into_iter();
    let mut next = || fds.next().ok_or(io::ErrorKind::UnexpectedEof);
    let lock = File::from(next()?);
    let control = UnixListener::from_std(next()?.into())?;
    let pid_file = if offer.pid_file { Some(File::from(next()?)) } else { None };
    let mut listeners = BTreeMap::new();
    for listen in offer.listeners {
        listeners.insert(listen, TcpListener::from_std(next()?.into())?);
    }
    Ok(Given { generation: offer.generation, lock, control, pid_file, listeners })
}

async fn upgrade(control: &Path) -> Result<Line, String> {
    let failed = |error: io::Error| error.to_string();
    let mut stream = UnixStream::connect(control).await.map_err(failed)?;
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: edge\r\nconnection: upgrade\r\nupgrade: {PROTOCOL}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        head.push(stream.read_u8().await.map_err(failed)?);
    }
    if head.starts_with(b"HTTP/1.1 101 ") {
        return Ok(Line::new(stream));
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.lines().next().unwrap_or_default();
    Err(format!("it does not know {PROTOCOL}: {status}"))
}

impl Old {
    /// Says that this edge could serve, and returns once it is the one that does, with the connection
    /// to the old one. On an error that goes on.
    pub(crate) async fn settle(mut self) -> Result<Line, String> {
        let failed = |error: io::Error| error.to_string();
        self.line.send(&Word::Ready).await.map_err(failed)?;
        match timeout(WORD, self.line.receive()).await {
            Ok(Ok(Word::Yours)) => self.line.send(&Word::Taken).await.map_err(failed)?,
            Ok(Ok(Word::No(why))) => return Err(why),
            Ok(Ok(other @ (Word::Ready | Word::Taken))) => {
                return Err(format!("it said {other:?}"));
            }
            // A living edge says no before it hangs up.
            Ok(Err(error)) if self.process.as_ref().is_some_and(has_ended) => {
                tracing::warn!(%error, "the old edge died while it handed over");
            }
            Ok(Err(error)) => return Err(failed(error)),
            Err(_) => return Err("it does not answer in time".to_owned()),
        }
        Ok(self.line)
    }

    /// Says that it cannot take over.
    pub(crate) async fn decline(mut self, why: &str) {
        // The end of the connection says the same.
        let _ = self.line.send(&Word::No(why.to_owned())).await;
    }
}

/// Whether a process has ended, or does so within a moment. Blocks for that long.
fn has_ended(process: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&DEATH)) == Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_has_ended_counts_as_dead() {
        let own = pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).unwrap();
        assert!(!has_ended(&own));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert!(has_ended(&pidfd));
        child.wait().unwrap();
    }
}
