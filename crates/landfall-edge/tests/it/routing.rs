//! Which request reaches which backend, and what the edge says when none does.

use std::time::Duration;

use http::StatusCode;
use landfall_core::route::RouteTable;

use crate::backend::Backend;
use crate::client::{Client, fetch, get, raw};
use crate::support::{Edge, free_address, part, route};

#[tokio::test]
async fn host_and_longest_prefix_decide() {
    let edge = Edge::start().await;
    let (site, api, other) =
        (Backend::start("site").await, Backend::start("api").await, Backend::start("other").await);
    let listen = edge.listen;
    let routes = vec![
        route(listen, None, "/", &[site.address]),
        route(listen, None, "/api", &[api.address]),
        route(listen, Some("other.example"), "/", &[other.address]),
    ];
    let table = RouteTable::default().with_app(&"shop".parse().unwrap(), Some(part(1, routes)));
    edge.put(&table).await.unwrap();
    let mut client = Client::connect(listen).await.unwrap();
    for (host, path, expected) in [
        ("x.example", "/", "site"),
        ("x.example", "/api/1?q=/", "api"),
        ("x.example", "/apis", "site"),
        ("OTHER.example:81", "/api", "other"),
    ] {
        let mut request = get(path);
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(client.send(request).await.unwrap().body, expected, "{host}{path}");
    }
}

#[tokio::test]
async fn what_has_no_route_is_a_404_of_the_edge() {
    let edge = Edge::start().await;
    let api = Backend::start("api").await;
    edge.serve(1, &[("/api", &[api.address])]).await;
    let answer = fetch(edge.listen, "/").await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::NOT_FOUND, Some("no-route")));
    assert_eq!(fetch(edge.listen, "/api").await.reason(), None);
}

#[tokio::test]
async fn a_dead_upstream_is_a_503_of_the_edge_and_a_living_one_beside_it_is_asked() {
    let edge = Edge::start_with(|config| config.limits.hold = Duration::ZERO).await;
    let dead = free_address();
    edge.serve(1, &[("/", &[dead])]).await;
    let answer = fetch(edge.listen, "/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.reason(), Some("upstream-unreachable"));

    let alive = Backend::start("alive").await;
    edge.serve(2, &[("/", &[dead, alive.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    for _ in 0..10 {
        assert_eq!(client.get("/").await.unwrap().body, "alive");
    }
}

#[tokio::test]
async fn requests_are_spread_over_the_endpoints() {
    let edge = Edge::start().await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    edge.serve(1, &[("/", &[one.address, two.address])]).await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let mut ones = 0;
    for _ in 0..20 {
        ones += usize::from(client.get("/").await.unwrap().body == "one");
    }
    assert_eq!(ones, 10, "equals take turns");
}

#[tokio::test]
async fn a_request_without_a_usable_host_is_refused() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    for head in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"] {
        let answer = raw(edge.listen, head).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("x-landfall-edge: bad-request"), "{answer}");
    }
    let answer = raw(edge.listen, "CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.contains("x-landfall-edge: unsupported"), "{answer}");
}
