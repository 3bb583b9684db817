//! Limits: heads, time, and numbers.

use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::backend::Backend;
use crate::client::{Client, fetch, get, raw, read, read_until};
use crate::support::{Edge, until, within};
use crate::tunnel;

const SHORT: Duration = Duration::from_millis(80);
const HEAD: &str = "GET / HTTP/1.1\r\nhost: a\r\n";

async fn edge_with(limit: impl FnOnce(&mut landfall_edge::Limits)) -> (Edge, Backend) {
    let edge = Edge::start_with(|config| limit(&mut config.limits)).await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    (edge, backend)
}

/// Reads until the edge closes; whatever it said.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let (edge, _backend) = edge_with(|limits| limits.head_bytes_max = 10_000).await;
    let large = format!("{HEAD}x: {}\r\n\r\n", "y".repeat(10_000));
    assert!(raw(edge.listen, &large).await.starts_with("HTTP/1.1 431 "));
    let many = "x: y\r\n".repeat(200);
    assert!(raw(edge.listen, &format!("{HEAD}{many}\r\n")).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_head_that_drips_in_is_cut_off_and_so_is_an_idle_client() {
    let (edge, _backend) = edge_with(|limits| limits.head = SHORT).await;
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    let cut_off = async {
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    within(cut_off).await;

    let (edge, _backend) = edge_with(|limits| limits.idle = SHORT).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    client.get("/").await.unwrap();
    until(async || !client.is_open().await).await;
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_a_504() {
    let (edge, backend) = edge_with(|limits| limits.answer = SHORT).await;
    let answer = fetch(edge.listen, "/wait").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.reason(), Some("upstream-timeout"));
    assert_eq!(edge.in_flight(1).await, Some(0));
    drop(backend);
}

#[tokio::test]
async fn a_client_that_never_ends_its_body_is_a_408() {
    let (edge, _backend) = edge_with(|limits| limits.answer = SHORT).await;
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("x-landfall-edge: client-timeout"), "{answer}");
}

#[tokio::test]
async fn a_body_that_moves_may_take_longer_than_any_limit() {
    let (edge, _backend) = edge_with(|limits| {
        limits.answer = SHORT * 6;
        limits.inactivity = SHORT * 6;
    })
    .await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    // 400 pieces at 2 ms take longer than the limit.
    let answer = within(client.get("/stream?400")).await.unwrap();
    assert!(answer.body.ends_with("piece 399\n"));
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    let head =
        "POST /count HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 200\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..200 {
        stream.write_all(b"x").await.unwrap();
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    assert!(rest(&mut stream).await.contains("200 bytes"));
}

#[tokio::test]
async fn bodies_and_tunnels_that_stand_still_are_cut() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let edge = Edge::start_with(|config| {
        config.limits.inactivity = SHORT;
        config.limits.tunnel_inactivity = SHORT;
    })
    .await;
    edge.serve(1, &[("/", &[silent.local_addr().unwrap()])]).await;
    let half = tokio::spawn(async move {
        let (mut stream, _) = silent.accept().await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await.unwrap();
        stream
    });
    let mut client = Client::connect(edge.listen).await.unwrap();
    let response = within(client.open(get("/"))).await.unwrap();
    assert!(within(read(response)).await.is_err());
    drop(half.await.unwrap());

    let backend = Backend::start("site").await;
    edge.serve(2, &[("/", &[backend.address])]).await;
    let mut stream = within(tunnel::open(edge.listen)).await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    until(async || edge.in_flight(2).await == Some(0)).await;
}

#[tokio::test]
async fn more_clients_than_allowed_wait_for_their_turn() {
    let (edge, _backend) = edge_with(|limits| limits.connections_max = 2).await;
    let mut first = Client::connect(edge.listen).await.unwrap();
    let mut second = Client::connect(edge.listen).await.unwrap();
    first.get("/").await.unwrap();
    second.get("/").await.unwrap();
    let listen = edge.listen;
    let mut third = tokio::spawn(async move { fetch(listen, "/").await });
    assert!(tokio::time::timeout(SHORT, &mut third).await.is_err(), "it waits");
    drop(first);
    assert_eq!(within(third).await.unwrap().body, "site");
    second.get("/").await.unwrap();
}
