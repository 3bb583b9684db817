//! Takes replicas through their gates: looks eagerly, so that a deploy waits for the app alone.

use std::net::Ipv4Addr;
use std::time::Duration;

use landfall_core::gate::{Gate, Judgement, Observation, Probe, next_look_ms};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::PlannedReplica;
use landfall_core::reason::{LOG_LINES_MAX, Reason, ReasonKind};

use super::{Context, StepError};
use crate::ports::{Clock, Engine, Observer, Progress, ReplicaStatus, Status};

/// An exec costs the engine some 50 ms of work: do not pile them up.
const EXEC_PAUSE: Duration = Duration::from_millis(100);
/// A one-off look at the engine that fails is tried again this often within one gate.
const LOOKS_FAILED_MAX: u32 = 20;

/// Waits until a started replica may take traffic.
pub(super) async fn pass<E: Engine, G, J, C: Clock, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<(), StepError> {
    pass_after(context, replica, 0).await
}

/// The same, without counting so many exits that it had before.
pub(super) async fn pass_after<E: Engine, G, J, C: Clock, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    exits_before: u32,
) -> Result<(), StepError> {
    if planted(Mutation::GateSkipped) {
        return Ok(());
    }
    let clock = &context.ports.clock;
    let started = clock.now();
    let mut gate = Gate::new(replica.gate.clone());
    let mut looks_failed = 0;
    loop {
        context.check_cancel()?;
        let elapsed = clock.now().saturating_sub(started);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        match look(context, replica, elapsed_ms).await {
            Ok(seen) => match gate.observe(&since(seen, exits_before)) {
                Judgement::Ready => {
                    ready(context, replica, elapsed_ms);
                    return Ok(());
                }
                Judgement::Failed(reason) => return Err(failure(context, replica, reason).await),
                Judgement::Wait => {}
            },
            Err(error) => {
                gate.unseen(elapsed_ms);
                looks_failed += 1;
                if looks_failed >= LOOKS_FAILED_MAX {
                    return Err(error);
                }
            }
        }
        clock.sleep(pause(replica, elapsed_ms)).await;
    }
}

fn since(seen: Observation, exits_before: u32) -> Observation {
    Observation { exits: seen.exits.saturating_sub(exits_before), ..seen }
}

fn pause(replica: &PlannedReplica, elapsed_ms: u64) -> Duration {
    let pause = Duration::from_millis(next_look_ms(elapsed_ms));
    match replica.gate.probe {
        Some(Probe::Exec { .. }) => pause.max(EXEC_PAUSE),
        Some(Probe::Http { .. }) | None => pause,
    }
}

fn ready<E, G, J, C, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    after_ms: u64,
) {
    let (service, replica) = (replica.service.clone(), replica.index);
    context.observer.progress(context.step, Progress::Ready { service, replica, after_ms });
}

/// One look: does it run, and what does it answer.
pub(super) async fn look<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    elapsed_ms: u64,
) -> Result<Observation, StepError> {
    let engine = &context.ports.engine;
    let Some(status) = engine.status(&replica.name).await? else {
        let reason = Reason::new(ReasonKind::Crashed, "its container is gone").of(&replica.service);
        return Err(StepError::verdict(reason));
    };
    let running = status.status == Status::Running;
    let probe = match &replica.gate.probe {
        Some(probe) if running => {
            let address = address(replica, &status);
            Some(engine.probe(&replica.name, address, probe).await?)
        }
        Some(_) | None => None,
    };
    Ok(Observation { elapsed_ms, running, exits: status.exits, exit_code: status.exit_code, probe })
}

fn address(replica: &PlannedReplica, status: &ReplicaStatus) -> Option<Ipv4Addr> {
    if let Some(shared) = replica.reached_at {
        return Some(shared);
    }
    let first = replica.attachments.first()?;
    first.address.or(status.addresses.get(&first.network).copied())
}

/// A failure with the service's name and its last log lines, as far as the engine has them.
pub(super) async fn failure<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    reason: Reason,
) -> StepError {
    let logs = context.ports.engine.last_logs(&replica.name, LOG_LINES_MAX).await;
    StepError::verdict(reason.of(&replica.service).with_logs(logs.unwrap_or_default()))
}
