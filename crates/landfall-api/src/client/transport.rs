//! HTTP/1.1 over a unix socket: connect, send, collect. Bounded in time and size.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::TransportError;
use crate::BODY_MAX_BYTES;

/// Time to connect; a listener that accepts nothing for so long does not run.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A socket that is asked.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    socket: PathBuf,
}

/// What is sent: a whole body, or a build's context as it comes.
pub(super) enum Payload {
    Whole(Full<Bytes>),
    Context(ContextReceiver),
}

impl Payload {
    pub(super) fn empty() -> Self {
        Self::Whole(Full::default())
    }

    pub(super) fn json<T: Serialize>(value: &T) -> Result<Self, TransportError> {
        let json = serde_json::to_vec(value);
        let json = json.map_err(|error| TransportError::Unsendable(error.to_string()))?;
        Ok(Self::Whole(Full::new(json.into())))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Context(context) => {
                context.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Context(_) => hyper::body::SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Context(_) => false,
        }
    }
}

/// Where a build's context is written, chunk by chunk; dropping it ends the body. An `Err` breaks
/// the connection, so that half a context is never built.
pub type ContextSender = mpsc::Sender<io::Result<Bytes>>;

/// The other end, handed to [`crate::AgentClient::build`].
#[derive(Debug)]
pub struct ContextReceiver(mpsc::Receiver<io::Result<Bytes>>);

impl ContextReceiver {
    /// The next chunk, for who builds without an agent.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.0.recv().await
    }
}

/// A bounded channel for a build's context; `blocking_send` serves a thread that packs.
pub fn context_channel() -> (ContextSender, ContextReceiver) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, ContextReceiver(receiver))
}

impl Transport {
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    async fn connect(&self) -> Result<UnixStream, TransportError> {
        let socket = || self.socket.clone();
        match tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(&self.socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(source)) => Err(match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    TransportError::NotRunning { socket: socket() }
                }
                io::ErrorKind::PermissionDenied => TransportError::Denied { socket: socket() },
                _ => TransportError::Connect { socket: socket(), source },
            }),
            Err(_) => Err(TransportError::NotRunning { socket: socket() }),
        }
    }

    /// Sends one request and waits for the head of its answer; `None` waits without end.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        header: Option<(&str, &[u8])>,
        payload: Payload,
        timeout: Option<Duration>,
    ) -> Result<Response<Incoming>, TransportError> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "landfall");
        if matches!(payload, Payload::Whole(_)) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(payload);
        let request = request.map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let stream = self.connect().await?;
        let exchange = async {
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
            // Ends with the connection: when the answer is read or dropped.
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(|error| broken(&error))
        };
        match timeout {
            None => exchange.await,
            Some(timeout) => match tokio::time::timeout(timeout, exchange).await {
                Ok(answer) => answer,
                Err(_) => Err(TransportError::Timeout { after_ms: millis(timeout) }),
            },
        }
    }
}

/// Reads a whole answer, up to [`BODY_MAX_BYTES`].
pub(super) async fn collect(body: Incoming, timeout: Duration) -> Result<Bytes, TransportError> {
    let whole = Limited::new(body, BODY_MAX_BYTES).collect();
    match tokio::time::timeout(timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) => Err(TransportError::Broken(error.to_string())),
        Err(_) => Err(TransportError::Timeout { after_ms: millis(timeout) }),
    }
}

pub(super) fn broken(error: &hyper::Error) -> TransportError {
    use std::error::Error as _;
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    TransportError::Broken(format!("{error}{cause}"))
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
