//! The control socket: `landfall_core::control` as HTTP JSON on a unix socket.
//!
//! Connections, bodies and time are bounded. Who may call is decided by the socket's permissions.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use landfall_core::control::{
    CONTROL_BODY_MAX_BYTES, CloseRequest, EdgeStatus, ListenCheck, ListenChecked, Refused,
    RefusedKind, Swapped, TryRequest,
};
use landfall_core::route::RouteTable;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::config::EdgeConfig;
use crate::edge::Edge;
use crate::error::EdgeError;
use crate::handover::{self, Line};
use crate::trial;

/// Time for the head of a call.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The bound socket; its file goes when it is dropped, unless another edge has it.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    keeps_file: AtomicBool,
}

impl ControlSocket {
    /// Binds under a draft name, sets the permissions, and only then takes the name in use. A file
    /// left by a dead edge is replaced; a living one is not.
    pub(crate) fn bind(config: &EdgeConfig) -> Result<Self, EdgeError> {
        let path = &config.control_socket;
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(EdgeError::ControlInUse { path: path.clone() });
        }
        let listener = bind(path, config.control_mode)
            .map_err(|source| EdgeError::Control { path: path.clone(), source })?;
        Ok(Self::adopt(config, listener))
    }

    /// The socket as another edge passed it on.
    pub(crate) fn adopt(config: &EdgeConfig, listener: UnixListener) -> Self {
        let path = config.control_socket.clone();
        Self { listener, path, keeps_file: AtomicBool::new(false) }
    }

    /// Whether its file is another edge's.
    pub(crate) fn keep_file(&self, keep: bool) {
        self.keeps_file.store(keep, Relaxed);
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers calls until it is dropped.
    pub(crate) async fn serve(self: Arc<Self>, edge: Arc<Edge>) {
        let places = Arc::new(Semaphore::new(edge.limits().control_connections_max));
        loop {
            let place = Arc::clone(&places).acquire_owned().await;
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let edge = Arc::clone(&edge);
                    tokio::spawn(async move {
                        serve_connection(edge, stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a control connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if !self.keeps_file.load(Relaxed) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&draft)?;
    fs::set_permissions(&draft, Permissions::from_mode(mode))?;
    fs::rename(&draft, path)?;
    Ok(listener)
}

async fn serve_connection(edge: Arc<Edge>, stream: UnixStream) {
    let service = service_fn(|request| {
        let edge = Arc::clone(&edge);
        async move {
            let reply = call(edge, request).await;
            Ok::<_, std::convert::Infallible>(reply.unwrap_or_else(|refused| refused))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "control connection ended");
    }
}

type Reply = Response<Full<Bytes>>;

async fn call(edge: Arc<Edge>, request: Request<Incoming>) -> Result<Reply, Reply> {
    let (mut parts, body) = request.into_parts();
    if edge.has_left() {
        let generation = edge.generation();
        let message = "another edge has taken over: ask again".to_owned();
        let kind = RefusedKind::Storage;
        return Err(json(status(kind), &Refused { kind, message, generation }));
    }
    match (parts.method, parts.uri.path()) {
        (Method::GET, "/v1/table") => Ok(ok(&edge.table())),
        (Method::PUT, "/v1/table") => {
            let next: RouteTable = read(&edge, body).await?;
            // A task of its own: a caller that hangs up must not stop a swap half-way.
            let swap = tokio::spawn(async move { edge.swap(next).await });
            match swap.await.expect("a swap neither panics nor is cancelled") {
                Ok(generation) => Ok(ok(&Swapped { generation })),
                Err(refused) => Err(json(status(refused.kind), &refused)),
            }
        }
        (Method::GET, "/v1/targets") => Ok(ok(&edge.targets().await)),
        (Method::POST, handover::PATH) => {
            let wanted = parts.headers.get(UPGRADE).is_some_and(|v| v == handover::PROTOCOL);
            let upgrade = parts.extensions.remove::<OnUpgrade>().filter(|_| wanted);
            let Some(upgrade) = upgrade else {
                let message = format!("only {} is known here", handover::PROTOCOL);
                return Err(malformed(&edge, StatusCode::UPGRADE_REQUIRED, message));
            };
            tokio::spawn(hand_over(edge, upgrade));
            Ok(switching())
        }
        (Method::POST, "/v1/close") => {
            let request: CloseRequest = read(&edge, body).await?;
            edge.close(&request).await;
            Ok(ok(&serde_json::json!({})))
        }
        (Method::POST, "/v1/listen-check") => {
            let ListenCheck { listen } = read(&edge, body).await?;
            let unusable = edge.doors().check(listen.into_iter().collect());
            Ok(ok(&ListenChecked { unusable }))
        }
        (Method::POST, "/v1/try") => {
            let request: TryRequest = read(&edge, body).await?;
            Ok(ok(&trial::run(&edge, &request).await))
        }
        (Method::GET, "/v1/status") => Ok(ok(&EdgeStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            generation: edge.generation(),
            listeners: edge.doors().listening(),
            requests: edge.requests(),
        })),
        (_, path) => {
            Err(malformed(&edge, StatusCode::NOT_FOUND, format!("there is no such call: {path}")))
        }
    }
}

/// Gives the connection to the hand-over once its upgrade was answered.
async fn hand_over(edge: Arc<Edge>, upgrade: OnUpgrade) {
    let upgraded = upgrade.await.ok().and_then(|up| up.downcast::<TokioIo<UnixStream>>().ok());
    // The successor is silent until it has an offer.
    if let Some(parts) = upgraded.filter(|parts| parts.read_buf.is_empty()) {
        handover::offer(edge, Line::new(parts.io.into_inner())).await;
    }
}

fn switching() -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(handover::PROTOCOL));
    reply
}

async fn read<T: DeserializeOwned>(edge: &Edge, body: Incoming) -> Result<T, Reply> {
    read_bytes(body)
        .await
        .and_then(|bytes| {
            serde_json::from_slice(&bytes)
                .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
        })
        .map_err(|(status, message)| malformed(edge, status, message))
}

/// The whole body, or the status and the words to refuse it with.
async fn read_bytes(body: Incoming) -> Result<Bytes, (StatusCode, String)> {
    let whole = Limited::new(body, CONTROL_BODY_MAX_BYTES).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {CONTROL_BODY_MAX_BYTES} bytes"),
        )),
        Ok(Err(error)) => Err((StatusCode::BAD_REQUEST, error.to_string())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not arrive".to_owned())),
    }
}

fn malformed(edge: &Edge, status: StatusCode, message: String) -> Reply {
    let generation = edge.generation();
    json(status, &Refused { kind: RefusedKind::Malformed, message, generation })
}

fn status(kind: RefusedKind) -> StatusCode {
    match kind {
        RefusedKind::Stale | RefusedKind::Superseded => StatusCode::CONFLICT,
        RefusedKind::Invalid | RefusedKind::Listen => StatusCode::UNPROCESSABLE_ENTITY,
        RefusedKind::Storage => StatusCode::INTERNAL_SERVER_ERROR,
        RefusedKind::Malformed => StatusCode::BAD_REQUEST,
    }
}

fn ok<T: Serialize>(value: &T) -> Reply {
    json(StatusCode::OK, value)
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Reply {
    let body = serde_json::to_vec(value).expect("our types serialise: their keys are strings");
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
