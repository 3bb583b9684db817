//! A running edge with its folder, its control socket and tables to give it.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::Duration;

use http::{Method, StatusCode};
use landfall_core::control::{Refused, Swapped, TargetStatus};
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::route::{AppRoutes, Route, RouteTable, Upstream};
use landfall_edge::{EdgeConfig, EdgeError, Server};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::call_unix;

/// The bound of each wait: long enough for a busy machine, and never waited for in vain.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Edge {
    pub(crate) dir: TempDir,
    /// An address that tables may listen on.
    pub(crate) listen: SocketAddr,
    control: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Edge {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(configure: impl FnOnce(&mut EdgeConfig)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), configure).await.unwrap()
    }

    pub(crate) async fn start_in(
        dir: TempDir,
        configure: impl FnOnce(&mut EdgeConfig),
    ) -> Result<Self, EdgeError> {
        let control = dir.path().join("control.sock");
        let mut config = EdgeConfig::new(dir.path().join("state"), &control);
        config.limits.shutdown_idle = Duration::from_millis(50);
        configure(&mut config);
        let server = Server::start(config).await?;
        Ok(Self::of(server, dir, control, free_address()))
    }

    /// Another edge takes over from this one, which finishes. The folder goes with the new one.
    pub(crate) async fn succeed(
        self,
        configure: impl FnOnce(&mut EdgeConfig),
    ) -> (Self, Finishing) {
        let mut config = EdgeConfig::new(self.dir.path().join("state"), &self.control);
        config.limits.shutdown_idle = Duration::from_millis(50);
        configure(&mut config);
        let server = Server::take_over(config).await.unwrap();
        let Self { dir, listen, control, stop, served } = self;
        (Self::of(server, dir, control, listen), Finishing { stop, served })
    }

    fn of(server: Server, dir: TempDir, control: PathBuf, listen: SocketAddr) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
        Self { dir, listen, control, stop: Some(stop), served }
    }

    /// Begins the shutdown.
    pub(crate) fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops and hands the folder on.
    pub(crate) async fn stop(mut self) -> TempDir {
        self.begin_stop();
        within(self.served).await.unwrap();
        self.dir
    }

    pub(crate) fn control(&self) -> &PathBuf {
        &self.control
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str) -> T {
        let (status, body) = call_unix(&self.control, Method::GET, path, Vec::new()).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> T {
        let body = serde_json::to_vec(body).unwrap();
        let (status, body) = call_unix(&self.control, Method::POST, path, body).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    pub(crate) async fn put(&self, table: &RouteTable) -> Result<Swapped, (StatusCode, Refused)> {
        let body = serde_json::to_vec(table).unwrap();
        let (status, body) = call_unix(&self.control, Method::PUT, "/v1/table", body).await;
        if status == StatusCode::OK {
            Ok(serde_json::from_slice(&body).unwrap())
        } else {
            Err((status, serde_json::from_slice(&body).unwrap()))
        }
    }

    /// Serves one app on `listen`: each path leads to its endpoints, all of this rollout.
    pub(crate) async fn serve(&self, rollout: u32, routes: &[(&str, &[SocketAddr])]) {
        let current: RouteTable = self.ask("/v1/table").await;
        let routes = routes.iter().map(|(path, to)| route(self.listen, None, path, to)).collect();
        let next = current.with_app(&"shop".parse().unwrap(), Some(part(rollout, routes)));
        self.put(&next).await.unwrap();
    }

    /// Requests that came to it so far.
    pub(crate) async fn requests(&self) -> u64 {
        self.ask::<landfall_core::control::EdgeStatus>("/v1/status").await.requests
    }

    pub(crate) async fn targets(&self) -> Vec<TargetStatus> {
        self.ask("/v1/targets").await
    }

    /// Requests in flight to the targets of one rollout, and `None` once they are drained.
    pub(crate) async fn in_flight(&self, rollout: u32) -> Option<u64> {
        let targets = self.targets().await;
        let mut of_rollout =
            targets.iter().filter(|target| target.rollout == RolloutNumber(rollout)).peekable();
        of_rollout.peek()?;
        Some(of_rollout.map(|target| target.in_flight).sum())
    }

    /// Waits until nothing is in flight to the targets of a rollout that no longer serves.
    pub(crate) async fn drained(&self, rollout: u32) {
        within(async {
            while self.in_flight(rollout).await.is_some() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }
}

/// An edge that another took over from.
pub(crate) struct Finishing {
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Finishing {
    pub(crate) fn is_over(&self) -> bool {
        self.served.is_finished()
    }

    /// Asks it to end now.
    pub(crate) fn hurry(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) {
        within(self.served).await.unwrap();
    }
}

pub(crate) fn route(
    listen: SocketAddr,
    host: Option<&str>,
    path: &str,
    endpoints: &[SocketAddr],
) -> Route {
    let upstream = Upstream { service: "web".parse().unwrap(), endpoints: endpoints.to_vec() };
    Route { listen, host: host.map(str::to_owned), path: path.to_owned(), upstream }
}

pub(crate) fn part(rollout: u32, routes: Vec<Route>) -> AppRoutes {
    AppRoutes { release: ReleaseNumber(rollout), rollout: RolloutNumber(rollout), routes }
}

/// An address that nobody listens on, outside of the range that the kernel hands out by itself, so
/// that nobody takes it meanwhile.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() * 37 % 12_000).expect("less than 12,000");
    loop {
        let step = NEXT.fetch_add(1, Relaxed);
        let port = 20_000 + (start + step) % 12_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

/// Awaits something that must come.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes too long")
}

/// Asks again and again until it holds.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    within(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
