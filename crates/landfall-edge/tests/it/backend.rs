//! A server of the apps' side, on hyper, with a behaviour for each path. It can be stopped dead.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What tests look at and pull.
#[derive(Debug, Default)]
pub(crate) struct Levers {
    /// Connections accepted.
    pub(crate) connections: AtomicUsize,
    /// Requests that arrived.
    pub(crate) requests: AtomicUsize,
    /// Requests that were given up before they were answered.
    pub(crate) abandoned: AtomicUsize,
    /// Lets one `/wait` go on.
    pub(crate) go: Notify,
}

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) levers: Arc<Levers>,
    task: JoinHandle<()>,
}

impl Backend {
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_at(name, ([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(name: &str, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let levers = Arc::new(Levers::default());
        let task = tokio::spawn(accept(listener, Arc::from(name), Arc::clone(&levers)));
        Self { address, levers, task }
    }

    /// Stops dead: the listener and every connection are gone when this returns.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, name: Arc<str>, levers: Arc<Levers>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        levers.connections.fetch_add(1, SeqCst);
        let (name, levers) = (Arc::clone(&name), Arc::clone(&levers));
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let (name, levers) = (Arc::clone(&name), Arc::clone(&levers));
                async move { Ok::<_, Infallible>(serve(request, name, levers).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Counts a request that is dropped before it is answered.
struct Unanswered<'a>(&'a Levers, bool);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.abandoned.fetch_add(1, SeqCst);
        }
    }
}

async fn serve(request: Request<Incoming>, name: Arc<str>, levers: Arc<Levers>) -> Response<Body> {
    levers.requests.fetch_add(1, SeqCst);
    let mut unanswered = Unanswered(&levers, false);
    let response = answer(request, &name, &levers).await;
    unanswered.1 = true;
    response
}

async fn answer(request: Request<Incoming>, name: &str, levers: &Levers) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    match path.as_str() {
        "/echo" => Response::new(request.into_body().map_err(io::Error::other).boxed_unsync()),
        "/head" => Response::new(full(head(&request))),
        "/count" => count(request).await,
        "/wait" => {
            levers.go.notified().await;
            Response::new(full(name.to_owned()))
        }
        "/pause" => {
            tokio::time::sleep(Duration::from_millis(query.parse().unwrap())).await;
            Response::new(full(name.to_owned()))
        }
        "/stream" => Response::new(stream(query.parse().unwrap())),
        "/trailers" => trailers(),
        "/status" => status(query.parse().unwrap()),
        "/hop" => hop(),
        "/upgrade" => upgrade(request),
        _ => Response::new(full(name.to_owned())),
    }
}

pub(crate) fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

fn head(request: &Request<Incoming>) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    text
}

async fn count(request: Request<Incoming>) -> Response<Body> {
    match request.into_body().collect().await {
        Ok(whole) => {
            let trailers = whole.trailers().map_or(0, HeaderMap::len);
            let bytes = whole.to_bytes().len();
            Response::new(full(format!("{bytes} bytes, {trailers} trailers")))
        }
        Err(_) => status(400),
    }
}

/// `chunks` pieces, each sent for itself.
fn stream(chunks: usize) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for index in 0..chunks {
            let piece = Bytes::from(format!("piece {index}\n"));
            if sender.send(Ok(Frame::data(piece))).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    channel(receiver)
}

pub(crate) fn channel(receiver: mpsc::Receiver<io::Result<Frame<Bytes>>>) -> Body {
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn trailers() -> Response<Body> {
    let mut fields = HeaderMap::new();
    fields.insert("x-sum", HeaderValue::from_static("42"));
    let pieces: Vec<io::Result<Frame<Bytes>>> =
        vec![Ok(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(fields))];
    let mut response =
        Response::new(StreamBody::new(futures_util::stream::iter(pieces)).boxed_unsync());
    response.headers_mut().insert(TRAILER, HeaderValue::from_static("x-sum"));
    response
}

fn status(code: u16) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

fn hop() -> Response<Body> {
    let mut response = status(200);
    for (name, value) in [
        ("connection", "x-private"),
        ("x-private", "1"),
        ("keep-alive", "timeout=5"),
        ("x-landfall-edge", "no-route"),
        ("x-kept", "1"),
    ] {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    response
}

/// Upgrades to a protocol that echoes.
fn upgrade(request: Request<Incoming>) -> Response<Body> {
    if !request.headers().contains_key(UPGRADE) {
        return status(426);
    }
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let mut io = TokioIo::new(upgraded);
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = io.read(&mut buffer).await {
            if io.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    });
    let mut response = status(101);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
    response
}
