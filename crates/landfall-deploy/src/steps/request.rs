//! From a planned replica and its sealed release to a request for the engine.

use landfall_core::name;
use landfall_core::plan::PlannedReplica;
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::release::Release;
use landfall_core::spec::{HealthTest, Mount, MountKind, Recursive, VolumeScope, Workload};

use super::{Context, StepError};
use crate::ports::{ContainerRequest, Files, ResolvedMount};

/// Everything the engine needs to create one replica.
pub(super) fn container<E, G, J, C, F: Files, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<ContainerRequest, StepError> {
    let release = context.release()?;
    let missing = || {
        let message = format!("service {} is not in release {}", replica.service, release.number);
        StepError::verdict(Reason::new(ReasonKind::Files, message))
    };
    let service = release.spec.services.get(&replica.service).ok_or_else(missing)?;
    let image = release.images.get(&replica.service).ok_or_else(missing)?;
    let mounts = service.container.mounts.iter();
    let stateful = replica.workload == Workload::Stateful;
    let one_off = replica.workload == Workload::OneOff;
    let switched_off =
        matches!(&service.container.healthcheck, Some(h) if h.test == HealthTest::None);
    Ok(ContainerRequest {
        name: replica.name.clone(),
        labels: context.plan.replica_labels(context.step, replica),
        image: image.id.clone(),
        platform: service.platform.clone(),
        container: service.container.clone(),
        mounts: mounts
            .map(|m| resolve(context, release, m))
            .collect::<Option<_>>()
            .ok_or_else(missing)?,
        attachments: replica.attachments.clone(),
        peers: replica.peers.clone(),
        publish: if stateful { service.ports.clone() } else { Vec::new() },
        restart: !one_off,
        disable_healthcheck: one_off || switched_off,
    })
}

fn resolve<E, G, J, C, F: Files, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    release: &Release,
    mount: &Mount,
) -> Option<ResolvedMount> {
    let target = mount.target.clone();
    let read_only = mount.read_only;
    let app = release.app();
    Some(match &mount.kind {
        MountKind::Volume { volume, nocopy, subpath } => {
            let spec = release.spec.volumes.get(volume)?;
            let name = match spec.scope {
                VolumeScope::App => spec.name.clone(),
                VolumeScope::Release => name::release_volume(app, volume, context.plan.rollout),
            };
            let subpath = subpath.clone();
            ResolvedMount::Volume { name, target, read_only, nocopy: *nocopy, subpath }
        }
        MountKind::AnonymousVolume { labels } => {
            ResolvedMount::Anonymous { target, labels: labels.clone() }
        }
        MountKind::Bind { source, create_host_path, propagation, relabel, recursive } => {
            ResolvedMount::Bind {
                source: source.clone(),
                target,
                read_only,
                create_host_path: *create_host_path,
                propagation: propagation.clone(),
                relabel: *relabel,
                recursive: *recursive,
            }
        }
        MountKind::Sealed { tree, relabel } => {
            release.spec.files.get(tree)?;
            ResolvedMount::Bind {
                source: context.ports.files.path(app, release.number, tree),
                target,
                read_only: true,
                create_host_path: false,
                propagation: None,
                relabel: *relabel,
                recursive: Recursive::Enabled,
            }
        }
        MountKind::Tmpfs { size_bytes, mode, options } => ResolvedMount::Tmpfs {
            target,
            size_bytes: *size_bytes,
            mode: *mode,
            options: options.clone(),
        },
        MountKind::Image { image, subpath } => {
            ResolvedMount::Image { image: image.clone(), target, subpath: subpath.clone() }
        }
    })
}
