//! The way out of a stuck rollout without another attempt: it ends where it stands.
//!
//! Nothing is stopped, removed or undone, and no data is touched. What serves according to the records,
//! or where these leave it open according to the edge's table, goes on serving. What is left in place is
//! told and written down; the next deploy that succeeds removes it by its labels.

use std::sync::Arc;
use std::time::Duration;

use landfall_api::{AbandonRequest, Abandoned, Problem, ProblemCode, RolloutId, RolloutRef};
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::label::{Labels, Scope};
use landfall_core::plan::Serving;
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Record, Verdict};
use landfall_core::rollout::{Rollout, Serves};
use landfall_deploy::ports::{Edge, Engine, JournalStore, Selector, Status};

use crate::agent::Agent;
use crate::feed::ToldJournal;
use crate::ground::Ground;
use crate::lease::Lease;
use crate::problems;
use crate::recovery::fold;
use crate::store::StoreError;

/// Time for the engine to say what is left.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// Things that are named one by one.
const LEFT_MAX: usize = 200;
/// Longest words of a person.
const TEXT_MAX_BYTES: usize = 4096;

impl<G: Ground> Agent<G> {
    /// Ends a stuck rollout, or says what would be left.
    pub(crate) async fn abandon(
        &self,
        app: &AppName,
        id: RolloutId,
        request: &AbandonRequest,
    ) -> Result<Abandoned, Problem> {
        let texts = [Some(&request.by), request.message.as_ref()];
        if texts.into_iter().flatten().any(|text| text.len() > TEXT_MAX_BYTES) {
            let message = format!("`by` or `message` is longer than {TEXT_MAX_BYTES} bytes");
            return Err(Problem::new(ProblemCode::Invalid, message));
        }
        let lease = self.open_lease(app, id)?;
        may_be_abandoned(&lease)?;
        // From here on nobody else drives it; what fails below gives it back to rest.
        if !lease.try_drive() {
            return Err(works_on(&lease));
        }
        let done = self.end_here(&lease, request).await;
        match &done {
            Ok(abandoned) if abandoned.ended => {}
            Ok(_) | Err(_) => lease.rest(),
        }
        done
    }

    async fn end_here(
        &self,
        lease: &Arc<Lease>,
        request: &AbandonRequest,
    ) -> Result<Abandoned, Problem> {
        let RolloutRef { app, rollout: number } = &lease.of;
        let (mut rollout, _) = fold(&self.store, app, *number).await?;
        let reason = rollout.stuck().cloned().unwrap_or_else(interrupted);
        let serving = self.serves(app, &rollout).await?;
        let left = self.left(app, *number, serving).await;
        let release = serving.map(|serving| serving.release);
        let of = lease.of.clone();
        let answer = |ended| Abandoned {
            rollout: of,
            reason: reason.clone(),
            serving: release,
            left: left.clone(),
            ended,
        };
        if request.plan_only {
            return Ok(answer(false));
        }
        let journal = ToldJournal::new(self.store.clone(), Arc::clone(&lease.feed));
        let mut records = Vec::new();
        if rollout.stuck().is_none() {
            records.push(Record::Stuck { reason: reason.clone() });
        }
        let (by, why) = (request.by.clone(), reason.clone());
        let verdict = Verdict::Abandoned { reason: why, by, serving, left: left.clone() };
        records.push(Record::Ended { verdict });
        for record in &records {
            let failed = |error: String| Problem::from(StoreError::Damaged(error));
            rollout.apply(record).map_err(|error| failed(error.to_string()))?;
            journal.append(app, *number, record).await.map_err(|e| failed(e.to_string()))?;
        }
        tracing::warn!(%app, rollout = %number, by = request.by, "abandoned");
        self.leases.give_back(lease);
        journal.tell_end();
        Ok(answer(true))
    }

    /// What serves: the records know, or else the edge.
    async fn serves(&self, app: &AppName, rollout: &Rollout) -> Result<Option<Serving>, Problem> {
        let plan = rollout.plan();
        match rollout.serves() {
            Serves::Previous => Ok(plan.previous),
            Serves::Target => Ok(plan.target()),
            Serves::InDoubt => {
                let table = self.edge.table().await.map_err(|error| {
                    let hint = "whether it cut over only the edge knows: start it, then try again";
                    problems::edge(&error).hint(hint)
                })?;
                let at_edge = table.apps.get(app).map(|part| part.rollout);
                let target = plan.target();
                let is_target = at_edge == target.map(|target| target.rollout);
                Ok(if is_target { target } else { plan.previous })
            }
        }
    }

    /// What is in place beside what serves, in words.
    async fn left(
        &self,
        app: &AppName,
        abandoned: RolloutNumber,
        serving: Option<Serving>,
    ) -> Vec<String> {
        match tokio::time::timeout(LOOK_TIMEOUT, self.look_left(app, abandoned, serving)).await {
            Ok(Ok(left)) => left,
            Ok(Err(problem)) => vec![format!("what is left is not known: {}", problem.message)],
            Err(_) => vec!["what is left is not known: the engine does not answer".to_owned()],
        }
    }

    async fn look_left(
        &self,
        app: &AppName,
        abandoned: RolloutNumber,
        serving: Option<Serving>,
    ) -> Result<Vec<String>, Problem> {
        let failed = |error| problems::engine(&error);
        let serves = serving.map(|serving| serving.rollout);
        let is_left = |labels: &Labels| match labels.scope {
            Scope::Release => Some(labels.rollout) != serves,
            // The app's own outlive rollouts; made by this one they are news.
            Scope::App => labels.rollout == abandoned && serves != Some(abandoned),
        };
        let mut left = Vec::new();
        for found in self.platform.containers(&Selector::app(app)).await.map_err(failed)? {
            if is_left(&found.labels) {
                let state = match found.status {
                    Status::Created => "never started",
                    Status::Running => "runs",
                    Status::Restarting => "restarts",
                    Status::Exited => "stopped",
                };
                left.push(format!("container {} ({state})", found.name));
            } else if found.labels.scope == Scope::App && found.status == Status::Exited {
                left.push(format!("container {} is stopped and would serve", found.name));
            }
        }
        for network in self.platform.networks(app).await.map_err(failed)? {
            if is_left(&network.labels) {
                left.push(format!("network {}", network.name));
            }
        }
        for volume in self.platform.volumes(app).await.map_err(failed)? {
            // Data is no leftover, whoever made its volume.
            if volume.labels.scope == Scope::Release && is_left(&volume.labels) {
                left.push(format!("volume {} of one release", volume.name));
            }
        }
        let surplus = left.len().saturating_sub(LEFT_MAX);
        if surplus > 0 {
            left.truncate(LEFT_MAX);
            left.push(format!("and {surplus} more"));
        }
        Ok(left)
    }
}

/// Only a rollout that nobody works on, and whose journal can be written.
fn may_be_abandoned(lease: &Lease) -> Result<(), Problem> {
    if let Some(why) = lease.broken_by() {
        let problem = Problem::new(ProblemCode::Stuck, why);
        return Err(problem.hint("its journal cannot be read, so its end cannot be written either"));
    }
    let is_held = lease.feed.look(|rollout| rollout.is_some_and(Rollout::is_held));
    if lease.is_resting() && !is_held { Ok(()) } else { Err(works_on(lease)) }
}

fn works_on(lease: &Lease) -> Problem {
    let RolloutRef { app, rollout } = &lease.of;
    Problem::new(ProblemCode::Invalid, format!("rollout {rollout} of {app} is not stuck"))
        .hint("`landfall cancel` calls it off: then it is undone")
}

fn interrupted() -> Reason {
    Reason::new(ReasonKind::Interrupted, "nobody drove it any more")
}
