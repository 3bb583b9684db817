//! After the pivot: the previous release goes, then whatever nothing uses any more.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use landfall_core::id::{AppName, ReleaseNumber, ServiceName};
use landfall_core::label::Scope;
use landfall_core::mutation::{Mutation, planted};
use landfall_core::name;

use super::{Context, StepError};
use crate::ports::{Engine, EngineError, Files, FoundContainer, Selector, Status};

const GRACE_MS: u64 = 10_000;

/// Stops and removes every container that is not the new release's; stateful ones last.
pub(super) async fn stop_old<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    keep: &[String],
    grace_ms: &BTreeMap<ServiceName, u64>,
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    let found = engine.containers(&Selector::app(&context.plan.app)).await?;
    let stays = |container: &FoundContainer| match container.labels.scope {
        Scope::App => keep.contains(&container.name),
        Scope::Release => {
            context.plan.release.is_some() && container.labels.rollout == context.plan.rollout
        }
    };
    let old: Vec<_> = found.iter().filter(|c| !stays(c)).collect();
    for scope in [Scope::Release, Scope::App] {
        let now = old.iter().filter(|c| c.labels.scope == scope);
        let retired = join_all(now.map(|container| {
            let service = container.labels.service.as_ref();
            let grace = service.and_then(|s| grace_ms.get(s)).copied().unwrap_or(GRACE_MS);
            retire(engine, container, Duration::from_millis(grace))
        }))
        .await;
        retired.into_iter().collect::<Result<(), _>>()?;
    }
    Ok(())
}

async fn retire<E: Engine>(
    engine: &E,
    container: &FoundContainer,
    grace: Duration,
) -> Result<(), EngineError> {
    match container.status {
        Status::Running | Status::Restarting => engine.stop(&container.id, grace).await?,
        Status::Created | Status::Exited => {}
    }
    engine.remove(&container.id).await
}

/// Removes networks and release volumes of other rollouts, files and tags of forgotten releases.
pub(super) async fn prune<E: Engine, G, J, C, F: Files, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    keep: &[ReleaseNumber],
    networks: &[String],
) -> Result<(), StepError> {
    let (engine, app) = (&context.ports.engine, &context.plan.app);
    let current = context.plan.release.is_some().then_some(context.plan.rollout);
    let found = engine.networks(app).await?;
    let unused = found.iter().filter(|network| match network.labels.scope {
        Scope::App => !networks.contains(&network.name),
        Scope::Release => Some(network.labels.rollout) != current,
    });
    let removed = join_all(unused.map(|network| engine.remove_network(&network.name))).await;
    removed.into_iter().collect::<Result<(), _>>()?;
    for volume in engine.volumes(app).await? {
        let labels = &volume.labels;
        if labels.scope == Scope::Release && Some(labels.rollout) != current {
            engine.remove_volume(&volume.name).await?;
        }
    }
    for release in context.ports.files.releases(app).await? {
        if !keep.contains(&release) {
            context.ports.files.remove(app, release).await?;
        }
    }
    for tag in engine.tags(&tag_prefix(app)).await? {
        let unkept = |release| !keep.contains(&release);
        if name::release_of_tag(app, &tag).is_some_and(unkept)
            || (planted(Mutation::SweepForeignTags) && name::release_of_tag(app, &tag).is_none())
        {
            engine.untag(&tag).await?;
        }
    }
    Ok(())
}

fn tag_prefix(app: &AppName) -> String {
    if planted(Mutation::SweepForeignTags) {
        return "landfall/".to_owned();
    }
    format!("{}:", name::image_repository(app))
}
