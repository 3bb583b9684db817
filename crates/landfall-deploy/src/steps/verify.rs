//! The last look before the cutover: through the edge, and at every gate once more.

use std::time::Duration;

use futures_util::future::try_join_all;
use landfall_core::control::{TryAnswer, TryRequest};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Check, Step};
use landfall_core::reason::{LOG_LINES_MAX, Reason, ReasonKind};

use super::{Context, StepError, gatekeeper};
use crate::ports::{Clock, Edge, Engine};

/// Good answers in a row that an endpoint owes.
const SUCCESSES: u32 = 3;
/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(15);
/// A candidate that passed its gate but does not answer well within this time is not ready.
const WINDOW: Duration = Duration::from_secs(3);
/// One question's time.
const ANSWER_TIMEOUT_MS: u64 = 10_000;

pub(super) async fn verify<E: Engine, G: Edge, J, C: Clock, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    checks: &[Check],
) -> Result<(), StepError> {
    if planted(Mutation::VerifySkipped) {
        return Ok(());
    }
    try_join_all(checks.iter().map(|check| through_edge(context, check, SUCCESSES))).await?;
    let before = context.plan.steps.iter().take(context.step);
    let started = before.filter(|step| matches!(step, Step::StartReplicas { .. }));
    for replica in started.flat_map(Step::replicas) {
        let seen = gatekeeper::look(context, replica, 0).await?;
        let problem = match (&seen.probe, seen.running) {
            (_, false) => Some("it does not run any more".to_owned()),
            (Some(Err(problem)), true) => {
                Some(format!("it was ready and is not any more: {problem}"))
            }
            (Some(Ok(())) | None, true) => None,
        };
        if let Some(message) = problem {
            let reason = Reason::new(ReasonKind::VerifyFailed, message);
            return Err(gatekeeper::failure(context, replica, reason).await);
        }
    }
    Ok(())
}

/// Asks an endpoint through the edge until it has given so many good answers in a row.
pub(super) async fn through_edge<E: Engine, G: Edge, J, C: Clock, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    check: &Check,
    enough: u32,
) -> Result<(), StepError> {
    let clock = &context.ports.clock;
    let started = clock.now();
    let request = TryRequest {
        endpoint: check.endpoint,
        host: check.host.clone(),
        path: check.path.clone(),
        timeout_ms: ANSWER_TIMEOUT_MS,
    };
    let mut successes = 0;
    loop {
        context.check_cancel()?;
        let problem = match context.ports.edge.try_endpoint(&request).await? {
            TryAnswer::Status(status) if check.accept.accepts(status) => {
                successes += 1;
                if successes >= enough {
                    return Ok(());
                }
                None
            }
            TryAnswer::Status(status) => Some(format!("answered {status}")),
            TryAnswer::Failed(problem) => Some(problem),
        };
        if let Some(problem) = problem {
            successes = 0;
            if clock.now().saturating_sub(started) > WINDOW {
                return Err(failed(context, check, &problem).await);
            }
        }
        clock.sleep(PAUSE).await;
    }
}

async fn failed<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    check: &Check,
    problem: &str,
) -> StepError {
    let message = format!("asked through the edge for {}, it {problem}", check.path);
    let reason = Reason::new(ReasonKind::VerifyFailed, message).of(&check.service);
    let mut replicas = context.plan.replicas().filter(|r| r.service == check.service);
    let logs = match replicas.next() {
        Some(replica) => context.ports.engine.last_logs(&replica.name, LOG_LINES_MAX).await,
        None => Ok(Vec::new()),
    };
    StepError::verdict(reason.with_logs(logs.unwrap_or_default()))
}
