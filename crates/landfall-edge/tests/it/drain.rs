//! Counts in flight, retirement, the end of the grace period, and shutdown.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use http::StatusCode;
use landfall_core::control::{CloseRequest, TargetStatus};
use landfall_core::id::RolloutNumber;
use landfall_core::route::RouteTable;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::backend::Backend;
use crate::client::{Client, fetch, get, read};
use crate::support::{Edge, until, within};

#[tokio::test]
async fn a_retired_target_is_listed_until_its_last_request_has_ended() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    let mut streaming = Client::connect(edge.listen).await.unwrap();
    let body = streaming.open(get("/stream?50")).await.unwrap();
    until(async || edge.in_flight(1).await == Some(2)).await;

    edge.serve(2, &[("/", &[new.address])]).await;
    assert_eq!(fetch(edge.listen, "/").await.body, "new");
    let retired: Vec<TargetStatus> =
        edge.targets().await.into_iter().filter(|target| target.retired).collect();
    assert_eq!(retired.len(), 1);
    assert_eq!((retired[0].in_flight, retired[0].endpoint), (2, old.address));

    assert!(within(read(body)).await.unwrap().body.ends_with("piece 49\n"));
    until(async || edge.in_flight(1).await == Some(1)).await;
    old.levers.go.notify_one();
    assert_eq!(within(waiting).await.unwrap().unwrap().body, "old");
    edge.drained(1).await;
    assert_eq!(edge.in_flight(2).await, Some(0));
}

#[tokio::test]
async fn a_target_of_the_same_rollout_keeps_its_pool_and_its_count() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    client.get("/").await.unwrap();
    let mut other = Client::connect(edge.listen).await.unwrap();
    let waiting = tokio::spawn(async move { other.get("/wait").await });
    until(async || edge.in_flight(1).await == Some(1)).await;
    // The same endpoint on one more path.
    edge.serve(1, &[("/", &[backend.address]), ("/x", &[backend.address])]).await;
    assert_eq!(edge.targets().await.len(), 1);
    assert_eq!(edge.in_flight(1).await, Some(1));
    backend.levers.go.notify_one();
    within(waiting).await.unwrap().unwrap();
    for _ in 0..5 {
        client.get("/x").await.unwrap();
    }
    assert!(backend.levers.connections.load(SeqCst) <= 2);
}

#[tokio::test]
async fn an_endpoint_that_comes_back_while_it_drains_is_revived() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    until(async || edge.in_flight(1).await == Some(1)).await;
    edge.serve(1, &[("/", &[new.address])]).await;
    edge.serve(1, &[("/", &[old.address])]).await;
    let targets = edge.targets().await;
    assert_eq!(targets.len(), 1);
    assert_eq!((targets[0].in_flight, targets[0].retired), (1, false));
    assert_eq!(fetch(edge.listen, "/").await.body, "old");
    old.levers.go.notify_one();
    within(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn at_the_end_of_its_grace_a_rollout_is_closed() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    let mut streaming = Client::connect(edge.listen).await.unwrap();
    let body = streaming.open(get("/stream?100000")).await.unwrap();
    // This one's client reads nothing, so its answer stands still with buffers full.
    let mut lazy = TcpStream::connect(edge.listen).await.unwrap();
    let large = "GET /stream?100000 HTTP/1.1\r\nhost: a\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut lazy, large.as_bytes()).await.unwrap();
    until(async || edge.in_flight(1).await == Some(3)).await;
    edge.serve(2, &[("/", &[new.address])]).await;

    let close =
        |rollout| CloseRequest { app: "shop".parse().unwrap(), rollout: RolloutNumber(rollout) };
    edge.post::<Value>("/v1/close", &close(2)).await;
    assert_eq!(edge.in_flight(1).await, Some(3), "what serves is not closed");
    assert_eq!(edge.in_flight(2).await, Some(0));
    edge.post::<Value>("/v1/close", &close(1)).await;
    assert_eq!(edge.in_flight(1).await, None);

    let answer = within(waiting).await.unwrap().unwrap();
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.reason(), Some("upstream-closed"));
    assert!(within(read(body)).await.is_err(), "a cut body is no whole body");
    until(async || old.levers.abandoned.load(SeqCst) == 1).await;
    assert_eq!(fetch(edge.listen, "/").await.body, "new");
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish_and_ends_their_connections() {
    let mut edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let listen = edge.listen;
    let mut idle = Client::connect(listen).await.unwrap();
    idle.get("/").await.unwrap();
    let mut client = Client::connect(listen).await.unwrap();
    let waiting = tokio::spawn(async move {
        let answer = client.get("/wait").await.unwrap();
        (answer, client.is_open().await)
    });
    until(async || edge.in_flight(1).await == Some(1)).await;
    edge.begin_stop();
    until(async || TcpStream::connect(listen).await.is_err()).await;
    until(async || !idle.is_open().await).await;
    backend.levers.go.notify_one();
    let (answer, open) = within(waiting).await.unwrap();
    assert_eq!(answer.body, "site");
    assert_eq!(answer.headers["connection"], "close");
    assert!(!open);
    let dir = edge.stop().await;
    assert!(!dir.path().join("control.sock").exists());
}

#[tokio::test]
async fn a_shutdown_has_a_bound() {
    let mut edge =
        Edge::start_with(|config| config.limits.shutdown = Duration::from_millis(100)).await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    until(async || edge.in_flight(1).await == Some(1)).await;
    edge.begin_stop();
    assert!(within(waiting).await.unwrap().is_err());
    edge.stop().await;
}

#[tokio::test]
async fn an_app_that_is_taken_away_leaves_the_others() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let table: RouteTable = edge.ask("/v1/table").await;
    edge.put(&table.with_app(&"shop".parse().unwrap(), None)).await.unwrap();
    assert!(edge.targets().await.is_empty());
    until(async || TcpStream::connect(edge.listen).await.is_err()).await;
}
