//! What containers need before they start: pinned images, networks, volumes, files.

use futures_util::future::try_join_all;
use landfall_core::label::Scope;
use landfall_core::plan::{ImagePin, PlannedNetwork, PlannedVolume, RolloutKind};
use landfall_core::subnet;

use super::{Context, StepError};
use crate::ports::{Engine, Files, NetworkRequest, VolumeRequest};

pub(super) async fn pin_images<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    pins: &[ImagePin],
) -> Result<(), StepError> {
    for pin in pins {
        context.ports.engine.tag(&pin.image, &pin.tag).await?;
    }
    Ok(())
}

pub(super) async fn unpin_images<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    pins: &[ImagePin],
) -> Result<(), StepError> {
    for pin in pins {
        context.ports.engine.untag(&pin.tag).await?;
    }
    Ok(())
}

pub(super) async fn create_networks<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    networks: &[PlannedNetwork],
) -> Result<(), StepError> {
    let release = context.release()?;
    let requests = networks.iter().map(|network| {
        let mut spec = release.spec.networks.get(&network.key).cloned().unwrap_or_default();
        if network.scope == Scope::Release && spec.is_held() {
            // Its addresses and its driver exist once; the release's own is a plain bridge.
            spec.ipam = None;
            spec.driver = None;
            spec.driver_opts.clear();
        }
        NetworkRequest {
            name: network.name.clone(),
            labels: context.plan.labels(context.step, network.scope),
            subnet: network.subnet,
            gateway: subnet::gateway(network.subnet),
            spec,
        }
    });
    for request in requests {
        context.ports.engine.create_network(&request).await?;
    }
    Ok(())
}

/// Removes the networks that this rollout made.
pub(super) async fn remove_networks<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    let found = engine.networks(&context.plan.app).await?;
    let ours = found.iter().filter(|n| n.labels.rollout == context.plan.rollout);
    try_join_all(ours.map(|network| engine.remove_network(&network.name))).await?;
    Ok(())
}

pub(super) async fn create_volumes<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    volumes: &[PlannedVolume],
) -> Result<(), StepError> {
    let release = context.release()?;
    for volume in volumes {
        let Some(spec) = release.spec.volumes.get(&volume.key) else { continue };
        let request = VolumeRequest {
            name: volume.name.clone(),
            labels: context.plan.labels(context.step, volume.scope),
            spec: spec.clone(),
        };
        context.ports.engine.create_volume(&request).await?;
    }
    Ok(())
}

/// Removes this rollout's own volumes. Data volumes stay, even new ones: nothing of ours deletes data.
pub(super) async fn remove_volumes<E: Engine, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError> {
    let engine = &context.ports.engine;
    for volume in engine.volumes(&context.plan.app).await? {
        let labels = &volume.labels;
        if labels.scope == Scope::Release && labels.rollout == context.plan.rollout {
            engine.remove_volume(&volume.name).await?;
        }
    }
    Ok(())
}

/// Removes a new release's files; those of a release that was there before stay.
pub(super) async fn remove_files<E, G, J, C, F: Files, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError> {
    match (context.plan.kind, context.plan.release) {
        (RolloutKind::Deploy, Some(release)) => {
            Ok(context.ports.files.remove(&context.plan.app, release).await?)
        }
        (
            RolloutKind::Deploy
            | RolloutKind::RollBack
            | RolloutKind::Down
            | RolloutKind::Recovered,
            _,
        ) => Ok(()),
    }
}
