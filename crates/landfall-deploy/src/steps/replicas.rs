//! Replicas and singletons: started, gated, killed on undo.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use landfall_core::id::RolloutNumber;
use landfall_core::label::Scope;
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{PlannedReplica, Step};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::spec::{Hook, ServiceSpec};

use super::{Context, StepError, gatekeeper, request};
use crate::ports::{Clock, Engine, Files, FoundContainer, Observer, Progress, Selector};

/// Time to stop for what lives in a container that was put back.
const WITHIN_GRACE: Duration = Duration::from_secs(10);

/// Starts all replicas of the step at once and waits for every gate.
pub(super) async fn start<E: Engine, G, J, C: Clock, F: Files, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replicas: &[PlannedReplica],
) -> Result<(), StepError> {
    // All calls run to their end before the first failure counts: a call that is dropped half-way
    // could still make a container after its undo has looked.
    let started = join_all(replicas.iter().map(|replica| launch(context, replica))).await;
    started.into_iter().collect::<Result<(), _>>()?;
    try_join_all(replicas.iter().map(|replica| gatekeeper::pass(context, replica))).await?;
    Ok(())
}

/// After a hold: starts those that do not run, and takes all through their gates anew. What they went
/// through meanwhile is not held against them.
pub(super) async fn gate_again<E: Engine, G, J, C: Clock, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replicas: &[PlannedReplica],
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    for replica in replicas {
        context.check_cancel()?;
        let started = engine.start(&replica.name).await.map_err(StepError::from);
        started.map_err(|mut error| {
            error.reason = error.reason.of(&replica.service);
            error
        })?;
    }
    try_join_all(replicas.iter().map(|replica| async move {
        let exits = engine.status(&replica.name).await?.map_or(0, |status| status.exits);
        gatekeeper::pass_after(context, replica, exits).await
    }))
    .await?;
    Ok(())
}

/// Creates and starts one container.
pub(super) async fn launch<E: Engine, G, J, C, F: Files, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    let named = |mut error: StepError| {
        error.reason = error.reason.of(&replica.service);
        error
    };
    let request = request::container(context, replica)?;
    let id = engine.create(&request).await.map_err(|e| named(e.into()))?;
    engine.start(&id).await.map_err(|e| named(e.into()))?;
    after_start(context, replica, &request.container.post_start).await?;
    let (service, index) = (replica.service.clone(), replica.index);
    context.observer.progress(context.step, Progress::Started { service, replica: index });
    Ok(())
}

/// Runs a replica's `post_start` hooks. One that fails is the candidate's failure, as its gate's
/// would be. A step that is repeated runs them again.
async fn after_start<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    hooks: &[Hook],
) -> Result<(), StepError> {
    if hooks.is_empty() {
        return Ok(());
    }
    let limit = Duration::from_millis(replica.gate.timeout_ms);
    match context.ports.engine.run_hooks(&replica.name, hooks, limit).await? {
        Ok(()) => Ok(()),
        Err(problem) => {
            let reason = Reason::new(ReasonKind::NotReady, format!("post_start: {problem}"));
            Err(gatekeeper::failure(context, replica, reason).await)
        }
    }
}

/// Kills and removes every container that the step made. A candidate never served: no slow stop.
pub(super) async fn remove<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError> {
    if planted(Mutation::LeaveReplicas) {
        return Ok(());
    }
    let engine = &context.ports.engine;
    let selector = Selector::app(&context.plan.app).rollout(context.plan.rollout);
    let found = engine.containers(&selector).await?;
    let made = found.iter().filter(|c| usize::try_from(c.labels.step) == Ok(context.step));
    let removed = join_all(made.map(|container| engine.remove(&container.id))).await;
    Ok(removed.into_iter().collect::<Result<(), _>>()?)
}

/// Stops the old singleton, then starts the new one: never both.
pub(super) async fn hand_over<E: Engine, G, J, C: Clock, F: Files, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<(), StepError> {
    let service = context.release()?.spec.services.get(&replica.service);
    let grace = Duration::from_millis(service.map_or(10_000, ServiceSpec::stop_grace_ms));
    if planted(Mutation::HandOverStartsFirst) {
        launch(context, replica).await?;
    }
    for old in others(context, replica).await? {
        context.ports.engine.stop(&old.id, grace).await?;
    }
    launch(context, replica).await?;
    gatekeeper::pass(context, replica).await
}

/// Removes the new singleton, then starts the old one again.
pub(super) async fn hand_back<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    from: Option<RolloutNumber>,
    within: &[String],
) -> Result<(), StepError> {
    remove(context).await?;
    for old in others(context, replica).await? {
        if Some(old.labels.rollout) == from && !planted(Mutation::HandBackForgetsOld) {
            put_back(context, &old.name).await?;
        }
    }
    start_anew(context, within).await
}

/// Starts a container that was replaced, unless it lives in one that an earlier step replaced: that
/// one's undo comes later, and starts both.
pub(super) async fn put_back<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    old: &str,
) -> Result<(), StepError> {
    let lives_in = |step: &Step| match step {
        Step::StartStateful { within, .. } | Step::HandOver { within, .. } => {
            within.iter().any(|name| name == old)
        }
        _ => false,
    };
    if context.plan.steps[..context.step].iter().any(lives_in) {
        return Ok(());
    }
    Ok(context.ports.engine.start(old).await?)
}

/// Starts what lives in containers that were put back. It may run still, in namespaces that have gone
/// with them.
pub(super) async fn start_anew<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    within: &[String],
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    for name in within {
        if engine.status(name).await?.is_some() {
            engine.stop(name, WITHIN_GRACE).await?;
            engine.start(name).await?;
        }
    }
    Ok(())
}

/// Containers of this service that other rollouts made.
async fn others<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<Vec<FoundContainer>, StepError> {
    let selector = Selector::app(&context.plan.app).service(&replica.service);
    let mut found = context.ports.engine.containers(&selector).await?;
    found.retain(|c| c.labels.rollout != context.plan.rollout && c.labels.scope == Scope::Release);
    Ok(found)
}
