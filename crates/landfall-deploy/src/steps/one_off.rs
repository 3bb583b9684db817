//! One-offs: run to their end once a rollout. An unknown outcome is settled by looking at the
//! container, never by running it again.

use std::time::Duration;

use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::PlannedReplica;
use landfall_core::reason::{Reason, ReasonKind};

use super::{Context, StepError, gatekeeper, replicas};
use crate::ports::{Clock, Engine, Files, Observer, Progress, Status};

pub(super) async fn run<E: Engine, G, J, C: Clock, F: Files, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<(), StepError> {
    let (engine, clock) = (&context.ports.engine, &context.ports.clock);
    let started = clock.now();
    let deadline = Duration::from_millis(context.plan.step_deadline_ms);
    let found = engine.status(&replica.name).await?;
    let again = |found: Status| {
        found == Status::Created || (found == Status::Exited && planted(Mutation::OneOffRunAgain))
    };
    if found.is_none_or(|found| again(found.status)) {
        replicas::launch(context, replica).await?;
    }
    loop {
        context.check_cancel()?;
        let elapsed = clock.now().saturating_sub(started);
        let status = engine.status(&replica.name).await?;
        match status.as_ref().map(|s| s.status) {
            Some(Status::Exited) => {
                return ended(context, replica, status.and_then(|s| s.exit_code), elapsed).await;
            }
            Some(Status::Created | Status::Running | Status::Restarting) => {}
            None => {
                let reason = Reason::new(ReasonKind::OneOffFailed, "its container is gone");
                return Err(StepError::verdict(reason.of(&replica.service)));
            }
        }
        if elapsed > deadline {
            let message = format!("it still ran after {} s", deadline.as_secs());
            let reason = Reason::new(ReasonKind::Deadline, message);
            return Err(gatekeeper::failure(context, replica, reason).await);
        }
        let young = elapsed < Duration::from_secs(5);
        clock.sleep(Duration::from_millis(if young { 20 } else { 100 })).await;
    }
}

async fn ended<E: Engine, G, J, C, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    exit_code: Option<i64>,
    elapsed: Duration,
) -> Result<(), StepError> {
    if exit_code == Some(0) {
        let after_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let progress = Progress::Completed { service: replica.service.clone(), after_ms };
        context.observer.progress(context.step, progress);
        return Ok(());
    }
    let code = exit_code.map_or_else(|| "an unknown code".to_owned(), |code| code.to_string());
    let reason = Reason::new(ReasonKind::OneOffFailed, format!("it ended with exit code {code}"));
    Err(gatekeeper::failure(context, replica, reason).await)
}
