//! Everybody who is connected: counted, swept for those that stand still, told to leave.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::activity::{Activity, Timing};
use crate::config::Limits;

/// How far the shutdown has come. Later stages include the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Serving.
    Open,
    /// Each answer ends its connection.
    Draining,
    /// Idle connections are closed.
    Closing,
    /// Everything is closed.
    Aborting,
}

/// The register of connections.
#[derive(Debug)]
pub(crate) struct Hub {
    timing: Arc<Timing>,
    stage: AtomicU8,
    next: AtomicU64,
    members: Mutex<HashMap<u64, Arc<Activity>>>,
    left: Notify,
}

/// Membership of one connection, ended by dropping it.
#[derive(Debug)]
pub(crate) struct Member {
    hub: Arc<Hub>,
    id: u64,
    activity: Arc<Activity>,
}

impl Hub {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            timing: Arc::new(Timing::new(limits)),
            stage: AtomicU8::new(Stage::Open as u8),
            next: AtomicU64::new(1),
            members: Mutex::default(),
            left: Notify::new(),
        })
    }

    pub(crate) fn timing(&self) -> &Arc<Timing> {
        &self.timing
    }

    pub(crate) fn join(self: &Arc<Self>) -> Member {
        let activity = Arc::new(Activity::new(Arc::clone(&self.timing)));
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.members().insert(id, Arc::clone(&activity));
        Member { hub: Arc::clone(self), id, activity }
    }

    pub(crate) fn has_reached(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::Relaxed) >= stage as u8
    }

    pub(crate) fn advance(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::SeqCst);
        self.wake(|_| true);
    }

    /// Ticks the clock and wakes whoever stood still for too long.
    pub(crate) fn sweep(&self) {
        self.timing.tick();
        self.wake(Activity::is_overdue);
    }

    /// Cuts off everybody who talks to one of these targets.
    pub(crate) fn cut(&self, targets: &HashSet<u64>) {
        self.wake(|activity| {
            let hit = targets.contains(&activity.talks_to());
            if hit {
                activity.cut();
            }
            hit
        });
    }

    /// Returns once nobody is connected.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.members().is_empty() {
                return;
            }
            left.await;
        }
    }

    /// Wakes outside of the lock: a woken task may leave at once.
    fn wake(&self, whom: impl Fn(&Activity) -> bool) {
        let woken: Vec<_> =
            self.members().values().filter(|activity| whom(activity)).cloned().collect();
        for activity in woken {
            activity.wake();
        }
    }

    fn members(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let empty = {
            let mut members = self.hub.members();
            members.remove(&self.id);
            members.is_empty()
        };
        if empty {
            self.hub.left.notify_waiters();
        }
    }
}
