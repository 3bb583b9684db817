//! Connections: kept ones, new ones, and the cases in which a request is sent twice.
//!
//! A server may close a kept connection at the moment in which we send on it. As every client
//! library does, we then send again on a new connection, but only where it is certain that nothing
//! was sent, or where the request is a bodyless GET and the end came at once. A load may be told to
//! send a GET again wherever its connection ended before an answer came, as browsers do and RFC 9110
//! (9.2.2) allows, and likewise an order, which then carries an idempotency key: once, or as often as the
//! load says. Each such request is counted; anything else is a failure. A body goes out on a kept connection only if that was used within the last
//! second.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::call::Answer;
use super::config::Connection;

/// A body goes out on a connection that was used within this.
const RECENT: Duration = Duration::from_secs(1);
/// Kept connections at most.
const KEPT_MAX: usize = 64;
/// Pieces in which a paced body is sent.
const PIECES: u32 = 10;

type Body = Either<Full<Bytes>, Channel<Bytes>>;
type Sender = SendRequest<Body>;

/// How a request goes out.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) connection: Connection,
    /// How long sending the body takes.
    pub(super) pace: Duration,
    /// Whether a close soon after sending may be put down to a stale connection.
    pub(super) may_be_stale: bool,
    /// How often it may go out again after any close before its answer.
    pub(super) repeats_max: u32,
}

/// The client's connections.
pub(super) struct Client {
    target: SocketAddr,
    stale_within: Duration,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    sender: Sender,
    used: Instant,
}

/// Why there is no answer.
enum Fault {
    /// Nothing was sent: the connection was closed before.
    Unsent,
    /// It ended before the first byte of an answer.
    NoAnswer(String),
    /// Anything later.
    Broken(String),
}

impl Client {
    pub(super) fn new(target: SocketAddr, stale_within: Duration) -> Self {
        Self { target, stale_within, kept: Mutex::new(Vec::new()) }
    }

    /// Sends and reads the answer to its end. Tells whether the request was sent again.
    pub(super) async fn send(
        &self,
        request: &Request<Bytes>,
        manner: Manner,
    ) -> (Result<Answer, String>, bool) {
        let kept = match manner.connection {
            Connection::KeepAlive => self.take_kept(!request.body().is_empty()),
            Connection::Fresh => None,
        };
        let Some(sender) = kept else { return self.send_again(request, manner, 0).await };
        let began = Instant::now();
        let fault = match self.exchange(sender, request, manner).await {
            Ok(answer) => return (Ok(answer), false),
            Err(fault) => fault,
        };
        let at_once = manner.may_be_stale && began.elapsed() < self.stale_within;
        match fault {
            Fault::Unsent => self.send_again(request, manner, 1).await,
            Fault::NoAnswer(_)
                if at_once && request.body().is_empty() || manner.repeats_max > 0 =>
            {
                self.send_again(request, manner, 1).await
            }
            Fault::NoAnswer(what) | Fault::Broken(what) => {
                (Err(format!("on a kept connection: {what}")), false)
            }
        }
    }

    /// Sends on new connections, when it has been sent again so often already.
    async fn send_again(
        &self,
        request: &Request<Bytes>,
        manner: Manner,
        mut again: u32,
    ) -> (Result<Answer, String>, bool) {
        loop {
            match self.send_on_new(request, manner).await {
                Err(Fault::Unsent | Fault::NoAnswer(_)) if again < manner.repeats_max => again += 1,
                ended => return (ended.map_err(told), again > 0),
            }
        }
    }

    async fn send_on_new(&self, request: &Request<Bytes>, manner: Manner) -> Result<Answer, Fault> {
        let sender = self.connect().await.map_err(Fault::Broken)?;
        self.exchange(sender, request, manner).await
    }

    async fn connect(&self) -> Result<Sender, String> {
        let stream =
            TcpStream::connect(self.target).await.map_err(|error| format!("connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| format!("connect: {error}"))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("handshake: {error}"))?;
        // Its end is told to whoever sends on it.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn exchange(
        &self,
        mut sender: Sender,
        request: &Request<Bytes>,
        manner: Manner,
    ) -> Result<Answer, Fault> {
        let mut outgoing = request.clone().map(|body| outgoing_body(body, manner.pace));
        if manner.connection == Connection::Fresh {
            outgoing.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let response = match sender.try_send_request(outgoing).await {
            Ok(response) => response,
            Err(mut error) => {
                // Given back, it was not sent.
                return Err(match error.take_message() {
                    Some(_) => Fault::Unsent,
                    None => Fault::NoAnswer(chain("no answer", error.error())),
                });
            }
        };
        let answer = read(response).await?;
        if manner.connection == Connection::KeepAlive && sender.ready().await.is_ok() {
            self.keep(sender);
        }
        Ok(answer)
    }

    fn take_kept(&self, for_body: bool) -> Option<Sender> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| !kept.sender.is_closed());
        if for_body {
            // The last is the one used last.
            return kept.pop_if(|last| last.used.elapsed() < RECENT).map(|kept| kept.sender);
        }
        // The one that was idle longest: it is the likeliest to show a fault.
        (!kept.is_empty()).then(|| kept.remove(0).sender)
    }

    fn keep(&self, sender: Sender) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(Kept { sender, used: Instant::now() });
        }
    }
}

/// What was wrong on a new connection.
fn told(fault: Fault) -> String {
    match fault {
        Fault::Unsent => "the new connection was closed before the request".to_owned(),
        Fault::NoAnswer(what) | Fault::Broken(what) => what,
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Fault> {
    let status = response.status();
    let release = response
        .headers()
        .get("x-release")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| Fault::Broken(chain("truncated body", &error)))?;
    Ok(Answer { status, release, body: body.to_bytes() })
}

/// A body at once, or in pieces over the given time.
fn outgoing_body(body: Bytes, pace: Duration) -> Body {
    if body.is_empty() || pace.is_zero() {
        return Either::Left(Full::new(body));
    }
    let (mut sender, channel) = Channel::new(1);
    tokio::spawn(async move {
        let piece = body.len().div_ceil(PIECES as usize);
        for start in (0..body.len()).step_by(piece) {
            let end = (start + piece).min(body.len());
            if sender.send_data(body.slice(start..end)).await.is_err() {
                return; // the connection has ended, which its request tells
            }
            tokio::time::sleep(pace / PIECES).await;
        }
    });
    Either::Right(channel)
}

/// An error with its causes, which say what the outer one hides.
fn chain(what: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
