//! What the cutover still owes the visitors: one more look at the candidate right before its routes
//! are swapped, since singletons were handed over, or a person was waited for, after it was verified.

use std::time::Duration;

use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Check, PlannedReplica, Step};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Effect, Retry};

use super::{Context, StepError, gatekeeper, verify};
use crate::ports::{Clock, Edge, Engine, ReplicaStatus, Status};

/// One good answer of each endpoint; it gave more when it was verified.
const SUCCESSES: u32 = 1;

/// An engine that fails is asked again after a pause, and for all replicas together no longer than this.
const ENGINE_PAUSE: Duration = Duration::from_millis(250);
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);

/// Looks whether everything that the rollout started still runs in its networks, and answers through
/// the edge: what is wrong, if anything is. An engine that is away for long says nothing against it.
pub(super) async fn look<E: Engine, G: Edge, J, C: Clock, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<Option<Reason>, StepError> {
    if planted(Mutation::LastLookSkipped) {
        return Ok(None);
    }
    let before = &context.plan.steps[..context.step];
    let until = context.ports.clock.now() + ENGINE_PATIENCE;
    for replica in before.iter().filter(|step| stays(step)).flat_map(Step::replicas) {
        let Some(seen) = status(context, replica, until).await else { break };
        if let Some(problem) = problem(replica, seen.as_ref()) {
            let reason = Reason::new(ReasonKind::VerifyFailed, problem);
            return Ok(Some(gatekeeper::failure(context, replica, reason).await.reason));
        }
    }
    for check in before.iter().rev().find_map(checks).unwrap_or_default() {
        match verify::through_edge(context, check, SUCCESSES).await {
            Ok(()) => {}
            Err(StepError { reason, retry: Retry::Never, .. }) => return Ok(Some(reason)),
            // Nobody to ask: that says nothing of the candidate, nor of an earlier swap.
            Err(error) => return Err(StepError { effect: Effect::Unknown, ..error }),
        }
    }
    Ok(None)
}

/// Whether the step starts what still runs when it is done.
fn stays(step: &Step) -> bool {
    matches!(step, Step::StartReplicas { .. } | Step::HandOver { .. } | Step::StartStateful { .. })
}

fn checks(step: &Step) -> Option<&[Check]> {
    let Step::Verify { checks } = step else { return None };
    Some(checks)
}

fn problem(replica: &PlannedReplica, seen: Option<&ReplicaStatus>) -> Option<String> {
    let Some(seen) = seen else {
        return Some("its container is gone: somebody removed it after it was verified".to_owned());
    };
    if seen.status != Status::Running {
        return Some("it does not run any more".to_owned());
    }
    let away = |network: &&str| !seen.addresses.contains_key(*network);
    let mut networks = replica.attachments.iter().map(|place| place.network.as_str());
    networks.find(away).map(|network| format!("it is not in the network {network} any more"))
}

/// `None`: the engine cannot be asked, however often until then. `Some(None)`: it does not know the
/// container.
async fn status<E: Engine, G, J, C: Clock, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    until: Duration,
) -> Option<Option<ReplicaStatus>> {
    let clock = &context.ports.clock;
    loop {
        match context.ports.engine.status(&replica.name).await {
            Ok(seen) => return Some(seen),
            Err(_) if clock.now() >= until => return None,
            Err(_) => clock.sleep(ENGINE_PAUSE).await,
        }
    }
}
