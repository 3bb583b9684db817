//! One endpoint of one rollout: its count of requests in flight and its pool of idle connections.
//!
//! A target lives in the table that serves; when the table loses it, it is *retired*: it gets no new
//! requests and its idle connections are closed. Its pool dies with it, so a reused address never
//! meets a stale connection.
//!
//! The count is exact: a request counts itself in and *then* looks whether the target was retired; a
//! swap retires and *then* reads the count (both sequentially consistent). So either the request
//! turns back to the new table or the reader sees it, and a zero stays zero.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use landfall_core::control::TargetStatus;
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber, ServiceName};

use crate::patience::Patience;
use crate::upstream::Upstream;

/// Refusals that are further apart belong to two outages.
const OUTAGE_GAP_MS: u64 = 60_000;

/// What makes a target the same across tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TargetKey {
    pub(crate) app: AppName,
    pub(crate) release: ReleaseNumber,
    pub(crate) rollout: RolloutNumber,
    pub(crate) service: ServiceName,
    pub(crate) endpoint: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Target {
    id: u64,
    key: TargetKey,
    in_flight: AtomicU64,
    retired: AtomicBool,
    closed: AtomicBool,
    avoid_until_ms: AtomicU64,
    /// When it refused first since it last accepted; 0 if it accepts for all we know.
    away_since_ms: AtomicU64,
    patience: Patience,
    idle_max: usize,
    idle: Mutex<Vec<Upstream>>,
}

impl Target {
    pub(crate) fn new(id: u64, key: TargetKey, idle_max: usize) -> Arc<Self> {
        Arc::new(Self {
            id,
            key,
            in_flight: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            avoid_until_ms: AtomicU64::new(0),
            away_since_ms: AtomicU64::new(0),
            patience: Patience::default(),
            idle_max,
            idle: Mutex::default(),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn key(&self) -> &TargetKey {
        &self.key
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(SeqCst)
    }

    /// Counts a request in; `None` if the target was retired: look into the new table.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Flight> {
        self.in_flight.fetch_add(1, SeqCst);
        let flight = Flight { target: Arc::clone(self) };
        (!self.retired.load(SeqCst)).then_some(flight)
    }

    /// No new requests; idle connections are closed.
    pub(crate) fn retire(&self) {
        self.retired.store(true, SeqCst);
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// Serves again, as when a cutover is taken back.
    pub(crate) fn revive(&self) {
        self.retired.store(false, SeqCst);
    }

    /// Whoever is still in flight gives up.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Retired, and nothing is or can become in flight.
    pub(crate) fn is_drained(&self) -> bool {
        self.retired.load(SeqCst) && (self.is_closed() || self.in_flight() == 0)
    }

    /// Notes that it refused a connection.
    pub(crate) fn note_refusal(&self, now_ms: u64, avoid_ms: u64) {
        let before = self.avoid_until_ms.swap(now_ms + avoid_ms, Relaxed);
        // The first of several counts, but not one that kept connections have outlived.
        if self.away_since_ms.load(Relaxed) == 0 || now_ms > before + OUTAGE_GAP_MS {
            self.away_since_ms.store(now_ms.max(1), Relaxed);
        }
    }

    /// Notes that it accepted a connection.
    pub(crate) fn note_accepted(&self) {
        if self.away_since_ms.load(Relaxed) != 0 {
            self.away_since_ms.store(0, Relaxed);
        }
    }

    /// For how long it has refused.
    pub(crate) fn away_ms(&self, now_ms: u64) -> u64 {
        match self.away_since_ms.load(Relaxed) {
            0 => 0,
            since => now_ms.saturating_sub(since),
        }
    }

    pub(crate) fn is_avoided(&self, now_ms: u64) -> bool {
        self.avoid_until_ms.load(Relaxed) > now_ms
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The connection that was put back last, and how long ago, if it was within `max_idle`.
    pub(crate) fn take_idle(&self, max_idle: Duration) -> Option<(Upstream, Duration)> {
        let upstream = self.idle().pop()?;
        let idle = upstream.idle_for();
        if idle <= max_idle {
            return Some((upstream, idle));
        }
        // It may still do for a request that can be repeated.
        self.put_idle(upstream);
        None
    }

    /// Takes a connection back, unless there are enough or the target is retired.
    pub(crate) fn put_idle(&self, upstream: Upstream) {
        let mut idle = self.idle();
        if idle.len() < self.idle_max && !self.retired.load(SeqCst) {
            idle.push(upstream);
        } else {
            drop(idle);
        }
    }

    /// Closes connections that were idle for too long or that the endpoint has closed.
    pub(crate) fn sweep_idle(&self, max_idle: Duration) {
        let now = Instant::now();
        let all = std::mem::take(&mut *self.idle());
        let mut kept: Vec<_> =
            all.into_iter().filter_map(|upstream| upstream.still_good(now, max_idle)).collect();
        let mut idle = self.idle();
        if self.retired.load(SeqCst) {
            return;
        }
        // What came back meanwhile is younger: it belongs on top.
        kept.append(&mut idle);
        *idle = kept;
    }

    pub(crate) fn status(&self) -> TargetStatus {
        TargetStatus {
            app: self.key.app.clone(),
            release: self.key.release,
            rollout: self.key.rollout,
            service: self.key.service.clone(),
            endpoint: self.key.endpoint,
            in_flight: self.in_flight(),
            retired: self.retired.load(SeqCst),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Upstream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request or tunnel in flight: counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    target: Arc<Target>,
}

impl Flight {
    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.target.in_flight.fetch_sub(1, SeqCst);
    }
}

/// Picks the endpoint with the fewest requests in flight; among equals the next in turn.
/// Endpoints in `tried` are left out; those that lately refused are taken only if nothing else is
/// left.
pub(crate) fn least_busy<'a>(
    targets: &'a [Arc<Target>],
    turn: usize,
    tried: &[u64],
    now_ms: u64,
) -> Option<&'a Arc<Target>> {
    if let [only] = targets {
        return (!tried.contains(&only.id)).then_some(only);
    }
    let count = targets.len().max(1);
    (0..targets.len())
        .map(|step| &targets[(turn + step) % count])
        .filter(|target| !tried.contains(&target.id))
        .min_by_key(|target| (target.is_avoided(now_ms), target.in_flight()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(id: u64) -> Arc<Target> {
        let key = TargetKey {
            app: "shop".parse().unwrap(),
            release: ReleaseNumber(1),
            rollout: RolloutNumber(1),
            service: "web".parse().unwrap(),
            endpoint: "127.0.0.1:80".parse().unwrap(),
        };
        Target::new(id, key, 1)
    }

    #[test]
    fn the_least_busy_is_picked_and_the_refusing_avoided() {
        let targets = [target(1), target(2), target(3)];
        let pick = |turn, tried: &[u64]| least_busy(&targets, turn, tried, 10).map(|t| t.id);
        assert_eq!(pick(0, &[]), Some(1));
        assert_eq!(pick(1, &[]), Some(2), "equals take turns");
        let busy = targets[0].enter().unwrap();
        assert_eq!(pick(0, &[]), Some(2));
        targets[1].note_refusal(5, 15);
        assert_eq!(pick(0, &[]), Some(3));
        assert_eq!(pick(0, &[3]), Some(1), "busy before refusing");
        assert_eq!(pick(0, &[1, 3]), Some(2), "refusing before nothing");
        assert_eq!(pick(0, &[1, 2, 3]), None);
        drop(busy);
        assert_eq!(targets[0].in_flight(), 0);
    }

    #[test]
    fn an_outage_lasts_from_the_first_refusal_to_the_next_connection() {
        let target = target(1);
        target.note_refusal(100, 10);
        target.note_refusal(200, 10);
        assert_eq!((target.away_ms(250), target.is_avoided(205)), (150, true));
        target.note_accepted();
        assert_eq!(target.away_ms(250), 0);
        target.note_refusal(300, 10);
        target.note_refusal(100_000, 10);
        assert_eq!(target.away_ms(100_050), 50, "another outage");
    }

    #[test]
    fn a_retired_target_turns_requests_back() {
        let target = target(1);
        let flight = target.enter().unwrap();
        target.retire();
        assert!(target.enter().is_none());
        assert_eq!(target.in_flight(), 1);
        assert!(!target.is_drained());
        drop(flight);
        assert!(target.is_drained());
        target.revive();
        assert!(target.enter().is_some() && !target.is_drained());
    }

    #[test]
    fn a_closed_target_counts_as_drained() {
        let target = target(1);
        let _flight = target.enter().unwrap();
        target.retire();
        target.close();
        assert!(target.is_drained());
    }
}
