//! From an accepted wish to the end of its rollout, in a task that outlives the client.

use std::sync::Arc;
use std::time::Duration;

use landfall_api::{
    EventKind, NothingToDo, Outcome, PlanView, Problem, ProblemCode, RolloutAnswer, RolloutId,
    RolloutRef,
};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::Plan;
use landfall_core::record::Verdict;
use landfall_core::release::Release;
use landfall_core::rollout::Rollout;
use landfall_deploy::{Driver, Settled};
use tokio::sync::OwnedMutexGuard;

use crate::agent::Agent;
use crate::feed::{Feed, ToldJournal, ToldProgress};
use crate::ground::{Ground, Store};
use crate::history;
use crate::lease::Lease;
use crate::narrator;
use crate::prepare::{Prepared, Ready};
use crate::recovery::patiently;
use crate::store::{NewRelease, Opening, now_ms};
use crate::wish::Wish;

/// Longest wait until a resumed rollout says so.
pub(crate) const RESUME_TOLD_MAX: Duration = Duration::from_secs(5);

impl<G: Ground> Agent<G> {
    /// Takes a wish: plans at once, or starts a rollout and says its number.
    pub(crate) async fn accept(&self, app: &AppName, wish: Wish) -> Result<RolloutAnswer, Problem> {
        wish.check(app)?;
        if let Some(lease) = self.leases.held(app)
            && !planted(Mutation::TwoLeases)
        {
            return Err(lease.problem());
        }
        if wish.plan_only() {
            return self.only_plan(app, &wish).await;
        }
        let rollout = if planted(Mutation::RolloutNumberReused) {
            self.store
                .rollouts(app)
                .await?
                .first()
                .map_or(RolloutNumber(1), |b| RolloutNumber(b.header.rollout.0 + 1))
        } else {
            self.store.next_rollout(app).await?
        };
        let of = RolloutRef { app: app.clone(), rollout };
        let lease = Lease::preparing(of.clone(), wish.kind(), wish.by().to_owned(), now_ms());
        let lease = self.leases.take(lease)?;
        let agent = self.clone();
        self.supervise(Arc::clone(&lease), async move { agent.carry_out(&lease, wish).await });
        Ok(RolloutAnswer::Started(of))
    }

    async fn only_plan(&self, app: &AppName, wish: &Wish) -> Result<RolloutAnswer, Problem> {
        let rollout = self.store.peek_rollout(app).await?;
        let nobody = Feed::new(RolloutRef { app: app.clone(), rollout }, now_ms());
        Ok(match self.prepare(app, rollout, wish, &nobody).await? {
            Prepared::Nothing(nothing) => RolloutAnswer::NothingToDo(nothing),
            Prepared::Ready(ready) => RolloutAnswer::Planned(Box::new(PlanView::from(*ready))),
        })
    }

    /// Runs a task for a lease. If it panics the rollout rests, and its app is not blocked for ever.
    pub(crate) fn supervise(
        &self,
        lease: Arc<Lease>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let agent = self.clone();
        self.spawn(async move {
            let mut inner = tokio::task::JoinSet::new();
            inner.spawn(task);
            let Some(Err(error)) = inner.join_next().await else { return };
            let RolloutRef { app, rollout } = &lease.of;
            tracing::error!(%app, %rollout, %error, "a rollout's task failed");
            if lease.is_preparing() {
                agent.refuse(&lease, Problem::new(ProblemCode::Internal, error.to_string())).await;
            } else {
                lease.rest();
            }
        });
    }

    async fn carry_out(&self, lease: &Arc<Lease>, wish: Wish) {
        let RolloutRef { app, rollout } = &lease.of;
        tracing::info!(%app, %rollout, by = lease.by, kind = ?lease.kind, "asked for");
        let prepared = tokio::select! {
            // In this order, so that a simulation can say it again.
            biased;
            prepared = self.prepare(app, *rollout, &wish, &lease.feed) => prepared,
            () = lease.called_off() => Err(called_off()),
        };
        match prepared {
            Err(problem) => self.refuse(lease, problem).await,
            Ok(Prepared::Nothing(NothingToDo { serving })) => {
                self.close(lease, Outcome::NothingToDo, serving).await;
            }
            Ok(Prepared::Ready(ready)) => self.begin(lease, wish, *ready).await,
        }
    }

    async fn begin(&self, lease: &Arc<Lease>, wish: Wish, ready: Ready) {
        let Ready { plan, release, planning, .. } = ready;
        let new = match (wish, &release) {
            (Wish::Deploy(request), Some(release)) if !planted(Mutation::ReleaseNotStored) => {
                Some(NewRelease {
                    release: release.clone(),
                    message: request.message,
                    commit: request.commit,
                })
            }
            (Wish::Deploy(_) | Wish::RollBack(_) | Wish::Down(_), _) => None,
        };
        let opening = Opening {
            by: lease.by.clone(),
            opened_at_ms: lease.since_ms,
            plan: plan.clone(),
            release: new,
        };
        // Not to be dropped half-way: from here on it is either durable or refused.
        match self.store.begin(opening).await {
            Ok(began) => lease.feed.record(&began),
            Err(error) => {
                tracing::error!(%error, "a rollout could not be opened");
                return self.begin_in_doubt(lease, error.into(), planning).await;
            }
        }
        // Only now may others plan: the feed shows them this plan.
        drop(planning);
        if lease.try_drive() {
            self.drive(lease, Rollout::begin(plan), release).await;
        }
    }

    /// The store failed at the commit: looking tells whether the rollout exists.
    async fn begin_in_doubt(
        &self,
        lease: &Arc<Lease>,
        problem: Problem,
        planning: OwnedMutexGuard<()>,
    ) {
        let read = || self.store.journal(&lease.of.app, lease.of.rollout);
        match patiently(read).await {
            Ok(None) => self.refuse(lease, problem).await,
            Ok(Some(journal)) => {
                lease.feed.catch_up(&journal);
                drop(planning);
                lease.rest();
                self.go_on(lease).await;
            }
            Err(_) => lease.break_off(problem.message),
        }
    }

    /// Runs a rollout that the lease's holder may drive, until it ends or rests.
    pub(crate) async fn drive(
        &self,
        lease: &Arc<Lease>,
        rollout: Rollout,
        release: Option<Release>,
    ) {
        let driver = Driver {
            engine: self.platform.clone(),
            edge: self.edge.clone(),
            journal: ToldJournal::new(self.store.clone(), Arc::clone(&lease.feed)),
            clock: self.clock.clone(),
            files: self.files.clone(),
            pause_max: self.config.pause_max,
        };
        let plan = rollout.plan().clone();
        let observer = ToldProgress(Arc::clone(&lease.feed));
        let settled = driver.run(rollout, release.as_ref(), &observer, &lease.cancel).await;
        let RolloutRef { app, rollout } = &lease.of;
        match settled {
            Ok(Settled::Ended(verdict)) => {
                tracing::info!(%app, %rollout, succeeded = verdict == Verdict::Succeeded, "ended");
                self.forget(&plan, &verdict).await;
                self.audit_end(&lease.of, lease.kind, narrator::outcome(&verdict)).await;
                self.leases.give_back(lease);
                driver.journal.tell_end();
            }
            Ok(Settled::Held) => {
                tracing::info!(%app, %rollout, "held");
                self.rest_held(lease);
            }
            Ok(Settled::Stuck(reason)) => {
                tracing::error!(%app, %rollout, reason = reason.message, "stuck");
                lease.rest();
                self.audit_stuck(&lease.of, lease.kind, reason).await;
            }
            Err(error) => {
                tracing::error!(%app, %rollout, %error, "interrupted");
                lease.rest();
            }
        }
    }

    /// Drops the content of releases that nothing can be rolled back to any more.
    async fn forget(&self, plan: &Plan, verdict: &Verdict) {
        let app = &plan.app;
        let forgotten = match (verdict, plan.release) {
            (Verdict::Succeeded, _) => {
                let keep =
                    history::left_by(plan).unwrap_or_else(|| plan.release.into_iter().collect());
                self.store.keep_only(app, &keep).await
            }
            // An older release that was not reached stays what it was.
            (Verdict::RolledBack { .. }, Some(_)) if planted(Mutation::ForgetServing) => {
                let serving = plan.previous.map(|serving| serving.release);
                self.store.forget(app, serving.unwrap_or_default()).await
            }
            (Verdict::RolledBack { .. }, Some(failed))
                if plan.kind == landfall_core::plan::RolloutKind::Deploy =>
            {
                self.store.forget(app, failed).await
            }
            // What it left may still need it.
            (Verdict::RolledBack { .. } | Verdict::Abandoned { .. }, _) => Ok(()),
        };
        if let Err(error) = forgotten {
            tracing::warn!(%app, %error, "old releases stay stored");
        }
    }

    async fn refuse(&self, lease: &Arc<Lease>, problem: Problem) {
        let RolloutRef { app, rollout } = &lease.of;
        tracing::info!(%app, %rollout, problem = problem.message, "refused");
        self.close(lease, Outcome::Refused { problem }, None).await;
    }

    async fn close(&self, lease: &Arc<Lease>, outcome: Outcome, serving: Option<ReleaseNumber>) {
        let total_ms = now_ms().saturating_sub(lease.since_ms);
        self.audit_end(&lease.of, lease.kind, outcome.clone()).await;
        // First the lease, so that whoever sees the end may start anew.
        self.leases.give_back(lease);
        lease.feed.say(EventKind::Ended { outcome, serving, total_ms });
    }

    /// Calls a rollout off, while that is possible.
    pub(crate) fn call_off(&self, app: &AppName, id: RolloutId) -> Result<RolloutRef, Problem> {
        let lease = self.open_lease(app, id)?;
        let possible = lease.feed.look(|rollout| rollout.is_none_or(Rollout::is_cancellable));
        if !possible {
            let message =
                format!("rollout {} of {app} can no longer be called off", lease.of.rollout);
            return Err(Problem::new(ProblemCode::Invalid, message)
                .hint("it unwinds already, or it is past the cutover: roll back instead"));
        }
        lease.call_off();
        if lease.is_held() {
            self.drive_held(&lease);
        }
        Ok(lease.of.clone())
    }

    /// Lets a rollout that rests try again.
    pub(crate) async fn resume(&self, app: &AppName, id: RolloutId) -> Result<RolloutRef, Problem> {
        let lease = self.open_lease(app, id)?;
        if let Some(why) = lease.broken_by() {
            return Err(Problem::new(ProblemCode::Stuck, why));
        }
        if lease.is_held() {
            let message = format!("rollout {} of {app} is held, not stuck", lease.of.rollout);
            return Err(Problem::new(ProblemCode::Invalid, message)
                .hint("`landfall promote` lets it through, `landfall cancel` calls it off"));
        }
        if !lease.is_resting() {
            let message = format!("rollout {} of {app} is not stuck", lease.of.rollout);
            return Err(Problem::new(ProblemCode::Invalid, message));
        }
        let (agent, of) = (self.clone(), lease.of.clone());
        let task_lease = Arc::clone(&lease);
        let mut resumed = lease.feed.subscribe();
        self.supervise(Arc::clone(&lease), async move { agent.go_on(&task_lease).await });
        // Whoever watches next shall not find it at rest still. If it cannot go on, nothing is told,
        // and the status says what it said before.
        drop(tokio::time::timeout(RESUME_TOLD_MAX, resumed.changed()).await);
        Ok(of)
    }

    pub(crate) fn open_lease(&self, app: &AppName, id: RolloutId) -> Result<Arc<Lease>, Problem> {
        let wanted = |lease: &Arc<Lease>| match id {
            RolloutId::Latest => true,
            RolloutId::Number(number) => lease.of.rollout == number,
        };
        self.leases.held(app).filter(wanted).ok_or_else(|| {
            let message = match id {
                RolloutId::Latest => format!("{app} has no open rollout"),
                RolloutId::Number(number) => format!("rollout {number} of {app} is not open"),
            };
            Problem::new(ProblemCode::NotFound, message)
        })
    }
}

fn called_off() -> Problem {
    Problem::new(ProblemCode::Cancelled, "it was called off before anything was changed")
}
