//! Upgraded connections.

use http::StatusCode;
use landfall_core::control::CloseRequest;
use landfall_core::id::RolloutNumber;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::backend::Backend;
use crate::client::{fetch, read_until};
use crate::support::{Edge, within};

pub(crate) async fn open(edge: std::net::SocketAddr) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(edge).await?;
    let ask = "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(ask.as_bytes()).await?;
    let head = read_until(&mut stream, "\r\n\r\n").await?;
    let switched = head.starts_with("HTTP/1.1 101 ")
        && head.contains("upgrade: echo\r\n")
        && head.contains("connection: upgrade");
    if switched { Ok(stream) } else { Err(std::io::Error::other(head)) }
}

pub(crate) async fn echo(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await?;
    assert_eq!(back, text.as_bytes());
    Ok(())
}

#[tokio::test]
async fn a_tunnel_carries_both_ways_and_counts_until_it_is_closed() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old.address])]).await;
    let mut tunnel = within(open(edge.listen)).await.unwrap();
    within(echo(&mut tunnel, "one")).await.unwrap();
    assert_eq!(edge.in_flight(1).await, Some(1));
    edge.serve(2, &[("/", &[new.address])]).await;
    within(echo(&mut tunnel, &"two".repeat(100_000))).await.unwrap();
    assert_eq!(edge.in_flight(1).await, Some(1));
    drop(tunnel);
    edge.drained(1).await;
}

#[tokio::test]
async fn a_tunnel_ends_when_its_rollout_is_closed() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old.address])]).await;
    let mut tunnel = within(open(edge.listen)).await.unwrap();
    edge.serve(2, &[("/", &[new.address])]).await;
    let close = CloseRequest { app: "shop".parse().unwrap(), rollout: RolloutNumber(1) };
    edge.post::<Value>("/v1/close", &close).await;
    assert_eq!(edge.in_flight(1).await, None);
    let mut rest = Vec::new();
    // An end or a reset: both tell the client.
    let _ = within(tunnel.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_refused_upgrade_is_an_ordinary_answer() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let answer = fetch(edge.listen, "/upgrade").await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::UPGRADE_REQUIRED, None));
    // An upgrade that nobody asked for is none.
    let answer = fetch(edge.listen, "/status?101").await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::BAD_GATEWAY, Some("upstream-failed"))
    );
}
