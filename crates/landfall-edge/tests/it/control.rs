//! The control protocol: what it answers, what it refuses, and what it lets in.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use http::{Method, StatusCode};
use landfall_core::control::{
    CONTROL_BODY_MAX_BYTES, EdgeStatus, ListenCheck, ListenChecked, Refused, RefusedKind, Swapped,
    TryAnswer, TryRequest,
};
use landfall_core::route::RouteTable;
use landfall_edge::EdgeError;

use crate::backend::Backend;
use crate::client::{call_unix, fetch};
use crate::support::{Edge, free_address, part, route};

fn shop(edge: &Edge, generation: u64, backend: &Backend) -> RouteTable {
    let routes = vec![route(edge.listen, None, "/", &[backend.address])];
    let apps = BTreeMap::from([("shop".parse().unwrap(), part(1, routes))]);
    RouteTable { generation, apps, ..RouteTable::default() }
}

#[tokio::test]
async fn a_writer_must_have_seen_the_current_generation() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, RouteTable::default());
    let first = shop(&edge, 1, &backend);
    assert_eq!(edge.put(&first).await, Ok(Swapped { generation: 1 }));
    assert_eq!(edge.put(&first).await, Ok(Swapped { generation: 1 }), "said twice, done once");
    let mut other = first.clone();
    other.apps.clear();
    for generation in [0, 1, 3] {
        other.generation = generation;
        let (status, refused) = edge.put(&other).await.unwrap_err();
        assert_eq!((status, refused.kind), (StatusCode::CONFLICT, RefusedKind::Stale));
        assert_eq!(refused.generation, 1);
    }
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, first);
    other.generation = 2;
    assert_eq!(edge.put(&other).await, Ok(Swapped { generation: 2 }));
}

#[tokio::test]
async fn an_unusable_table_changes_nothing() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let first = shop(&edge, 1, &backend);
    edge.put(&first).await.unwrap();
    let app = "other".parse().unwrap();
    let conflicting = first.with_app(&app, first.apps.values().next().cloned());
    let empty = first.with_app(&app, Some(part(1, vec![route(free_address(), None, "/", &[])])));
    for table in [conflicting, empty] {
        let (status, refused) = edge.put(&table).await.unwrap_err();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.kind, RefusedKind::Invalid);
    }
    let (status, body) =
        call_unix(edge.control(), Method::PUT, "/v1/table", b"{\"generation\":2".to_vec()).await;
    let refused: Refused = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, refused.kind), (StatusCode::BAD_REQUEST, RefusedKind::Malformed));
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, first);
    assert_eq!(fetch(edge.listen, "/").await.body, "site");
}

#[tokio::test]
async fn calls_are_bounded_and_unknown_ones_refused() {
    let edge = Edge::start().await;
    let large = vec![b' '; CONTROL_BODY_MAX_BYTES + 1];
    let (status, _) = call_unix(edge.control(), Method::PUT, "/v1/table", large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    for (method, path) in [(Method::GET, "/v2/table"), (Method::DELETE, "/v1/table")] {
        let (status, _) = call_unix(edge.control(), method, path, Vec::new()).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn status_tells_who_it_is_and_what_it_did() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.put(&shop(&edge, 1, &backend)).await.unwrap();
    for _ in 0..3 {
        fetch(edge.listen, "/").await;
    }
    let status: EdgeStatus = edge.ask("/v1/status").await;
    assert_eq!(status.pid, std::process::id());
    assert_eq!((status.generation, status.requests), (1, 3));
    assert_eq!(status.listeners, [edge.listen]);
}

#[tokio::test]
async fn a_candidate_is_tried_as_the_edge_would_ask_it() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let ask = |path: &str, endpoint, timeout_ms| {
        let request =
            TryRequest { endpoint, host: "shop.example".into(), path: path.into(), timeout_ms };
        let edge = &edge;
        async move { edge.post::<TryAnswer>("/v1/try", &request).await }
    };
    let here = backend.address;
    assert_eq!(ask("/?x=1", here, 20_000).await, TryAnswer::Status(200));
    assert_eq!(ask("/stream?5", here, 20_000).await, TryAnswer::Status(200));
    assert_eq!(ask("/status?503", here, 20_000).await, TryAnswer::Status(503));
    let failures = [
        ask("/wait", here, 50).await,
        ask("/", free_address(), 20_000).await,
        ask("x", here, 1).await,
    ];
    for (answer, why) in failures.iter().zip(["within 50 ms", "cannot connect", "the path"]) {
        assert!(matches!(answer, TryAnswer::Failed(said) if said.contains(why)), "{answer:?}");
    }
}

#[tokio::test]
async fn addresses_are_checked_without_being_taken() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.put(&shop(&edge, 1, &backend)).await.unwrap();
    let free = free_address();
    let check = ListenCheck { listen: vec![edge.listen, free, backend.address] };
    let checked: ListenChecked = edge.post("/v1/listen-check", &check).await;
    let unusable: Vec<_> = checked.unusable.iter().map(|(address, _)| *address).collect();
    assert_eq!(unusable, [backend.address]);
    std::net::TcpListener::bind(free).expect("it is still free");
}

#[tokio::test]
async fn the_socket_is_for_owner_and_group_and_for_one_edge() {
    let edge = Edge::start().await;
    let mode = std::fs::metadata(edge.control()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let control = edge.control().clone();
    let dir = tempfile::tempdir().unwrap();
    let second = Edge::start_in(dir, |config| config.control_socket = control).await;
    assert!(matches!(second.err(), Some(EdgeError::ControlInUse { .. })));
    // What a dead edge left behind is no obstacle.
    let dir = edge.stop().await;
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("control.sock")).unwrap());
    Edge::start_in(dir, |_| {}).await.unwrap();
}

/// I12: whoever was stopped for long reads the current generation when it wakes up. It must not take
/// back what a newer rollout has, and what it left must not come back after a restart.
#[tokio::test]
async fn a_writer_from_the_past_cannot_take_routes_back() {
    let edge = Edge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let app = "shop".parse().unwrap();
    let part_of = |rollout, to: &Backend| {
        Some(part(rollout, vec![route(edge.listen, None, "/", &[to.address])]))
    };
    edge.put(&RouteTable::default().with_app(&app, part_of(5, &new))).await.unwrap();
    let current: RouteTable = edge.ask("/v1/table").await;
    for next in [
        current.with_app(&app, part_of(4, &old)),
        current.with_preview(&app, Some(part(4, vec![route(free_address(), None, "/", &[])]))),
    ] {
        let (status, refused) = edge.put(&next).await.unwrap_err();
        assert_eq!((status, refused.kind), (StatusCode::CONFLICT, RefusedKind::Superseded));
        assert!(refused.message.contains("d5 of shop is known here, d4 is older"), "{refused:?}");
    }
    assert_eq!(fetch(edge.listen, "/").await.body, "new");
    let listen = edge.listen;
    let edge = Edge::start_in(edge.stop().await, |_| {}).await.unwrap();
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, current);
    assert_eq!(fetch(listen, "/").await.body, "new");
}
