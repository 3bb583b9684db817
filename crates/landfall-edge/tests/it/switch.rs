//! The zero-drop switch: targets swapped all the time under strict clients of every kind, each old
//! backend stopped dead once nothing is in flight to it. And the control: without that wait there
//! are errors, so the test can fail.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::backend::{Backend, channel, full};
use crate::client::{Client, Fault};
use crate::support::Edge;
use crate::tunnel;

const KINDS: [&str; 6] = ["get", "post", "slow", "upload", "chunked", "upgrade"];

/// What the clients saw.
#[derive(Debug, Default)]
struct Seen {
    done: BTreeMap<&'static str, usize>,
    errors: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_when_targets_are_swapped_all_the_time() {
    let (swaps, seen) = run(Duration::from_secs(4), true).await;
    assert!(seen.errors.is_empty(), "{swaps} swaps, {} errors: {seen:?}", seen.errors.len());
    assert!(swaps >= 10, "{swaps} swaps");
    for kind in KINDS {
        assert!(seen.done.get(kind).is_some_and(|done| *done > 5), "{kind}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_wait_for_the_drain_requests_are_lost() {
    let (swaps, seen) = run(Duration::from_secs(2), false).await;
    assert!(!seen.errors.is_empty(), "{swaps} swaps without an error: {seen:?}");
}

/// Swaps every 100 ms for `time` and reports what clients saw.
async fn run(time: Duration, wait_for_drain: bool) -> (u32, Seen) {
    let edge = Arc::new(Edge::start().await);
    let mut old = Backend::start("r0").await;
    edge.serve(1, &[("/", &[old.address])]).await;
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut clients = JoinSet::new();
    for kind in KINDS {
        for _ in 0..2 {
            let (over, seen) = (Arc::clone(&over), Arc::clone(&seen));
            clients.spawn(client(kind, edge.listen, over, seen));
        }
    }
    let mut stops = JoinSet::new();
    let mut ticks = interval(Duration::from_millis(100));
    let end = Instant::now() + time;
    let mut rollout = 1;
    while Instant::now() < end {
        ticks.tick().await;
        rollout += 1;
        let new = Backend::start(&format!("r{rollout}")).await;
        edge.serve(rollout, &[("/", &[new.address])]).await;
        let gone = std::mem::replace(&mut old, new);
        let (edge, retired) = (Arc::clone(&edge), rollout - 1);
        stops.spawn(async move {
            if wait_for_drain {
                edge.drained(retired).await;
            }
            gone.stop().await;
        });
    }
    over.store(true, SeqCst);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    while let Some(stop) = stops.join_next().await {
        stop.unwrap();
    }
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (rollout - 1, seen)
}

/// Asks until it is over. A connection that the edge announced to close is opened anew.
async fn client(
    kind: &'static str,
    edge: SocketAddr,
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
) {
    let mut kept = None;
    while !over.load(SeqCst) {
        let outcome = exchange(kind, edge, &mut kept).await;
        let mut seen = seen.lock().unwrap();
        match outcome {
            Ok(()) => *seen.done.entry(kind).or_default() += 1,
            Err(fault) => {
                kept = None;
                seen.errors.push(format!("{kind}: {fault}"));
            }
        }
    }
}

async fn exchange(kind: &str, edge: SocketAddr, kept: &mut Option<Client>) -> Result<(), Fault> {
    if kind == "upgrade" {
        let mut stream = tunnel::open(edge).await?;
        for index in 0..10 {
            tunnel::echo(&mut stream, &format!("message {index}")).await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        return Ok(());
    }
    let client = match kept {
        Some(client) => client,
        None => kept.insert(Client::connect(edge).await?),
    };
    let (request, expected) = match kind {
        "get" => (Request::get("/").body(full(""))?, "r"),
        "post" => (Request::post("/count").body(full("12345"))?, "5 bytes, 0 trailers"),
        "slow" => (Request::get("/pause?60").body(full(""))?, "r"),
        "upload" => (Request::put("/count").body(pieces(20))?, "80 bytes, 0 trailers"),
        _ => (Request::get("/stream?20").body(full(""))?, "piece 0\n"),
    };
    let answer = client.send(request).await?;
    let whole = kind != "chunked" || answer.body.ends_with("piece 19\n");
    if answer.status.as_u16() == 200 && answer.body.starts_with(expected) && whole {
        Ok(())
    } else {
        Err(format!("{answer:?}").into())
    }
}

/// A body of pieces of four bytes, a few milliseconds apart.
fn pieces(count: usize) -> crate::backend::Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for _ in 0..count {
            tokio::time::sleep(Duration::from_millis(2)).await;
            if sender.send(Ok(Frame::data(Bytes::from_static(b"abcd")))).await.is_err() {
                return;
            }
        }
    });
    channel(receiver)
}
