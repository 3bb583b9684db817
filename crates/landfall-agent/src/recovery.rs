//! Taking up what an earlier agent left open: fold the journal, say so in it, go on.
//!
//! Nothing here may panic: it runs over whatever a crash left.

use std::sync::Arc;
use std::time::Duration;

use landfall_api::{Problem, RolloutRef};
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::Record;
use landfall_core::rollout::Rollout;
use landfall_deploy::ports::JournalStore;

use crate::agent::Agent;
use crate::feed::{Feed, ToldJournal};
use crate::ground::{EdgeProcess, Ground, Store};
use crate::history;
use crate::lease::Lease;
use crate::platform::Platform;
use crate::store::{Began, Journal, StoreError};

/// Time between two looks for the engine.
const ENGINE_EVERY: Duration = Duration::from_secs(1);
/// Times that something is read from the store before it counts as unreadable.
const READS_MAX: u32 = 15;
/// Time between two such reads.
const READ_EVERY: Duration = Duration::from_millis(200);
/// Longest wait for the edge: undoing works without it.
const EDGE_WAIT_MAX: Duration = Duration::from_secs(30);

impl<G: Ground> Agent<G> {
    /// Takes the leases of all open rollouts, before any request is answered.
    pub(crate) async fn find_open(&self) -> Result<Vec<Arc<Lease>>, StoreError> {
        let mut found = Vec::new();
        for app in self.store.apps().await? {
            match patiently(|| self.store.rollouts(&app)).await {
                Ok(rollouts) => {
                    if let Some(open) = history::open(&rollouts) {
                        found.extend(self.take_open(open).await);
                    }
                }
                Err(error) => self.block(app, RolloutNumber::default(), &error),
            }
        }
        Ok(found)
    }

    async fn take_open(&self, open: &Began) -> Option<Arc<Lease>> {
        let header = &open.header;
        match patiently(|| fold(&self.store, &header.app, header.rollout)).await {
            Ok((_, journal)) => {
                let feed = Feed::rebuilt(&journal);
                let (by, since_ms) = (header.by.clone(), header.opened_at_ms);
                let lease =
                    self.leases.take(Lease::recovered(header.kind, by, since_ms, feed)).ok();
                if let Some(lease) = lease.iter().find(|_| planted(Mutation::RecoveryWithoutLease))
                {
                    self.leases.give_back(lease);
                }
                lease
            }
            Err(error) => {
                self.block(header.app.clone(), header.rollout, &error);
                None
            }
        }
    }

    /// One app's journal cannot be read: it is blocked and says why, the others go on.
    fn block(&self, app: AppName, rollout: RolloutNumber, error: &StoreError) {
        tracing::error!(%app, %error, "its journal cannot be read");
        let of = RolloutRef { app, rollout };
        drop(self.leases.take(Lease::broken(of, error.to_string())));
    }

    /// Goes on with all of them, once the engine answers.
    pub(crate) fn take_up(&self, leases: Vec<Arc<Lease>>) {
        for lease in leases {
            let (agent, task_lease) = (self.clone(), Arc::clone(&lease));
            self.supervise(lease, async move {
                agent.wait_for_neighbours().await;
                agent.go_on(&task_lease).await;
            });
        }
    }

    async fn wait_for_neighbours(&self) {
        let mut waited = 0_u64;
        while let Err(error) = self.platform.ping().await {
            if waited.is_multiple_of(60) {
                tracing::warn!(%error, "open rollouts wait for the engine");
            }
            waited += 1;
            tokio::time::sleep(ENGINE_EVERY).await;
        }
        let edge = async {
            while self.edge.status().await.is_err() {
                tokio::time::sleep(ENGINE_EVERY).await;
            }
        };
        // Its absence is then a failure of the step that needs it, and told as such.
        drop(tokio::time::timeout(EDGE_WAIT_MAX, edge).await);
    }

    /// Folds the journal, records `resumed`, and drives on.
    pub(crate) async fn go_on(&self, lease: &Arc<Lease>) {
        if !lease.try_drive() {
            return;
        }
        if lease.is_held() {
            // Nothing is to be done, and nothing to be said: it is held as it was.
            return self.rest_held(lease);
        }
        if let Err(problem) = self.drive_on(lease, Some(Record::Resumed)).await {
            let RolloutRef { app, rollout } = &lease.of;
            tracing::error!(%app, %rollout, problem = problem.message, "cannot go on");
            self.catch_up(lease).await;
            lease.rest();
        }
    }

    /// Tells what is durable and was not told, so that what rests is seen as what it is.
    pub(crate) async fn catch_up(&self, lease: &Lease) {
        let RolloutRef { app, rollout } = &lease.of;
        if let Ok((_, journal)) = patiently(|| fold(&self.store, app, *rollout)).await {
            lease.feed.catch_up(&journal);
        }
    }

    /// Folds the journal, adds a record that is due, and drives.
    pub(crate) async fn drive_on(
        &self,
        lease: &Arc<Lease>,
        first: Option<Record>,
    ) -> Result<(), Problem> {
        let RolloutRef { app, rollout: number } = &lease.of;
        let (mut rollout, journal) = fold(&self.store, app, *number).await?;
        if rollout.verdict().is_some() {
            // Whoever sees the end may start anew.
            self.leases.give_back(lease);
            lease.feed.catch_up(&journal);
            return Ok(());
        }
        let release = match rollout.plan().release {
            Some(number) => self.store.release(app, number).await?,
            None => None,
        };
        lease.feed.catch_up(&journal);
        if first == Some(Record::Resumed) && rollout.is_held() {
            // Nobody had told that it is held.
            self.rest_held(lease);
            return Ok(());
        }
        let damaged = |error: String| Problem::from(StoreError::Damaged(error));
        let again = matches!(first, Some(Record::Promoted { .. })) && rollout.is_promoted();
        if let Some(record) = first.filter(|_| !again) {
            rollout.apply(&record).map_err(|error| damaged(error.to_string()))?;
            let journal = ToldJournal::new(self.store.clone(), Arc::clone(&lease.feed));
            journal
                .append(app, *number, &record)
                .await
                .map_err(|error| damaged(error.to_string()))?;
        }
        tracing::info!(%app, rollout = %number, "goes on");
        self.drive(lease, rollout, release).await;
        Ok(())
    }

    /// Rollouts that nobody drives are taken up again: interrupted ones always, those that the
    /// engine or the edge got stuck when it is back, or now and then: it may have been there and busy.
    pub(crate) fn take_up_interrupted(&self, is_back: bool) {
        let interrupted = |lease: &Arc<Lease>| {
            let by_absence = |reason: &Reason| match reason.kind {
                ReasonKind::Engine | ReasonKind::Edge => is_back || lease.is_due_again(),
                ReasonKind::Crashed
                | ReasonKind::NotReady
                | ReasonKind::OneOffFailed
                | ReasonKind::VerifyFailed
                | ReasonKind::Files
                | ReasonKind::Deadline
                | ReasonKind::Cancelled
                | ReasonKind::Interrupted => false,
            };
            let wanted =
                |rollout: &Rollout| !rollout.is_held() && rollout.stuck().is_none_or(by_absence);
            lease.is_resting() && lease.feed.look(|rollout| rollout.is_none_or(wanted))
        };
        let leases = self.leases.all().into_iter().filter(interrupted).collect();
        self.take_up(leases);
    }
}

/// Reads again what could not be read for a moment: an app must not stay blocked for that.
pub(crate) async fn patiently<T, F>(read: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let reads = if planted(Mutation::ReadOnce) { 1 } else { READS_MAX };
    for _ in 1..reads {
        match read().await {
            Err(StoreError::Io(_) | StoreError::Sqlite(_) | StoreError::Full(_)) => {
                tokio::time::sleep(READ_EVERY).await;
            }
            done @ (Ok(_)
            | Err(
                StoreError::Foreign(_)
                | StoreError::Damaged(_)
                | StoreError::Lost(_)
                | StoreError::Closed,
            )) => return done,
        }
    }
    read().await
}

/// A stored journal, and the fold over it.
pub(crate) async fn fold(
    store: &impl Store,
    app: &AppName,
    number: RolloutNumber,
) -> Result<(Rollout, Journal), StoreError> {
    let journal = store.journal(app, number).await?;
    let journal =
        journal.ok_or_else(|| StoreError::Damaged(format!("{app} {number} is missing")))?;
    let records = journal.entries.iter().map(|entry| entry.record.clone());
    let rollout =
        Rollout::replay(records).map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok((rollout, journal))
}
