//! The register of targets: those that serve, and those that are retired and not drained yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use landfall_core::control::TargetStatus;
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::route::RouteTable;

use crate::routing::Routing;
use crate::target::{Target, TargetKey, least_busy};

/// The targets of one route.
#[derive(Debug)]
pub(crate) struct Endpoints {
    targets: Vec<Arc<Target>>,
    turn: AtomicUsize,
}

impl Endpoints {
    /// The best one that was not tried yet.
    pub(crate) fn choose(&self, tried: &[u64], now_ms: u64) -> Option<&Arc<Target>> {
        least_busy(&self.targets, self.turn.fetch_add(1, Relaxed), tried, now_ms)
    }

    /// For how long all of them have refused.
    pub(crate) fn away_ms(&self, now_ms: u64) -> u64 {
        self.targets.iter().map(|target| target.away_ms(now_ms)).min().unwrap_or(0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Targets {
    serving: HashMap<TargetKey, Arc<Target>>,
    retired: Vec<Arc<Target>>,
    last_id: u64,
}

impl Targets {
    /// Compiles a table, keeping the targets that stay and reviving those that come back, and hands
    /// it to `publish`. What the table lost is retired after that, so that nobody who is turned back
    /// finds the old table again.
    pub(crate) fn replace(
        &mut self,
        table: &RouteTable,
        idle_max: usize,
        publish: impl FnOnce(Routing<Endpoints>),
    ) {
        let before = std::mem::take(&mut self.serving);
        let mut routing = Routing::default();
        for (app, part) in table.parts() {
            for route in &part.routes {
                let targets = route.upstream.endpoints.iter().map(|endpoint| {
                    let key = TargetKey {
                        app: app.clone(),
                        release: part.release,
                        rollout: part.rollout,
                        service: route.upstream.service.clone(),
                        endpoint: *endpoint,
                    };
                    self.serve(&before, idle_max, key)
                });
                let targets = targets.collect();
                routing.insert(route, Endpoints { targets, turn: AtomicUsize::new(0) });
            }
        }
        publish(routing);
        for (key, target) in before {
            if !self.serving.contains_key(&key) {
                target.retire();
                self.retired.push(target);
            }
        }
        self.forget_drained();
    }

    /// Forgets those that nothing is in flight to any more.
    pub(crate) fn forget_drained(&mut self) {
        self.retired.retain(|target| !target.is_drained());
    }

    /// Closes a rollout's retired targets and names them.
    pub(crate) fn close(&mut self, app: &AppName, rollout: RolloutNumber) -> HashSet<u64> {
        let mut closed = HashSet::new();
        for target in &self.retired {
            if target.key().app == *app && target.key().rollout == rollout {
                target.close();
                closed.insert(target.id());
            }
        }
        self.forget_drained();
        closed
    }

    pub(crate) fn serving(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.serving.values()
    }

    /// All of them, in a stable order.
    pub(crate) fn status(&self) -> Vec<TargetStatus> {
        let all = self.serving.values().chain(&self.retired);
        let mut status: Vec<_> = all.map(|target| target.status()).collect();
        status.sort_by(|a, b| {
            let key = |s: &TargetStatus| (s.app.clone(), s.rollout, s.service.clone(), s.endpoint);
            key(a).cmp(&key(b))
        });
        status
    }

    fn serve(
        &mut self,
        before: &HashMap<TargetKey, Arc<Target>>,
        idle_max: usize,
        key: TargetKey,
    ) -> Arc<Target> {
        let known = self.serving.get(&key).or_else(|| before.get(&key)).cloned();
        let target = known.or_else(|| self.revive(&key)).unwrap_or_else(|| {
            self.last_id += 1;
            Target::new(self.last_id, key.clone(), idle_max)
        });
        self.serving.insert(key, Arc::clone(&target));
        target
    }

    fn revive(&mut self, key: &TargetKey) -> Option<Arc<Target>> {
        let at = self.retired.iter().position(|t| t.key() == key && !t.is_closed())?;
        let target = self.retired.swap_remove(at);
        target.revive();
        Some(target)
    }
}
