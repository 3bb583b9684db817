//! Previews: a candidate at addresses of its own, beside what serves.

use landfall_core::route::RouteTable;

use crate::backend::Backend;
use crate::client::fetch;
use crate::support::{Edge, free_address, part, route, until};

#[tokio::test]
async fn a_preview_is_reached_at_its_own_address_until_the_cutover_takes_it_away() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let (app, listen, preview) = ("shop".parse().unwrap(), edge.listen, free_address());
    edge.serve(1, &[("/", &[old.address])]).await;
    let table: RouteTable = edge.ask("/v1/table").await;
    let candidate = part(2, vec![route(preview, None, "/", &[new.address])]);
    edge.put(&table.with_preview(&app, Some(candidate))).await.unwrap();
    let both = async || (fetch(listen, "/").await.body, fetch(preview, "/").await.body);
    assert_eq!(both().await, ("old".to_owned(), "new".to_owned()));

    // It is part of the table: a restart brings it back.
    let edge = Edge::start_in(edge.stop().await, |_| {}).await.unwrap();
    assert_eq!(both().await, ("old".to_owned(), "new".to_owned()));

    let table: RouteTable = edge.ask("/v1/table").await;
    let serves = part(2, vec![route(listen, None, "/", &[new.address])]);
    edge.put(&table.with_app(&app, Some(serves))).await.unwrap();
    assert_eq!(fetch(listen, "/").await.body, "new");
    until(async || tokio::net::TcpStream::connect(preview).await.is_err()).await;
    // The same target serves on: it was never retired in between.
    assert_eq!(edge.in_flight(2).await, Some(0));
    edge.drained(1).await;
}

#[tokio::test]
async fn a_preview_never_takes_a_place_that_serves() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.serve(1, &[("/", &[old.address])]).await;
    let table: RouteTable = edge.ask("/v1/table").await;
    let candidate = part(2, vec![route(edge.listen, None, "/", &[new.address])]);
    edge.put(&table.with_preview(&"shop".parse().unwrap(), Some(candidate))).await.unwrap_err();
    assert_eq!(fetch(edge.listen, "/").await.body, "old");
}
