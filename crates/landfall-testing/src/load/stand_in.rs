//! A server that answers rightly what the load asks, in place of the shop: where what stands between
//! is to be measured and not an app. It also upgrades to a tunnel that echoes.

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::call::hex;

/// Runs on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

type Orders = Arc<Mutex<HashSet<String>>>;

impl StandIn {
    /// Listens on a free port of the loopback address.
    pub fn start() -> io::Result<Self> {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Listens there.
    pub fn start_on(address: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name("stand-in".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener) {
    let orders = Orders::default();
    while let Ok((stream, _)) = listener.accept().await {
        let orders = Arc::clone(&orders);
        // What comes of a connection is told by the load at its other end.
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let orders = Arc::clone(&orders);
                async move { Ok::<_, Infallible>(answer(request, &orders).await) }
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let _ = served.with_upgrades().await;
        });
    }
}

async fn answer(mut request: Request<Incoming>, orders: &Orders) -> Response<Full<Bytes>> {
    if request.headers().contains_key(header::UPGRADE) {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            if let Ok(upgraded) = upgrade.await {
                echo(TokioIo::new(upgraded)).await;
            }
        });
        let mut response = of(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, header::HeaderValue::from_static("echo"));
        return response;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return of(StatusCode::BAD_REQUEST, "") };
    let body = body.to_bytes();
    match (parts.method, parts.uri.path()) {
        (Method::POST, "/api/orders") => {
            let order: Value = serde_json::from_slice(&body).unwrap_or_default();
            let uuid = order["uuid"].as_str().unwrap_or_default().to_owned();
            let is_new = lock(orders).insert(uuid.clone());
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            of(status, json!({ "uuid": uuid }).to_string())
        }
        (Method::POST, "/upload") => {
            of(StatusCode::CREATED, json!({"sha256": hex(&Sha256::digest(&body))}).to_string())
        }
        (Method::GET, "/version") => of(StatusCode::OK, json!({"release": "v1"}).to_string()),
        (_, path) => match path.strip_prefix("/api/orders/") {
            Some(uuid) if lock(orders).contains(uuid) => {
                of(StatusCode::OK, json!({ "uuid": uuid }).to_string())
            }
            Some(_) => of(StatusCode::NOT_FOUND, ""),
            None => of(StatusCode::OK, "body {}"),
        },
    }
}

fn of(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert("x-release", header::HeaderValue::from_static("v1"));
    response
}

fn lock(orders: &Orders) -> std::sync::MutexGuard<'_, HashSet<String>> {
    orders.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn echo(mut io: TokioIo<hyper::upgrade::Upgraded>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = io.read(&mut buffer).await {
        if io.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
