//! The connection of two edges: JSON with its length before it, and descriptors.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};

use landfall_core::control::CONTROL_BODY_MAX_BYTES;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;

/// Descriptors in one message; Linux allows 253.
const FDS_AT_ONCE: usize = 128;

#[derive(Debug)]
pub(crate) struct Line(UnixStream);

impl Line {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self(stream)
    }

    pub(super) async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let body = serde_json::to_vec(message)?;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.0.write_all(&[&length.to_be_bytes()[..], &body].concat()).await
    }

    pub(super) async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let length = self.0.read_u32().await?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > CONTROL_BODY_MAX_BYTES {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// Sends descriptors, some at a time, each time with one byte.
    pub(super) async fn send_fds(&mut self, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        for some in fds.chunks(FDS_AT_ONCE) {
            let send = || {
                let mut space =
                    [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_AT_ONCE))];
                let mut rights = SendAncillaryBuffer::new(&mut space);
                if !rights.push(SendAncillaryMessage::ScmRights(some)) {
                    return Err(ErrorKind::InvalidInput.into());
                }
                let byte = [IoSlice::new(b"f")];
                Ok(sendmsg(&self.0, &byte, &mut rights, SendFlags::NOSIGNAL)?)
            };
            self.0.async_io(Interest::WRITABLE, send).await?;
        }
        Ok(())
    }

    /// As many descriptors as were announced.
    pub(super) async fn receive_fds(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        let mut fds = Vec::new();
        while fds.len() < count {
            let receive = || {
                let mut space =
                    [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_AT_ONCE))];
                let mut rights = RecvAncillaryBuffer::new(&mut space);
                let mut byte = [0];
                let mut into = [IoSliceMut::new(&mut byte)];
                recvmsg(&self.0, &mut into, &mut rights, RecvFlags::CMSG_CLOEXEC)?;
                let mut some = Vec::new();
                for message in rights.drain() {
                    if let RecvAncillaryMessage::ScmRights(fds) = message {
                        some.extend(fds);
                    }
                }
                Ok(some)
            };
            let some = self.0.async_io(Interest::READABLE, receive).await?;
            if some.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            fds.extend(some);
        }
        Ok(fds)
    }

    /// From now on the other cannot say anything; what it has said can still be received.
    pub(super) fn stop_listening(&self) {
        // Fails when the other has gone, who says nothing either.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Read);
    }

    /// Whether the other has gone, by the kernel's own word. For a time in which it says nothing.
    pub(super) fn has_ended(&self) -> bool {
        match SockRef::from(&self.0).peek(&mut [MaybeUninit::uninit()]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}
