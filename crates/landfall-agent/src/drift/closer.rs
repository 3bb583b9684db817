//! A container looked at closely: what it was made of, against what the sealed release says.
//!
//! Values of the environment are compared and never told.

use landfall_api::{Drift, DriftKind, DriftReport, Mend, Problem};
use landfall_core::id::ServiceName;
use landfall_core::name;
use landfall_core::release::Release;
use landfall_core::spec::{Mount, MountKind, VolumeScope, Workload};
use landfall_deploy::ports::{Files, FoundContainer};

use super::{Wanted, drift};
use crate::agent::Agent;
use crate::ground::Ground;
use crate::platform::{Inspected, Platform};
use crate::problems;

/// Adds what differs.
pub(super) async fn look<G: Ground>(
    agent: &Agent<G>,
    wanted: &Wanted,
    service: Option<&ServiceName>,
    seen: &FoundContainer,
    report: &mut DriftReport,
) -> Result<(), Problem> {
    let service = service.or(seen.labels.service.as_ref());
    let inspected = agent.platform.inspect(&seen.id).await.map_err(|e| problems::engine(&e))?;
    let (Some(inspected), Some(service)) = (inspected, service) else { return Ok(()) };
    let what = format!("container {}", seen.name);
    let release = &wanted.release;
    if let Some(image) = release.images.get(service)
        && image.id.0 != inspected.image
    {
        let (is, should) = (format!("image {}", inspected.image), format!("image {}", image.id));
        report.findings.push(changed(&what, is, should, Mend::Deploy));
    }
    if !inspected.restarts {
        let should = "restart policy `always`, so that it runs again after the engine stopped";
        report.findings.push(changed(&what, "another restart policy", should, Mend::Deploy));
    }
    if inspected.paused {
        report.findings.push(changed(&what, "paused", "running", Mend::Person));
    }
    environment(&what, release, service, &inspected, report);
    let files = |tree: &str| agent.files.path(release.app(), seen.labels.release, tree);
    mounts(&what, wanted, service, &inspected, files, report);
    ports(&what, release, service, &inspected, report);
    Ok(())
}

fn changed(what: &str, is: impl Into<String>, should: impl Into<String>, mend: Mend) -> Drift {
    drift(DriftKind::Changed, what, is, should, mend)
}

fn environment(
    what: &str,
    release: &Release,
    service: &ServiceName,
    inspected: &Inspected,
    report: &mut DriftReport,
) {
    let spec = release.spec.services.get(service);
    for (name, value) in spec.into_iter().flat_map(|spec| &spec.container.environment) {
        let is = match inspected.environment.get(name) {
            None => "unset",
            Some(is) if is != value => "another value",
            Some(_) => continue,
        };
        let is = format!("environment {name}: {is}");
        report.findings.push(changed(what, is, "as it was sealed", Mend::Deploy));
    }
}

/// What a mount shows, as the engine names it; `None`: it has no name of ours.
fn source(wanted: &Wanted, mount: &Mount, files: impl Fn(&str) -> String) -> Option<String> {
    match &mount.kind {
        MountKind::Volume { volume, .. } => {
            let spec = wanted.release.spec.volumes.get(volume)?;
            Some(match spec.scope {
                VolumeScope::App => spec.name.clone(),
                VolumeScope::Release => {
                    name::release_volume(wanted.release.app(), volume, wanted.rollout)
                }
            })
        }
        MountKind::Bind { source, .. } => Some(source.clone()),
        MountKind::Sealed { tree, .. } => Some(files(tree)),
        MountKind::AnonymousVolume { .. } | MountKind::Tmpfs { .. } | MountKind::Image { .. } => {
            None
        }
    }
}

fn mounts(
    what: &str,
    wanted: &Wanted,
    service: &ServiceName,
    inspected: &Inspected,
    files: impl Fn(&str) -> String,
    report: &mut DriftReport,
) {
    let spec = wanted.release.spec.services.get(service);
    for mount in spec.into_iter().flat_map(|spec| &spec.container.mounts) {
        let Some(should) = source(wanted, mount, &files) else { continue };
        let target = &mount.target;
        let is = match inspected.mounts.get(target.as_str()) {
            None => "nothing".to_owned(),
            Some(is) if *is != should => is.clone(),
            Some(_) => continue,
        };
        let is = format!("{is} mounted at {target}");
        report.findings.push(changed(what, is, format!("{should} there"), Mend::Deploy));
    }
}

/// Ports that the engine publishes: those of stateful services only.
fn ports(
    what: &str,
    release: &Release,
    service: &ServiceName,
    inspected: &Inspected,
    report: &mut DriftReport,
) {
    let stateful = release.spec.services.get(service).filter(|s| s.workload == Workload::Stateful);
    for port in stateful.into_iter().flat_map(|spec| &spec.ports) {
        let Some(published) = port.published else { continue };
        if !inspected.ports.contains(&(published, port.target)) {
            let is = format!("host port {published} is not published");
            let should = format!("published for port {}", port.target);
            report.findings.push(changed(what, is, should, Mend::Deploy));
        }
    }
}
