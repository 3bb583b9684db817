//! Heads: what passes, what stays behind, what is added; kept connections.

use std::sync::atomic::Ordering::SeqCst;

use http::{Method, Request, StatusCode};

use crate::backend::{Backend, full};
use crate::client::{Client, empty, fetch, get, raw};
use crate::support::Edge;

async fn edge_and_backend() -> (Edge, Backend) {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    (edge, backend)
}

#[tokio::test]
async fn the_backend_sees_the_host_and_who_asked_and_no_stranger_can_lie() {
    let (edge, _backend) = edge_and_backend().await;
    let mut request = get("/head?q=1");
    for (name, value) in [
        ("host", "Shop.Example"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=6.6.6.6"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("cookie", "a=1"),
    ] {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let mut client = Client::connect(edge.listen).await.unwrap();
    let body = client.send(request).await.unwrap().body;
    let mut lines: Vec<_> = body.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "GET /head?q=1 HTTP/1.1",
            "cookie: a=1",
            "host: Shop.Example",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: Shop.Example",
            "x-forwarded-proto: http",
        ]
    );
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let edge =
        Edge::start_with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()])
            .await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let mut request = get("/head");
    request.headers_mut().insert("x-forwarded-for", "6.6.6.6".parse().unwrap());
    request.headers_mut().insert("x-forwarded-proto", "https".parse().unwrap());
    let body = Client::connect(edge.listen).await.unwrap().send(request).await.unwrap().body;
    assert!(body.contains("x-forwarded-for: 6.6.6.6, 127.0.0.1"), "{body}");
    assert!(body.contains("x-forwarded-proto: https"), "{body}");
}

#[tokio::test]
async fn an_answers_hop_by_hop_headers_stay_behind() {
    let (edge, _backend) = edge_and_backend().await;
    let answer = fetch(edge.listen, "/hop").await;
    assert_eq!(answer.headers["x-kept"], "1");
    for name in ["connection", "x-private", "keep-alive", "x-landfall-edge"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let (edge, backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    for _ in 0..20 {
        assert_eq!(client.get("/").await.unwrap().body, "site");
        let request = Request::post("/count").body(full("12345")).unwrap();
        assert_eq!(client.send(request).await.unwrap().body, "5 bytes, 0 trailers");
    }
    assert_eq!(backend.levers.requests.load(SeqCst), 40);
    // One, and a few until the edge has seen how patient the backend is.
    assert!(backend.levers.connections.load(SeqCst) <= 5);
}

#[tokio::test]
async fn head_and_bodiless_answers_pass() {
    let (edge, backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    for code in [204, 304, 404, 500] {
        let answer = client.get(&format!("/status?{code}")).await.unwrap();
        assert_eq!(answer.status.as_u16(), code);
        assert_eq!(answer.reason(), None);
    }
    let head = Request::builder().method(Method::HEAD).uri("/").body(empty()).unwrap();
    let answer = client.send(head).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-length"], "4");
    assert_eq!(backend.levers.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn http_1_0_clients_are_served() {
    let (edge, _backend) = edge_and_backend().await;
    let answer = raw(edge.listen, "GET /head HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    assert!(answer.contains("GET /head HTTP/1.1"), "{answer}");
    assert!(answer.contains(&format!("\nhost: {}", edge.listen)), "{answer}");
    let answer = raw(edge.listen, "GET /stream?3 HTTP/1.0\r\n\r\n").await;
    assert!(!answer.contains("chunked"), "{answer}");
    assert!(answer.ends_with("\r\n\r\npiece 0\npiece 1\npiece 2\n"), "{answer}");
}
