//! One edge after another: nothing is refused, nothing is cut, one writer, and the old one goes on
//! when the new one fails.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use http::{Method, StatusCode};
use landfall_core::control::{CloseRequest, EdgeStatus, Refused, RefusedKind};
use landfall_core::id::RolloutNumber;
use landfall_core::route::RouteTable;
use landfall_edge::{EdgeConfig, EdgeError, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::backend::Backend;
use crate::client::{Client, call_unix, fetch, get, read, read_until};
use crate::support::{Edge, free_address, part, route, until, within};

#[tokio::test]
async fn the_successor_serves_and_the_old_edge_finishes_what_it_has() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let listen = edge.listen;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut idle = Client::connect(listen).await.unwrap();
    idle.get("/").await.unwrap();
    let mut client = Client::connect(listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    let mut streaming = Client::connect(listen).await.unwrap();
    let body = streaming.open(get("/stream?60")).await.unwrap();
    until(async || edge.in_flight(1).await == Some(2)).await;

    let (edge, old) = edge.succeed(|_| {}).await;
    assert_eq!(fetch(listen, "/").await.body, "site");
    let status: EdgeStatus = edge.ask("/v1/status").await;
    assert_eq!((status.generation, status.requests), (1, 1), "the new one answers calls");
    assert_eq!(status.listeners, [listen]);
    // A connection that was idle serves one more request, then its client comes to the new edge.
    let answer = idle.get("/").await.unwrap();
    assert_eq!(
        (answer.body.as_str(), &answer.headers["connection"]),
        ("site", &"close".parse().unwrap())
    );
    assert!(!idle.is_open().await);
    assert!(within(read(body)).await.unwrap().body.ends_with("piece 59\n"));
    assert!(!old.is_over());
    backend.levers.go.notify_one();
    assert_eq!(within(waiting).await.unwrap().unwrap().body, "site");
    drop(streaming);
    old.ended().await;

    edge.serve(2, &[("/", &[backend.address])]).await;
    let dir = edge.stop().await;
    assert!(!dir.path().join("control.sock").exists());
    let edge = Edge::start_in(dir, |_| {}).await.unwrap();
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await.generation, 2);
}

#[tokio::test]
async fn a_release_is_drained_only_when_both_edges_are_done_with_it() {
    let edge = Edge::start().await;
    let (old_app, new_app) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old_app.address])]).await;
    let listen = edge.listen;
    let mut kept = Client::connect(listen).await.unwrap();
    kept.get("/").await.unwrap();
    let mut client = Client::connect(listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    until(async || edge.in_flight(1).await == Some(1)).await;

    // Twice, so that what the first one has is asked for through the second.
    let (edge, first) = edge.succeed(|_| {}).await;
    assert_eq!(edge.in_flight(1).await, Some(1));
    let (edge, second) = edge.succeed(|_| {}).await;
    edge.serve(2, &[("/", &[new_app.address])]).await;
    assert_eq!(edge.in_flight(1).await, Some(1), "in flight at the first edge");
    assert_eq!(kept.get("/").await.unwrap().body, "new", "the first edge knows the new table");
    old_app.levers.go.notify_one();
    assert_eq!(within(waiting).await.unwrap().unwrap().body, "old");
    edge.drained(1).await;
    first.ended().await;
    second.ended().await;
}

#[tokio::test]
async fn what_a_rollout_closes_is_closed_at_the_old_edge_too() {
    let edge = Edge::start().await;
    let (old_app, new_app) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old_app.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let waiting = tokio::spawn(async move { client.get("/wait").await });
    until(async || edge.in_flight(1).await == Some(1)).await;
    let (edge, old) = edge.succeed(|_| {}).await;
    edge.serve(2, &[("/", &[new_app.address])]).await;
    let close = CloseRequest { app: "shop".parse().unwrap(), rollout: RolloutNumber(1) };
    edge.post::<Value>("/v1/close", &close).await;
    assert_eq!(edge.in_flight(1).await, None);
    let answer = within(waiting).await.unwrap().unwrap();
    assert_eq!(answer.reason(), Some("upstream-closed"));
    old.ended().await;
}

#[tokio::test]
async fn a_tunnel_outlives_its_edge_s_office_up_to_the_bound() {
    let edge = Edge::start_with(|config| {
        config.limits.handed_over = Duration::from_millis(300);
        config.limits.shutdown = Duration::from_millis(50);
    })
    .await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut tunnel = TcpStream::connect(edge.listen).await.unwrap();
    let ask = "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    tunnel.write_all(ask.as_bytes()).await.unwrap();
    let head = read_until(&mut tunnel, "\r\n\r\n").await.unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let (_edge, old) = edge.succeed(|_| {}).await;
    tunnel.write_all(b"still here\n").await.unwrap();
    assert_eq!(read_until(&mut tunnel, "\n").await.unwrap(), "still here\n");
    assert!(!old.is_over());
    assert_eq!(within(tunnel.read(&mut [0; 8])).await.unwrap(), 0, "the bound is over");
    old.ended().await;
}

#[tokio::test]
async fn an_old_edge_that_is_asked_to_end_hurries() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut idle = Client::connect(edge.listen).await.unwrap();
    idle.get("/").await.unwrap();
    let (edge, mut old) = edge.succeed(|_| {}).await;
    old.hurry();
    old.ended().await;
    until(async || !idle.is_open().await).await;
    assert_eq!(fetch(edge.listen, "/").await.body, "site");
}

#[tokio::test]
async fn a_successor_that_stops_lets_the_one_before_it_end() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut idle = Client::connect(edge.listen).await.unwrap();
    idle.get("/").await.unwrap();
    let (edge, old) = edge.succeed(|_| {}).await;
    edge.stop().await;
    old.ended().await;
    until(async || !idle.is_open().await).await;
}

/// Asks to take over as a successor does, and gets the descriptors' first bytes at most.
async fn half_a_successor(edge: &Edge) -> UnixStream {
    let mut stream = UnixStream::connect(edge.control()).await.unwrap();
    let ask = "POST /v1/hand-over HTTP/1.1\r\nhost: edge\r\nconnection: upgrade\r\n\
               upgrade: landfall-hand-over/1\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream
}

async fn say(stream: &mut UnixStream, word: &str) {
    stream.write_u32(u32::try_from(word.len()).unwrap()).await.unwrap();
    stream.write_all(word.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_successor_that_dies_at_any_word_changes_nothing() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let words: [&[&str]; 4] =
        [&[], &[r#"{"no":"a disk is missing"}"#], &[r#""ready""#], &[r#""ready""#, r#""ready""#]];
    for (rollout, words) in (2..).zip(words) {
        let mut dies = half_a_successor(&edge).await;
        for word in words {
            say(&mut dies, word).await;
        }
        // A swap that comes meanwhile waits, and is done by the edge that is left.
        let to = [backend.address];
        let routes: [(&str, &[_]); 1] = [("/", &to)];
        tokio::join!(edge.serve(rollout, &routes), async { drop(dies) });
        assert_eq!(edge.ask::<RouteTable>("/v1/table").await.generation, u64::from(rollout));
        assert_eq!(fetch(edge.listen, "/").await.body, "site");
    }
    let (edge, old) = edge.succeed(|_| {}).await;
    old.ended().await;
    assert_eq!(fetch(edge.listen, "/").await.body, "site");
}

#[tokio::test]
async fn swaps_that_come_during_a_hand_over_are_done_once_and_none_is_lost() {
    let mut edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let control = edge.control().clone();
    let listen = edge.listen;
    let to = backend.address;
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    // As the agent does it: whatever is in doubt is looked at, and asked again.
    let writer = tokio::spawn(async move {
        let app = "shop".parse().unwrap();
        let (mut rollout, mut asked_again) = (1_u32, 0);
        while stopped.try_recv().is_err() {
            let (status, body) = call_unix(&control, Method::GET, "/v1/table", Vec::new()).await;
            if status != StatusCode::OK {
                asked_again += 1;
                continue;
            }
            let table: RouteTable = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                table.apps[&app].rollout,
                RolloutNumber(rollout),
                "nothing acknowledged is lost"
            );
            let routes = vec![route(listen, None, "/", &[to])];
            let next = table.with_app(&app, Some(part(rollout + 1, routes)));
            let body = serde_json::to_vec(&next).unwrap();
            let (status, body) = call_unix(&control, Method::PUT, "/v1/table", body).await;
            if status == StatusCode::OK {
                rollout += 1;
            } else {
                let refused: Refused = serde_json::from_slice(&body).unwrap();
                assert_eq!(refused.kind, RefusedKind::Storage, "{}", refused.message);
                asked_again += 1;
            }
        }
        (rollout, asked_again)
    });
    for _ in 0..15 {
        let (next, old) = edge.succeed(|_| {}).await;
        old.ended().await;
        edge = next;
    }
    stop.send(()).unwrap();
    let (rollout, _) = within(writer).await.unwrap();
    let table: RouteTable = edge.ask("/v1/table").await;
    assert_eq!(table.generation, u64::from(rollout));
    let edge = Edge::start_in(edge.stop().await, |_| {}).await.unwrap();
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, table);
}

#[tokio::test]
async fn clients_that_come_during_hand_overs_are_all_answered() {
    let mut edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let listen = edge.listen;
    let clients: Vec<_> = (0..4)
        .map(|index| {
            let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
            let client = tokio::spawn(async move {
                let mut count = 0;
                let mut client = Client::connect(listen).await.unwrap();
                while stopped.try_recv().is_err() {
                    // Half of them keep their connection for as long as the edge does.
                    if index % 2 == 0 || !client.is_open().await {
                        client = Client::connect(listen).await.expect("nothing is refused");
                    }
                    let answer = client.get("/").await.expect("nothing is reset");
                    assert_eq!(answer.body, "site");
                    count += 1;
                }
                count
            });
            (stop, client)
        })
        .collect();
    for _ in 0..20 {
        let before = backend.levers.requests.load(SeqCst);
        let (next, _old) = edge.succeed(|_| {}).await;
        edge = next;
        until(async || backend.levers.requests.load(SeqCst) > before + 20).await;
    }
    for (stop, client) in clients {
        stop.send(()).unwrap();
        assert!(within(client).await.unwrap() > 50);
    }
}

#[tokio::test]
async fn many_listeners_are_handed_over_in_several_messages() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let listeners: Vec<_> = (0..150).map(|_| free_address()).collect();
    let routes = listeners.iter().map(|at| route(*at, None, "/", &[backend.address])).collect();
    let table = RouteTable::default().with_app(&"shop".parse().unwrap(), Some(part(1, routes)));
    edge.put(&table).await.unwrap();
    let (edge, old) = edge.succeed(|_| {}).await;
    old.ended().await;
    assert_eq!(edge.ask::<EdgeStatus>("/v1/status").await.listeners.len(), 150);
    for listen in [listeners[0], listeners[149]] {
        assert_eq!(fetch(listen, "/").await.body, "site");
    }
}

#[tokio::test]
async fn who_cannot_take_over_says_why_and_the_edge_goes_on() {
    let nobody = tempfile::tempdir().unwrap();
    let config = EdgeConfig::new(nobody.path(), nobody.path().join("control.sock"));
    let error = Server::take_over(config).await.err().unwrap();
    assert!(matches!(error, EdgeError::TakeOver { .. }), "{error}");

    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    // Another folder: what is found there is not what serves.
    let config = EdgeConfig::new(nobody.path(), edge.control());
    let error = Server::take_over(config).await.err().unwrap();
    assert!(error.to_string().contains("generation 0"), "{error}");
    assert_eq!(fetch(edge.listen, "/").await.body, "site");
    edge.serve(2, &[("/", &[backend.address])]).await;

    let (status, _) = call_unix(edge.control(), Method::POST, "/v1/hand-over", Vec::new()).await;
    assert_eq!(status, StatusCode::UPGRADE_REQUIRED, "a version that is not known");
}
