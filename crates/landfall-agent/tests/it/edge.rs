//! The fake edge behind a real control socket.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use landfall_core::control::{
    CloseRequest, EdgeStatus, ListenCheck, ListenChecked, Refused, RefusedKind, Swapped, TryRequest,
};
use landfall_core::record::{Effect, Retry};
use landfall_core::route::RouteTable;
use landfall_deploy::ports::{Edge, EdgeError};
use landfall_testing::fake::{FakeEdge, World};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// Ports that this edge cannot bind.
pub(crate) const TAKEN: [u16; 2] = [8081, 8082];

/// The fake edge, with a disk that can be full.
#[derive(Clone)]
pub(crate) struct FaultyEdge {
    edge: FakeEdge,
    disk_full: Arc<AtomicBool>,
}

impl FaultyEdge {
    pub(crate) fn new(world: &World) -> Self {
        Self { edge: FakeEdge(world.clone()), disk_full: Arc::default() }
    }

    pub(crate) fn set_disk_full(&self, full: bool) {
        self.disk_full.store(full, Ordering::SeqCst);
    }
}

type Edged = State<FaultyEdge>;

pub(crate) fn serve(edge: FaultyEdge, socket: &Path) -> JoinHandle<()> {
    let router = Router::new()
        .route("/v1/table", get(table).put(swap))
        .route("/v1/listen-check", post(listen_check))
        .route("/v1/try", post(try_endpoint))
        .route("/v1/targets", get(targets))
        .route("/v1/close", post(close))
        .route("/v1/status", get(status))
        .with_state(edge);
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

fn refused(error: &EdgeError) -> Response {
    let (status, kind) = match (error.stale, error.retry) {
        (true, _) => (StatusCode::CONFLICT, RefusedKind::Stale),
        (false, Retry::Never) => (StatusCode::UNPROCESSABLE_ENTITY, RefusedKind::Invalid),
        (false, Retry::Later) => (StatusCode::INTERNAL_SERVER_ERROR, RefusedKind::Storage),
    };
    let refused = Refused { kind, message: error.message.clone(), generation: 0 };
    (status, Json(refused)).into_response()
}

fn answer<T: serde::Serialize>(result: Result<T, EdgeError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => refused(&error),
    }
}

async fn table(State(edge): Edged) -> Response {
    answer(edge.edge.table().await)
}

async fn swap(State(edge): Edged, Json(table): Json<RouteTable>) -> Response {
    if edge.disk_full.load(Ordering::SeqCst) {
        let (effect, message) = (Effect::Unknown, "the disk is full".to_owned());
        return refused(&EdgeError { effect, retry: Retry::Later, stale: false, message });
    }
    answer(edge.edge.swap(&table).await.map(|()| Swapped { generation: table.generation }))
}

async fn listen_check(Json(check): Json<ListenCheck>) -> Json<ListenChecked> {
    let taken = check.listen.into_iter().filter(|address| TAKEN.contains(&address.port()));
    let unusable = taken.map(|address| (address, "address in use".to_owned())).collect();
    Json(ListenChecked { unusable })
}

async fn try_endpoint(State(edge): Edged, Json(request): Json<TryRequest>) -> Response {
    answer(edge.edge.try_endpoint(&request).await)
}

async fn targets(State(edge): Edged) -> Response {
    answer(edge.edge.targets().await)
}

async fn close(State(edge): Edged, Json(request): Json<CloseRequest>) -> Response {
    answer(edge.edge.close(&request.app, request.rollout).await)
}

async fn status(State(edge): Edged) -> Json<EdgeStatus> {
    let generation = edge.edge.0.lock().table.generation;
    let (version, listeners) = ("0.1.0".to_owned(), Vec::new());
    Json(EdgeStatus { version, pid: 1, generation, listeners, requests: 0 })
}
