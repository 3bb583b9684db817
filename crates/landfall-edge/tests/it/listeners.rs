//! Listeners come and go with the table.

use std::net::SocketAddr;

use http::StatusCode;
use landfall_core::control::{EdgeStatus, RefusedKind};
use landfall_core::route::RouteTable;
use tokio::net::{TcpListener, TcpStream};

use crate::backend::Backend;
use crate::client::{Client, fetch};
use crate::support::{Edge, free_address, part, route, until};

fn listening(table: &RouteTable, at: &[SocketAddr], to: SocketAddr) -> RouteTable {
    let routes = at.iter().map(|listen| route(*listen, None, "/", &[to])).collect();
    table.with_app(&"shop".parse().unwrap(), Some(part(1, routes)))
}

#[tokio::test]
async fn a_taken_address_refuses_the_table_and_changes_nothing() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let first = listening(&RouteTable::default(), &[edge.listen], backend.address);
    edge.put(&first).await.unwrap();
    let stranger = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (free, taken) = (free_address(), stranger.local_addr().unwrap());
    let next = listening(&first, &[edge.listen, free, taken], backend.address);
    let (status, refused) = edge.put(&next).await.unwrap_err();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.kind, RefusedKind::Listen);
    assert!(refused.message.contains(&taken.to_string()), "{}", refused.message);
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, first);
    assert!(TcpStream::connect(free).await.is_err(), "nothing stays bound");
    drop(stranger);
    edge.put(&next).await.unwrap();
    assert_eq!(fetch(taken, "/").await.body, "site");
}

#[tokio::test]
async fn a_lost_listener_stops_accepting_and_its_connections_finish() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let (old, new) = (edge.listen, free_address());
    let first = listening(&RouteTable::default(), &[old], backend.address);
    edge.put(&first).await.unwrap();
    let mut client = Client::connect(old).await.unwrap();
    let waiting = tokio::spawn(async move {
        let answer = client.get("/wait").await.unwrap();
        (answer, client.is_open().await)
    });
    until(async || edge.in_flight(1).await == Some(1)).await;
    edge.put(&listening(&first, &[new], backend.address)).await.unwrap();
    until(async || TcpStream::connect(old).await.is_err()).await;
    backend.levers.go.notify_one();
    let (answer, open) = waiting.await.unwrap();
    assert_eq!(answer.body, "site");
    assert_eq!(answer.headers["connection"], "close");
    assert!(!open);
    assert_eq!(fetch(new, "/").await.body, "site");
}

#[tokio::test]
async fn one_address_and_all_addresses_may_replace_each_other() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let one = edge.listen;
    let all = SocketAddr::from(([0, 0, 0, 0], one.port()));
    let mut table = listening(&RouteTable::default(), &[one], backend.address);
    edge.put(&table).await.unwrap();
    let mut kept = Client::connect(one).await.unwrap();
    assert_eq!(kept.get("/").await.unwrap().body, "site");
    for at in [&[all][..], &[one], &[one, all], &[all]] {
        table = listening(&table, at, backend.address);
        edge.put(&table).await.unwrap();
        assert_eq!(fetch(one, "/").await.body, "site");
        assert_eq!(edge.ask::<EdgeStatus>("/v1/status").await.listeners.len(), at.len());
        if kept.is_open().await {
            assert_eq!(kept.get("/").await.unwrap().body, "site", "a kept connection goes on");
        }
        kept = Client::connect(one).await.unwrap();
        assert!(TcpListener::bind(one).await.is_err(), "no stranger may join");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_at_the_start_is_bound_once_it_is_free() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let (fine, taken) = (edge.listen, free_address());
    let first = listening(&RouteTable::default(), &[fine, taken], backend.address);
    edge.put(&first).await.unwrap();
    let dir = edge.stop().await;
    let stranger = TcpListener::bind(taken).await.unwrap();
    let edge = Edge::start_in(dir, |_| {}).await.unwrap();
    assert_eq!(fetch(fine, "/").await.body, "site");
    assert_eq!(edge.ask::<EdgeStatus>("/v1/status").await.listeners, [fine]);
    // Another app is not held up by it.
    let other = part(1, vec![route(edge.listen, None, "/", &[backend.address])]);
    edge.put(&first.with_app(&"other".parse().unwrap(), Some(other))).await.unwrap();
    drop(stranger);
    until(async || edge.ask::<EdgeStatus>("/v1/status").await.listeners.len() == 3).await;
    assert_eq!(fetch(taken, "/").await.body, "site");
}
