//! Leases: one rollout an app at a time. A lease lives in memory; after a restart the open journals
//! give them back. A stuck rollout keeps its lease, since its app is half-way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use landfall_api::{OpenPhase, OpenRollout, Problem, ProblemCode, RolloutId, RolloutRef};
use landfall_core::id::AppName;
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::rollout::Rollout;
use landfall_deploy::Cancel;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::feed::Feed;
use crate::hold;

/// Feeds of ended rollouts that are kept with all their events.
const RECENT_MAX: usize = 8;

/// How long a rollout that engine or edge got stuck rests before it is tried again, doubled each time.
const AGAIN_AFTER: Duration = Duration::from_mins(2);
/// Times that it is doubled at most.
const DOUBLINGS_MAX: u32 = 5;

/// The exclusive right to change one app.
#[derive(Debug)]
pub(crate) struct Lease {
    /// For which rollout.
    pub of: RolloutRef,
    /// What it is for.
    pub kind: RolloutKind,
    /// Who asked.
    pub by: String,
    /// When; milliseconds since 1970.
    pub since_ms: u64,
    /// Its events.
    pub feed: Arc<Feed>,
    /// The wish to call it off, as the driver hears it.
    pub cancel: Cancel,
    called_off: watch::Sender<bool>,
    hold_ends_at: OnceLock<Duration>,
    stage: Mutex<Stage>,
    rest: Mutex<Rest>,
}

/// How long nobody has driven it, and how often it was tried again for that.
#[derive(Debug)]
struct Rest {
    since: Instant,
    retries: u32,
}

/// Who works on it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// A task prepares it; nothing is durable.
    Preparing,
    /// A driver runs it.
    Driving,
    /// Nobody: it is held or stuck, or waits to be taken up again.
    Resting,
    /// Nobody can: its journal cannot be read.
    Broken(String),
}

impl Lease {
    /// For a rollout that is being prepared.
    pub(crate) fn preparing(of: RolloutRef, kind: RolloutKind, by: String, since_ms: u64) -> Self {
        let feed = Arc::new(Feed::new(of.clone(), since_ms));
        Self::with(of, kind, by, since_ms, feed, Stage::Preparing)
    }

    /// For an open rollout found in the store.
    pub(crate) fn recovered(kind: RolloutKind, by: String, since_ms: u64, feed: Feed) -> Self {
        Self::with(feed.of().clone(), kind, by, since_ms, Arc::new(feed), Stage::Resting)
    }

    /// For an open rollout that cannot be read: it blocks its app, and says why.
    pub(crate) fn broken(of: RolloutRef, why: String) -> Self {
        let feed = Arc::new(Feed::new(of.clone(), 0));
        Self::with(of, RolloutKind::Deploy, String::new(), 0, feed, Stage::Broken(why))
    }

    fn with(
        of: RolloutRef,
        kind: RolloutKind,
        by: String,
        since_ms: u64,
        feed: Arc<Feed>,
        stage: Stage,
    ) -> Self {
        let (cancel, called_off) = (Cancel::new(), watch::Sender::new(false));
        let (hold_ends_at, stage) = (OnceLock::new(), Mutex::new(stage));
        let rest = Mutex::new(Rest { since: Instant::now(), retries: 0 });
        Self { of, kind, by, since_ms, feed, cancel, called_off, hold_ends_at, stage, rest }
    }

    /// Wishes that it be called off.
    pub(crate) fn call_off(&self) {
        self.cancel.cancel();
        self.called_off.send_replace(true);
    }

    /// Waits for that wish.
    pub(crate) async fn called_off(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.called_off.subscribe().wait_for(|wished| *wished).await;
    }

    /// Becomes the one that drives it; `false` if somebody does already, or nobody can.
    pub(crate) fn try_drive(&self) -> bool {
        let mut stage = lock(&self.stage);
        match *stage {
            Stage::Preparing | Stage::Resting => {
                *stage = Stage::Driving;
                true
            }
            Stage::Driving | Stage::Broken(_) => false,
        }
    }

    /// Nobody drives it any more.
    pub(crate) fn rest(&self) {
        lock(&self.rest).since = Instant::now();
        *lock(&self.stage) = Stage::Resting;
    }

    /// Whether it has rested for so long that what it got stuck by may be over. Says so once, and each
    /// time later.
    pub(crate) fn is_due_again(&self) -> bool {
        let mut rest = lock(&self.rest);
        let is_due = rest.since.elapsed() >= AGAIN_AFTER * (1 << rest.retries.min(DOUBLINGS_MAX));
        if is_due {
            *rest = Rest { since: Instant::now(), retries: rest.retries.saturating_add(1) };
        }
        is_due
    }

    /// Nobody can drive it any more.
    pub(crate) fn break_off(&self, why: String) {
        *lock(&self.stage) = Stage::Broken(why);
    }

    /// Nothing is durable yet.
    pub(crate) fn is_preparing(&self) -> bool {
        *lock(&self.stage) == Stage::Preparing
    }

    /// Why nobody can drive it, if so.
    pub(crate) fn broken_by(&self) -> Option<String> {
        match &*lock(&self.stage) {
            Stage::Broken(why) => Some(why.clone()),
            Stage::Preparing | Stage::Driving | Stage::Resting => None,
        }
    }

    /// Nobody drives it: held, stuck or interrupted.
    pub(crate) fn is_resting(&self) -> bool {
        *lock(&self.stage) == Stage::Resting
    }

    /// Whether it waits for consent.
    pub(crate) fn is_held(&self) -> bool {
        self.feed.look(|rollout| rollout.is_some_and(Rollout::is_held))
    }

    /// The monotonic time at which a hold is over: asked for once, kept for the lease's life, so that
    /// no jump of the wall clock changes it.
    pub(crate) fn hold_ends_at(&self, first: impl FnOnce() -> Duration) -> Duration {
        *self.hold_ends_at.get_or_init(first)
    }

    /// Its plan, once there is one.
    pub(crate) fn plan(&self) -> Option<Plan> {
        self.feed.look(|rollout| rollout.map(|rollout| rollout.plan().clone()))
    }

    /// As viewers see it.
    pub(crate) fn view(&self) -> OpenRollout {
        let held_at_ms = self.feed.held_at_ms().unwrap_or_default();
        let (release, phase) = self.feed.look(|rollout| match (rollout, self.broken_by()) {
            (_, Some(why)) => (None, OpenPhase::Stuck { reason: unreadable(why) }),
            (None, None) => (None, OpenPhase::Preparing),
            (Some(rollout), None) if rollout.is_held() => {
                (rollout.plan().release, held(rollout.plan(), held_at_ms))
            }
            (Some(rollout), None) => {
                let phase = match (rollout.stuck(), rollout.unwinding()) {
                    (Some(reason), _) => OpenPhase::Stuck { reason: reason.clone() },
                    (None, Some(reason)) => OpenPhase::Back { reason: reason.clone() },
                    (None, None) => OpenPhase::Forward { past_pivot: rollout.is_past_pivot() },
                };
                (rollout.plan().release, phase)
            }
        });
        OpenRollout {
            rollout: self.of.rollout,
            kind: self.kind,
            release,
            by: self.by.clone(),
            since_ms: self.since_ms,
            phase,
        }
    }

    /// Why nobody else may change the app now.
    pub(crate) fn problem(&self) -> Problem {
        let RolloutRef { app, rollout } = &self.of;
        match self.view().phase {
            OpenPhase::Stuck { reason } => Problem::new(
                ProblemCode::Stuck,
                format!("rollout {rollout} of {app} is stuck: {reason}"),
            )
            .hint(
                "remove the cause, then `landfall resume`; `landfall abandon` ends it as it stands",
            ),
            OpenPhase::Held { since_ms, .. } => {
                let ago = crate::store::now_ms().saturating_sub(since_ms) / 1000;
                let message = format!(
                    "rollout {rollout} of {app}, started by {}, is held since {ago} s",
                    self.by
                );
                Problem::new(ProblemCode::Busy, message).hint(
                    "let it through with `landfall promote`, or call it off with `landfall cancel`",
                )
            }
            OpenPhase::Preparing | OpenPhase::Forward { .. } | OpenPhase::Back { .. } => {
                let ago = crate::store::now_ms().saturating_sub(self.since_ms) / 1000;
                let message = format!(
                    "rollout {rollout} of {app} is open: started by {} {ago} s ago",
                    self.by
                );
                Problem::new(ProblemCode::Busy, message)
                    .hint("watch it with `landfall attach`, or call it off with `landfall cancel`")
            }
        }
    }
}

fn held(plan: &Plan, since_ms: u64) -> OpenPhase {
    let preview = plan.preview().map(|part| part.routes.clone()).unwrap_or_default();
    OpenPhase::Held { since_ms, until_ms: hold::until_ms(plan, since_ms), preview }
}

fn unreadable(why: String) -> landfall_core::reason::Reason {
    landfall_core::reason::Reason::new(landfall_core::reason::ReasonKind::Interrupted, why)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Single assignments under the lock: a panic elsewhere leaves nothing half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All leases, and the feeds of what ended lately.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: HashMap<AppName, Arc<Lease>>,
    recent: VecDeque<Arc<Feed>>,
}

impl Leases {
    /// Takes an app's lease, or says who has it.
    pub(crate) fn take(&self, lease: Lease) -> Result<Arc<Lease>, Problem> {
        let mut inner = lock(&self.inner);
        if let Some(held) = inner.held.get(&lease.of.app)
            && !planted(Mutation::TwoLeases)
        {
            return Err(held.problem());
        }
        let lease = Arc::new(lease);
        inner.held.insert(lease.of.app.clone(), Arc::clone(&lease));
        Ok(lease)
    }

    /// Gives it back.
    pub(crate) fn give_back(&self, lease: &Arc<Lease>) {
        let mut inner = lock(&self.inner);
        if inner.held.get(&lease.of.app).is_some_and(|held| Arc::ptr_eq(held, lease)) {
            inner.held.remove(&lease.of.app);
        }
        inner.recent.push_front(Arc::clone(&lease.feed));
        inner.recent.truncate(RECENT_MAX);
    }

    /// Who has an app's lease.
    pub(crate) fn held(&self, app: &AppName) -> Option<Arc<Lease>> {
        lock(&self.inner).held.get(app).cloned()
    }

    /// All that are held, by app.
    pub(crate) fn all(&self) -> Vec<Arc<Lease>> {
        let mut all: Vec<_> = lock(&self.inner).held.values().cloned().collect();
        all.sort_by(|a, b| a.of.app.cmp(&b.of.app));
        all
    }

    /// Events in memory.
    pub(crate) fn feed(&self, app: &AppName, id: RolloutId) -> Option<Arc<Feed>> {
        let inner = lock(&self.inner);
        let held = inner.held.get(app).map(|lease| &lease.feed);
        let feeds = held.into_iter().chain(&inner.recent).filter(|feed| feed.of().app == *app);
        match id {
            RolloutId::Latest => feeds.max_by_key(|feed| feed.of().rollout).cloned(),
            RolloutId::Number(number) => {
                feeds.into_iter().find(|feed| feed.of().rollout == number).cloned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::id::RolloutNumber;

    fn lease(app: &str, rollout: u32) -> Lease {
        let of = RolloutRef { app: app.parse().unwrap(), rollout: RolloutNumber(rollout) };
        Lease::preparing(of, RolloutKind::Deploy, "ann@laptop".to_owned(), 1)
    }

    #[test]
    fn the_second_is_told_who_holds_the_lease() {
        let leases = Leases::default();
        let first = leases.take(lease("shop", 7)).unwrap();
        let problem = leases.take(lease("shop", 8)).unwrap_err();
        assert_eq!(problem.code, ProblemCode::Busy);
        assert!(problem.message.contains("rollout d7 of shop is open: started by ann@laptop"));
        leases.take(lease("blog", 1)).unwrap();
        leases.give_back(&first);
        let second = leases.take(lease("shop", 8)).unwrap();
        assert_eq!(second.of.rollout.0, 8);
        let app = "shop".parse().unwrap();
        let number = |id| leases.feed(&app, id).map(|feed| feed.of().rollout.0);
        assert_eq!(number(RolloutId::Latest), Some(8));
        assert_eq!(number(RolloutNumber(7).into()), Some(7));
        assert_eq!(number(RolloutNumber(6).into()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_rests_is_due_again_after_a_while_and_each_time_later() {
        let lease = lease("shop", 1);
        let mut due = Vec::new();
        for minute in 1..=300 {
            tokio::time::advance(Duration::from_mins(1)).await;
            if lease.is_due_again() {
                due.push(minute);
                lease.rest();
            }
        }
        assert_eq!(due, [2, 6, 14, 30, 62, 126, 190, 254]);
    }

    #[test]
    fn only_one_drives() {
        let lease = lease("shop", 1);
        assert!(lease.is_preparing() && lease.try_drive());
        assert!(!lease.try_drive());
        lease.rest();
        assert!(lease.try_drive());
        lease.break_off("torn".to_owned());
        assert!(!lease.try_drive());
        assert_eq!(lease.problem().code, ProblemCode::Stuck);
    }
}
