//! What serves now, and how it is replaced.
//!
//! Requests read one atomic pointer. Writers take turns, and a swap goes in an order in which each
//! failure leaves everything as it was: check, bind the new listeners, persist, and only then swap,
//! retire what the table lost and stop the listeners it lost.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use landfall_core::control::{CloseRequest, Refused, RefusedKind, TargetStatus};
use landfall_core::route::RouteTable;
use tokio::sync::{Semaphore, watch};

use crate::activity::millis;
use crate::config::{EdgeConfig, Limits};
use crate::control::ControlSocket;
use crate::doors::{Doors, Opened};
use crate::gather::Larder;
use crate::handover::{Line, Tether, joined};
use crate::held::Room;
use crate::hub::Hub;
use crate::limits::connections_max;
use crate::routing::{self, Routing};
use crate::store::Store;
use crate::target::{Flight, Target};
use crate::targets::{Endpoints, Targets};

/// A table and what it leads to.
#[derive(Debug, Default)]
struct Serving {
    table: RouteTable,
    routing: Routing<Endpoints>,
}

/// Why there is no endpoint for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PickError {
    /// No route fits.
    NoRoute,
    /// All endpoints were tried; for how long they have refused.
    Exhausted { away_ms: u64 },
}

/// What makes an edge *the* edge, and is passed on to a successor.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) store: Store,
    pub(crate) control: Arc<ControlSocket>,
    /// Locked, with the pid in it.
    pub(crate) pid_file: Option<Arc<File>>,
}

/// The edge's state, shared by all its tasks.
#[derive(Debug)]
pub(crate) struct Edge {
    config: EdgeConfig,
    serving: ArcSwap<Serving>,
    targets: Mutex<Targets>,
    doors: Doors,
    /// Held by the one writer.
    writer: Arc<tokio::sync::Mutex<()>>,
    /// Gone once the edge has stopped or handed over.
    estate: Arc<Mutex<Option<Estate>>>,
    /// The edge that this one took over from, while that finishes.
    predecessor: Tether,
    /// The connection to the edge that took over from this one.
    successor: Mutex<Option<Line>>,
    has_left: watch::Sender<bool>,
    hub: Arc<Hub>,
    room: Arc<Room>,
    places: Arc<Semaphore>,
    larder: Larder,
    requests: AtomicU64,
}

impl Edge {
    /// Will serve a loaded table, once it has listeners: those of the predecessor, or what
    /// [`Edge::bind_missing`] binds, again and again: one lost address must not keep the others from
    /// serving.
    pub(crate) fn new(config: EdgeConfig, table: RouteTable) -> Arc<Self> {
        let edge = Arc::new(Self {
            hub: Hub::new(&config.limits),
            places: Arc::new(Semaphore::new(connections_max(config.limits.connections_max))),
            doors: Doors::new(config.keeper.clone()),
            config,
            serving: ArcSwap::default(),
            targets: Mutex::default(),
            room: Arc::default(),
            larder: Larder::default(),
            writer: Arc::default(),
            estate: Arc::default(),
            predecessor: Tether::default(),
            successor: Mutex::default(),
            has_left: watch::Sender::new(false),
            requests: AtomicU64::new(0),
        });
        edge.replace(table);
        edge
    }

    /// From now on this is the edge: it writes tables.
    pub(crate) fn own(&self, estate: Estate) {
        *self.lock_estate() = Some(estate);
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.config.limits
    }

    pub(crate) fn trusted(&self) -> &[IpNet] {
        &self.config.trusted_proxies
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Where requests wait for an endpoint.
    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Where bodies lie that may be sent twice.
    pub(crate) fn larder(&self) -> &Larder {
        &self.larder
    }

    pub(crate) fn doors(&self) -> &Doors {
        &self.doors
    }

    pub(crate) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    pub(crate) fn table(&self) -> RouteTable {
        self.serving.load().table.clone()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.serving.load().table.generation
    }

    /// Picks an endpoint for a request and counts the request in.
    pub(crate) fn pick(
        &self,
        at: [SocketAddr; 2],
        host: &str,
        path: &str,
        tried: &[u64],
    ) -> Result<Flight, PickError> {
        let now_ms = self.hub.timing().now_ms();
        loop {
            let serving = self.serving.load();
            let endpoints = serving.routing.find(at, host, path).ok_or(PickError::NoRoute)?;
            let target = endpoints
                .choose(tried, now_ms)
                .ok_or_else(|| PickError::Exhausted { away_ms: endpoints.away_ms(now_ms) })?;
            // A retired target means that this table is not the current one any more.
            if let Some(flight) = target.enter() {
                return Ok(flight);
            }
        }
    }

    /// An endpoint did not accept a connection: the others come first for a while.
    pub(crate) fn note_refusal(&self, target: &Target) {
        target.note_refusal(self.hub.timing().now_ms(), millis(self.config.limits.avoid));
    }

    /// Replaces the table. On refusal nothing has changed. Must run to its end: the caller may not
    /// drop it half-way.
    pub(crate) async fn swap(self: &Arc<Self>, next: RouteTable) -> Result<u64, Refused> {
        let _writer = self.writer.lock().await;
        let current = Arc::clone(&self.serving.load());
        let generation = current.table.generation;
        if next == current.table {
            return Ok(generation);
        }
        let refuse = |kind, message| Refused { kind, message, generation };
        if generation.checked_add(1) != Some(next.generation) {
            let offered = next.generation;
            let message = format!("generation {generation} serves, {offered} cannot follow it");
            return Err(refuse(RefusedKind::Stale, message));
        }
        let superseded = |why| refuse(RefusedKind::Superseded, format!("{why}"));
        current.table.succeeded_by(&next).map_err(superseded)?;
        routing::check(&next).map_err(|why| refuse(RefusedKind::Invalid, why))?;
        let opened =
            self.doors.bind(needed(&current.table, &next)).map_err(|(listen, error)| {
                refuse(RefusedKind::Listen, format!("cannot listen on {listen}: {error}"))
            })?;
        let estate = Arc::clone(&self.estate);
        let saved = tokio::task::spawn_blocking(move || {
            let mut estate = estate.lock().unwrap_or_else(PoisonError::into_inner);
            let gone = || io::Error::other("this edge stops, or another has taken over");
            estate.as_mut().ok_or_else(gone)?.store.save(&next).map(|()| next)
        });
        let next = saved.await.map_err(io::Error::other).flatten().map_err(|error| {
            refuse(RefusedKind::Storage, format!("cannot persist the table: {error}"))
        })?;
        let generation = next.generation;
        // Persisted, so it holds; and nobody may be sent by the old table once this is answered.
        self.predecessor.serve(&next).await;
        self.install(next, opened);
        tracing::info!(generation, "serves a new table");
        Ok(generation)
    }

    /// Binds what the table wants and no listener serves yet, unless a swap is under way; says what
    /// is still missing.
    pub(crate) fn bind_missing(self: &Arc<Self>) -> Vec<(SocketAddr, io::Error)> {
        let Ok(_writer) = self.writer.try_lock() else { return Vec::new() };
        if self.lock_estate().is_none() {
            return Vec::new();
        }
        let missing = self.doors.missing(self.serving.load().table.listeners());
        let mut failures = Vec::new();
        for listen in missing {
            match self.doors.bind(BTreeSet::from([listen])) {
                Ok(opened) => self.doors.serve(self, opened),
                Err(failure) => failures.push(failure),
            }
        }
        failures
    }

    /// The targets that serve and those that are not drained yet, here and at the old edge.
    pub(crate) async fn targets(&self) -> Vec<TargetStatus> {
        let theirs = self.predecessor.targets().await;
        let ours = {
            let mut targets = self.lock_targets();
            targets.forget_drained();
            targets.status()
        };
        joined(ours, theirs)
    }

    /// Closes what is still open to a rollout's retired targets, here and at the old edge.
    pub(crate) async fn close(&self, request: &CloseRequest) {
        self.predecessor.close(request).await;
        let closed = self.lock_targets().close(&request.app, request.rollout);
        self.hub.cut(&closed);
    }

    /// Closes idle connections to endpoints that are too old or were closed by the endpoint.
    pub(crate) fn sweep_pools(&self) {
        let serving: Vec<_> = {
            let mut targets = self.lock_targets();
            targets.forget_drained();
            targets.serving().cloned().collect()
        };
        for target in serving {
            target.sweep_idle(self.config.limits.pool_idle);
        }
    }

    pub(crate) fn writer(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.writer
    }

    /// Lets go of what makes it the edge: no table can be replaced any more. To be called by who
    /// holds the writer's lock, or at the end.
    pub(crate) fn leave(&self) -> Option<Estate> {
        self.lock_estate().take()
    }

    /// A successor has taken over; this edge finishes.
    pub(crate) fn left(&self, estate: Estate, successor: Line) {
        estate.control.keep_file(true);
        drop(estate);
        *self.successor.lock().unwrap_or_else(PoisonError::into_inner) = Some(successor);
        self.has_left.send_replace(true);
    }

    pub(crate) fn has_left(&self) -> bool {
        *self.has_left.borrow()
    }

    /// Waits for the moment in which a successor has taken over, and gives the connection to it.
    pub(crate) async fn succeeded(&self) -> Line {
        let mut left = self.has_left.subscribe();
        loop {
            let line = self.successor.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(line) = line {
                return line;
            }
            if left.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The connection to the edge that this one took over from.
    pub(crate) fn predecessor(&self) -> &Tether {
        &self.predecessor
    }

    /// Serves what the successor serves, to the clients that are still here.
    pub(crate) async fn follow(&self, table: RouteTable) {
        self.predecessor.serve(&table).await;
        self.replace(table);
    }

    /// Makes a persisted table serve.
    fn install(self: &Arc<Self>, table: RouteTable, opened: Opened) {
        let wanted = table.listeners();
        self.replace(table);
        self.doors.serve(self, opened);
        self.doors.end_others(&wanted);
    }

    fn replace(&self, table: RouteTable) {
        let idle_max = self.config.limits.pool_idle_max;
        let mut targets = self.lock_targets();
        let compiled = table.clone();
        targets.replace(&compiled, idle_max, |routing| {
            self.serving.store(Arc::new(Serving { table, routing }));
        });
        drop(targets);
        self.room.call();
    }

    fn lock_estate(&self) -> MutexGuard<'_, Option<Estate>> {
        self.estate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_targets(&self) -> MutexGuard<'_, Targets> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listeners that must stand before `next` may serve: new ones, and those of apps that change. One
/// that another app has been waiting for since the start holds nobody up.
fn needed(current: &RouteTable, next: &RouteTable) -> BTreeSet<SocketAddr> {
    let known = current.listeners();
    let serves = next.apps.iter().map(|(app, part)| (part, current.apps.get(app)));
    let previews = next.previews.iter().map(|(app, part)| (part, current.previews.get(app)));
    serves
        .chain(previews)
        .flat_map(|(part, before)| {
            let changed = before != Some(part);
            part.routes.iter().map(move |route| (route.listen, changed))
        })
        .filter(|(listen, changed)| *changed || !known.contains(listen))
        .map(|(listen, _)| listen)
        .collect()
}
