//! Stateful services: replaced in place, joined to the release's networks. Their data is not touched.

use std::time::Duration;

use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Link, PlannedReplica};
use landfall_core::spec::ServiceSpec;

use super::{Context, StepError, gatekeeper, replicas};
use crate::ports::{Clock, Engine, Files, Observer};

/// Stops what it replaces (two may not share data), starts the new container, waits for its gate.
pub(super) async fn start<E: Engine, G, J, C: Clock, F: Files, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
    replaces: &[String],
) -> Result<(), StepError> {
    let service = context.release()?.spec.services.get(&replica.service);
    let grace = Duration::from_millis(service.map_or(60_000, ServiceSpec::stop_grace_ms));
    for old in replaces {
        context.ports.engine.stop(old, grace).await?;
    }
    replicas::launch(context, replica).await?;
    gatekeeper::pass(context, replica).await
}

/// Removes the new container, then starts what it replaced, and with it what lives in that.
pub(super) async fn unstart<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replaces: &[String],
    within: &[String],
) -> Result<(), StepError> {
    replicas::remove(context).await?;
    for old in replaces.iter().filter(|_| !planted(Mutation::UnstartForgetsOld)) {
        replicas::put_back(context, old).await?;
    }
    replicas::start_anew(context, within).await
}

/// Joins stateful containers to this release's networks, and starts one that does not run.
pub(super) async fn link<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    links: &[Link],
) -> Result<(), StepError> {
    for link in links {
        context.ports.engine.start(&link.container).await?;
        context.ports.engine.connect(&link.container, &link.attachment).await?;
    }
    Ok(())
}

pub(super) async fn unlink<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    links: &[Link],
) -> Result<(), StepError> {
    for link in links {
        context.ports.engine.disconnect(&link.container, &link.attachment.network).await?;
    }
    Ok(())
}
