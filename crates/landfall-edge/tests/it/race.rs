//! The keep-alive race: an upstream that closes connections after a short idle time, under clients
//! whose pauses are about that long. Each request on a kept connection may meet its end.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::backend::full;
use crate::client::Client;
use crate::support::{Edge, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_closes_early_costs_no_request() {
    run(Duration::from_millis(25), 100).await;
}

/// At 3 ms a machine with more work than cores may stop the edge between its last look at the
/// connection and the write for as long as the upstream waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a machine with nothing else to do"]
async fn an_upstream_that_closes_after_3_ms_costs_no_request() {
    run(Duration::from_millis(3), 3_000).await;
}

async fn run(idle: Duration, requests: u64) {
    let edge = Edge::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, idle));
        }
    });
    edge.serve(1, &[("/", &[upstream])]).await;
    let mut clients = JoinSet::new();
    let methods = [Method::GET, Method::GET, Method::POST, Method::PUT];
    for (seed, method) in methods.into_iter().enumerate() {
        clients.spawn(ask(edge.listen, method, seed as u64, idle, requests));
    }
    let errors: Vec<String> = clients.join_all().await.into_iter().flatten().collect();
    assert!(errors.is_empty(), "{} errors: {errors:?}", errors.len());
    server.abort();
}

/// Sends requests with pauses around the upstream's patience; says what went wrong.
async fn ask(
    edge: SocketAddr,
    method: Method,
    seed: u64,
    idle: Duration,
    requests: u64,
) -> Vec<String> {
    let mut client = Client::connect(edge).await.unwrap();
    let mut errors = Vec::new();
    for index in 0..requests {
        let body = if method == Method::GET { "" } else { "12345" };
        let request = Request::builder().method(&method).uri("/").body(full(body)).unwrap();
        match client.send(request).await {
            Ok(answer) if answer.body == "ok" => {}
            other => errors.push(format!("{method} {index}: {other:?}")),
        }
        let thousandths = 500 + (index * 7_919 + seed * 104_729) % 1_000;
        tokio::time::sleep(idle * u32::try_from(thousandths).unwrap() / 1_000).await;
    }
    errors
}

/// Answers requests until, after the first, none comes for `idle`.
async fn serve(mut stream: TcpStream, idle: Duration) {
    let mut buffer = Vec::new();
    let mut patience = PATIENCE;
    loop {
        let mut piece = [0; 4096];
        let read = timeout(patience, stream.read(&mut piece)).await;
        let Ok(Ok(count @ 1..)) = read else { return };
        buffer.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&buffer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let wanted = if head.contains("content-length: 5") { 5 } else { 0 };
        if body.len() < wanted {
            continue;
        }
        buffer.clear();
        patience = idle;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
