//! Requests that wait while no endpoint accepts: served when one is back or another release serves,
//! up to a limit; and what of a request that was under way is done again.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use http::{Request, StatusCode};
use tokio::task::JoinHandle;

use crate::backend::{Backend, Body, full};
use crate::client::{Answer, Client, get};
use crate::support::{Edge, free_address, until, within};

fn post(path: &str, body: &'static str) -> Request<Body> {
    Request::post(path).body(full(body)).unwrap()
}

/// Sends on a connection of its own.
async fn sent(edge: &Edge, request: Request<Body>) -> JoinHandle<Answer> {
    let mut client = Client::connect(edge.listen).await.unwrap();
    tokio::spawn(async move { client.send(request).await.unwrap() })
}

/// Waits until the edge has got so many requests.
async fn got(edge: &Edge, requests: u64) {
    until(async || edge.requests().await >= requests).await;
}

#[tokio::test]
async fn requests_wait_for_an_endpoint_that_is_away_and_each_is_served_once() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let address = backend.address;
    edge.serve(1, &[("/", &[address])]).await;
    let mut kept = Client::connect(edge.listen).await.unwrap();
    kept.get("/").await.unwrap();
    backend.stop().await;
    let waiting = tokio::spawn(async move { kept.get("/").await.unwrap() });
    let get_it = sent(&edge, get("/")).await;
    let post_it = sent(&edge, post("/count", "four")).await;
    got(&edge, 4).await;
    assert!(!waiting.is_finished() && !get_it.is_finished() && !post_it.is_finished());
    let backend = Backend::start_at("again", address).await;
    assert_eq!(within(waiting).await.unwrap().body, "again");
    assert_eq!(within(get_it).await.unwrap().body, "again");
    assert_eq!(within(post_it).await.unwrap().body, "4 bytes, 0 trailers");
    assert_eq!(backend.levers.requests.load(SeqCst), 3);
}

#[tokio::test]
async fn what_waits_is_served_by_the_release_that_serves_by_then_and_holds_up_no_drain() {
    let edge = Edge::start().await;
    edge.serve(1, &[("/", &[free_address(), free_address()])]).await;
    let waiting = sent(&edge, post("/count", "four")).await;
    got(&edge, 1).await;
    let new = Backend::start("new").await;
    edge.serve(2, &[("/", &[new.address])]).await;
    assert_eq!(within(waiting).await.unwrap().body, "4 bytes, 0 trailers");
    edge.drained(1).await;
}

#[tokio::test]
async fn waiting_has_an_end() {
    let hold = Duration::from_millis(120);
    let edge = Edge::start_with(|config| config.limits.hold = hold).await;
    edge.serve(1, &[("/", &[free_address()])]).await;
    let began = std::time::Instant::now();
    let answer = within(sent(&edge, get("/")).await).await.unwrap();
    assert!(began.elapsed() >= hold);
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.reason(), Some("upstream-unreachable"));
    assert_eq!(answer.headers["retry-after"], "5");
}

#[tokio::test]
async fn only_so_many_wait_and_who_leaves_makes_room() {
    let edge = Edge::start_with(|config| config.limits.held_max = 1).await;
    let address = free_address();
    edge.serve(1, &[("/", &[address])]).await;
    let first = sent(&edge, get("/")).await;
    got(&edge, 1).await;
    let mut asked = 1;
    // The first may not have been refused by its endpoint yet.
    let crowded = loop {
        asked += 1;
        let mut next = sent(&edge, get("/")).await;
        match tokio::time::timeout(Duration::from_millis(200), &mut next).await {
            Ok(answer) => break answer.unwrap(),
            Err(_) => next.abort(),
        }
    };
    assert_eq!(crowded.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(crowded.reason(), Some("too-many-held"));
    first.abort();
    let mut last = sent(&edge, get("/")).await;
    until(async || {
        if last.is_finished() {
            asked += 1;
            last = sent(&edge, get("/")).await;
        }
        tokio::time::timeout(Duration::from_millis(200), &mut last).await.is_err()
    })
    .await;
    let _backend = Backend::start_at("back", address).await;
    assert_eq!(within(last).await.unwrap().body, "back");
}

#[tokio::test]
async fn nobody_waits_for_what_has_been_away_for_long() {
    let edge =
        Edge::start_with(|config| config.limits.hold_outage = Duration::from_millis(1)).await;
    let address = free_address();
    edge.serve(1, &[("/", &[address])]).await;
    // The first one waits until that is known, far less than its own limit.
    let answer = within(sent(&edge, get("/")).await).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let _backend = Backend::start_at("back", address).await;
    assert_eq!(within(sent(&edge, get("/")).await).await.unwrap().body, "back");
}

#[tokio::test]
async fn under_a_replica_that_dies_a_get_is_asked_again_and_a_post_fails() {
    let edge = Edge::start().await;
    let backend = Backend::start("first").await;
    let address = backend.address;
    edge.serve(1, &[("/", &[address])]).await;
    let get_it = sent(&edge, get("/wait")).await;
    let post_it = sent(&edge, post("/wait", "x")).await;
    until(async || edge.in_flight(1).await == Some(2)).await;
    until(async || backend.levers.requests.load(SeqCst) == 2).await;
    backend.stop().await;
    let answer = within(post_it).await.unwrap();
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::BAD_GATEWAY, Some("upstream-failed"))
    );
    let backend = Backend::start_at("second", address).await;
    until(async || backend.levers.requests.load(SeqCst) == 1).await;
    backend.levers.go.notify_one();
    assert_eq!(within(get_it).await.unwrap().body, "second");
}

#[tokio::test]
async fn a_request_that_kills_its_replica_is_not_sent_for_ever() {
    let edge = Edge::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    edge.serve(1, &[("/", &[address])]).await;
    let server = tokio::spawn(async move {
        let mut count = 0;
        loop {
            let accept = tokio::time::timeout(Duration::from_millis(500), listener.accept());
            let Ok(Ok((mut stream, _))) = accept.await else { return count };
            count += 1;
            // Takes some of the request, answers nothing, closes.
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 512]).await;
        }
    });
    let answer = within(sent(&edge, get("/")).await).await.unwrap();
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::BAD_GATEWAY, Some("upstream-failed"))
    );
    assert_eq!(within(server).await.unwrap(), 3);
}

#[tokio::test]
async fn an_edge_that_ends_lets_nobody_wait() {
    let mut edge = Edge::start().await;
    edge.serve(1, &[("/", &[free_address()])]).await;
    let waiting = sent(&edge, get("/")).await;
    got(&edge, 1).await;
    edge.begin_stop();
    let answer = within(waiting).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    edge.stop().await;
}
