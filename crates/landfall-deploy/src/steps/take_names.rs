//! Names on networks that landfall did not make. The engine gives a name only when a container joins,
//! so a candidate, which serves nobody yet, leaves for a moment and joins again with its names.

use futures_util::future::try_join_all;
use landfall_core::plan::Link;

use super::{Context, StepError, gatekeeper};
use crate::ports::{Clock, Engine, Observer};

/// Takes all names, then waits until every replica that was away is ready again.
pub(super) async fn take<E: Engine, G, J, C: Clock, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    links: &[Link],
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    for link in links {
        context.check_cancel()?;
        engine.disconnect(&link.container, &link.attachment.network).await?;
        engine.connect(&link.container, &link.attachment).await?;
    }
    let away = context.plan.replicas().filter(|r| links.iter().any(|l| l.container == r.name));
    try_join_all(away.map(|replica| gatekeeper::pass(context, replica))).await?;
    Ok(())
}
