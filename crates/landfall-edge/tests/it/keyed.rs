//! Requests with an `Idempotency-Key`: what may be sent twice, and what never is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::backend::{Backend, Body, full};
use crate::client::{Answer, Client};
use crate::support::{Edge, within};

/// What the edge keeps for a second try at most.
const KEPT_MAX: usize = 64 * 1024;

/// Reads some of each request and closes without an answer.
struct Dying {
    address: SocketAddr,
    met: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Dying {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, met) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&met);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 512]).await;
                count.fetch_add(1, SeqCst);
            }
        });
        Self { address, met, task }
    }
}

impl Drop for Dying {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn keyed(method: Method, body: Body) -> Request<Body> {
    let request = Request::builder().method(method).uri("/echo");
    request.header("Idempotency-Key", "\"8e03978e\"").body(body).unwrap()
}

async fn ask(edge: &Edge, request: Request<Body>) -> Answer {
    within(async { Client::connect(edge.listen).await?.send(request).await }).await.unwrap()
}

/// Sends until the dying endpoint has met one more.
async fn until_met(edge: &Edge, dying: &Dying, request: impl Fn() -> Request<Body>) -> Answer {
    let before = dying.met.load(SeqCst);
    loop {
        let answer = ask(edge, request()).await;
        if dying.met.load(SeqCst) > before {
            return answer;
        }
        assert_eq!(answer.status, StatusCode::OK);
    }
}

/// One endpoint dies at each request, the other answers.
async fn one_of_two_dies() -> (Edge, Dying, Backend) {
    let (edge, dying, backend) =
        (Edge::start().await, Dying::start().await, Backend::start("lives").await);
    edge.serve(1, &[("/", &[dying.address, backend.address])]).await;
    (edge, dying, backend)
}

#[tokio::test]
async fn under_a_replica_that_dies_a_write_with_a_key_is_asked_again_with_its_whole_body() {
    let (edge, dying, _backend) = one_of_two_dies().await;
    for body in ["x".repeat(KEPT_MAX), "order 1".to_owned()] {
        let answer = until_met(&edge, &dying, || keyed(Method::POST, full(body.clone()))).await;
        assert_eq!((answer.status, answer.body == body), (StatusCode::OK, true));
    }
    let answer = until_met(&edge, &dying, || keyed(Method::DELETE, full(""))).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn without_a_key_or_with_a_body_that_is_not_kept_it_is_sent_once() {
    let (edge, dying, _backend) = one_of_two_dies().await;
    let plain = || Request::post("/echo").body(full("order 1")).unwrap();
    let large = || keyed(Method::POST, full("x".repeat(KEPT_MAX + 1)));
    let chunked = || {
        let frame = Ok(Frame::data(Bytes::from_static(b"order 1")));
        keyed(Method::POST, StreamBody::new(stream::iter([frame])).boxed_unsync())
    };
    for request in [&plain as &dyn Fn() -> Request<Body>, &large, &chunked] {
        let answer = until_met(&edge, &dying, request).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert_eq!(answer.reason(), Some("upstream-failed"));
    }
}

#[tokio::test]
async fn a_write_that_kills_its_replica_is_not_sent_for_ever() {
    // Not even where nobody waits for an endpoint: it has not refused.
    let edge = Edge::start_with(|config| config.limits.hold = Duration::ZERO).await;
    let dying = Dying::start().await;
    edge.serve(1, &[("/", &[dying.address])]).await;
    let answer = ask(&edge, keyed(Method::POST, full("poison"))).await;
    assert_eq!(answer.reason(), Some("upstream-failed"));
    assert_eq!(dying.met.load(SeqCst), 3);
}

#[tokio::test]
async fn a_client_with_a_key_that_never_ends_its_body_or_goes_away_reaches_nobody() {
    let edge = Edge::start_with(|config| config.limits.answer = Duration::from_millis(100)).await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let head =
        "POST /echo HTTP/1.1\r\nhost: a\r\nidempotency-key: 1\r\ncontent-length: 10\r\n\r\nabc";
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    // An answer or none: the request is not whole.
    let _ = within(stream.read_to_string(&mut answer)).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    assert_eq!(backend.levers.requests.load(SeqCst), 0);
}
