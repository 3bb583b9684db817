//! Bodies: streamed both ways, with continue, chunks and trailers; and clients that go away.

use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::backend::{Backend, channel, full};
use crate::client::{Client, get, read, read_until};
use crate::support::{Edge, until, within};

async fn edge_and_backend() -> (Edge, Backend) {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    (edge, backend)
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let (edge, _backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let (sender, receiver) = mpsc::channel(1);
    let request = Request::post("/echo").body(channel(receiver)).unwrap();
    sender.send(Ok(Frame::data(Bytes::from_static(b"0")))).await.unwrap();
    let mut body = within(client.open(request)).await.unwrap().into_body();
    // Each piece comes back before the next is sent: nobody gathers anything.
    for index in 0..10 {
        let piece = within(body.frame()).await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece, index.to_string());
        sender.send(Ok(Frame::data(Bytes::from((index + 1).to_string())))).await.unwrap();
    }
    drop(sender);
    let rest = within(body.collect()).await.unwrap().to_bytes();
    assert_eq!(rest, "10");
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let (edge, _backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let large = "0123456789abcdef".repeat(256 * 1024);
    for _ in 0..2 {
        let request = Request::put("/echo").body(full(large.clone())).unwrap();
        let answer = within(client.send(request)).await.unwrap();
        assert!(answer.body == large, "{} bytes came back", answer.body.len());
    }
}

#[tokio::test]
async fn a_client_may_ask_before_it_sends() {
    let (edge, _backend) = edge_and_backend().await;
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n";
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let go = within(read_until(&mut stream, "\r\n\r\n")).await.unwrap();
    assert!(go.starts_with("HTTP/1.1 100 "), "{go}");
    stream.write_all(b"abc").await.unwrap();
    let answer = within(read_until(&mut stream, "trailers")).await.unwrap();
    assert!(answer.contains("3 bytes"), "{answer}");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let (edge, _backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let mut request = get("/trailers");
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    let answer = client.send(request).await.unwrap();
    assert_eq!(answer.body, "body");
    assert_eq!(answer.trailers.expect("trailers")["x-sum"], "42");

    let (sender, receiver) = mpsc::channel(2);
    let mut fields = HeaderMap::new();
    fields.insert("x-sum", "1".parse().unwrap());
    sender.send(Ok(Frame::data(Bytes::from_static(b"abc")))).await.unwrap();
    sender.send(Ok(Frame::trailers(fields))).await.unwrap();
    drop(sender);
    let request =
        Request::post("/count").header("trailer", "x-sum").body(channel(receiver)).unwrap();
    assert_eq!(client.send(request).await.unwrap().body, "3 bytes, 1 trailers");
}

#[tokio::test]
async fn a_get_may_have_a_body() {
    let (edge, _backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let request = Request::get("/count").body(full("abc")).unwrap();
    assert_eq!(client.send(request).await.unwrap().body, "3 bytes, 0 trailers");
    let request =
        Request::get("/count").header("transfer-encoding", "chunked").body(full("abcd")).unwrap();
    assert_eq!(client.send(request).await.unwrap().body, "4 bytes, 0 trailers");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_told_apart() {
    let (edge, backend) = edge_and_backend().await;
    let waiting = tokio::spawn(async move {
        let mut client = Client::connect(edge.listen).await.unwrap();
        let request = Request::post("/wait").body(full("x")).unwrap();
        let answer = client.send(request).await.unwrap();
        (answer.status, answer.reason().map(str::to_owned), edge)
    });
    until(async || backend.levers.requests.load(SeqCst) == 1).await;
    backend.stop().await;
    let (status, reason, _edge) = within(waiting).await.unwrap();
    assert_eq!((status, reason.as_deref()), (StatusCode::BAD_GATEWAY, Some("upstream-failed")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_half_way_is_not_ended_as_if_it_were_whole() {
    let (edge, backend) = edge_and_backend().await;
    let mut client = Client::connect(edge.listen).await.unwrap();
    let response = within(client.open(get("/stream?100000"))).await.unwrap();
    backend.stop().await;
    assert!(within(read(response)).await.is_err());
}

#[tokio::test]
async fn when_a_client_goes_its_request_is_given_up() {
    let (edge, backend) = edge_and_backend().await;
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(async || backend.levers.requests.load(SeqCst) == 1).await;
    assert_eq!(edge.in_flight(1).await, Some(1));
    drop(stream);
    until(async || backend.levers.abandoned.load(SeqCst) == 1).await;
    until(async || edge.in_flight(1).await == Some(0)).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (edge, _backend) = edge_and_backend().await;
    let mut stream = TcpStream::connect(edge.listen).await.unwrap();
    let three = "GET /pause?20 HTTP/1.1\r\nhost: a\r\n\r\nGET /stream?2 HTTP/1.1\r\nhost: a\r\n\r\n\
                 GET /head HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(three.as_bytes()).await.unwrap();
    let text = within(read_until(&mut stream, "x-forwarded-host: a\n")).await.unwrap();
    let places = ["site", "piece 0", "piece 1", "GET /head"].map(|piece| text.find(piece));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
}
