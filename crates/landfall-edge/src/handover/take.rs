//! The successor's side.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
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
    /// Its death is noticed even if another process got its number.
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
        let offer: Offer =
            line.receive().await.map_err(|error| format!("it withdrew its offer: {error}"))?;
        let of_process = usize::from(offer.process);
        let count = 2 + usize::from(offer.pid_file) + offer.listeners.len() + of_process;
        let fds = line.receive_fds(count).await.map_err(|error| error.to_string())?;
        let (old, generation) = (&offer.version, offer.generation);
        tracing::info!(old, generation, "is offered to take over");
        let given = given(offer, fds).map_err(|error| format!("its sockets are unusable: {error}"));
        let (given, process) = given?;
        Ok((Old { line, process }, given))
    });
    asked.await.unwrap_or_else(|_| Err("it offers nothing in time".to_owned()))
}

/// What these descriptors are, and the old edge's process.
fn given(offer: Offer, fds: Vec<OwnedFd>) -> io::Result<(Given, Option<OwnedFd>)> {
    let mut fds = fds.into_iter();
    let mut next = || fds.next().ok_or(io::ErrorKind::UnexpectedEof);
    let lock = File::from(next()?);
    let control = UnixListener::from_std(next()?.into())?;
    let pid_file = if offer.pid_file { Some(File::from(next()?)) } else { None };
    let mut listeners = BTreeMap::new();
    for listen in offer.listeners {
        listeners.insert(listen, TcpListener::from_std(next()?.into())?);
    }
    let process = if offer.process { Some(next()?) } else { None };
    let generation = offer.generation;
    Ok((Given { generation, lock, control, pid_file, listeners }, process))
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
    use std::os::fd::AsFd as _;
    use std::process::{Child, Command};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    /// An edge that offers, hears that the successor is ready, and hangs up. Its process is this one.
    async fn hangs_up(control: UnixListener, process: &Child) {
        let (mut stream, _) = control.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
        let mut line = Line::new(stream);
        let offer = Offer {
            version: "1".to_owned(),
            generation: 7,
            pid_file: false,
            listeners: Vec::new(),
            process: true,
        };
        line.send(&offer).await.unwrap();
        let lock = tempfile::tempfile().unwrap();
        let process = pidfd_open(Pid::from_child(process), PidfdFlags::empty()).unwrap();
        line.send_fds(&[lock.as_fd(), control.as_fd(), process.as_fd()]).await.unwrap();
        assert_eq!(line.receive::<Word>().await.unwrap(), Word::Ready);
    }

    /// What comes of taking over from it.
    async fn take_over_from(process: &Child) -> Result<Line, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let control = UnixListener::bind(&path).unwrap();
        let taken = async {
            let (old, given) = ask(&path).await.unwrap();
            assert_eq!(given.generation, 7);
            old.settle().await
        };
        let ((), taken) = tokio::join!(hangs_up(control, process), taken);
        taken
    }

    #[tokio::test]
    async fn an_edge_that_dies_before_its_last_word_is_succeeded_a_living_one_is_not() {
        let mut process = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(take_over_from(&process).await.is_err(), "it lives, and may serve");
        process.kill().unwrap();
        assert!(take_over_from(&process).await.is_ok(), "nobody else will serve");
        process.wait().unwrap();
    }
}
