//! Puts each service together.

use std::collections::BTreeMap;

use landfall_core::id::ServiceName;
use landfall_core::spec::{AppSpec, Protocol, PullPolicy, ServiceSpec, Workload};

use super::mounts::Mounts;
use super::networks::Attached;
use super::references::Dependencies;
use super::{Scene, environment, ports};
use crate::decode::{Restart, ServiceDraft};
use crate::project::BuildSpec;
use crate::report::Code;
use crate::short::port::Published;
use crate::source::{Span, Spanned};

/// Completes all services, and says which images are built.
pub(super) fn complete(
    scene: &mut Scene<'_>,
    spec: &mut AppSpec,
    depends: Dependencies,
    workloads: &BTreeMap<ServiceName, Workload>,
    mut attached: Attached,
) -> BTreeMap<ServiceName, BuildSpec> {
    let mut builds = BTreeMap::new();
    let mut mounts = Mounts::default();
    let mut waits = depends;
    for (name, (at, service)) in scene.active {
        let workload = workloads.get(name).copied().unwrap_or(Workload::Replicated);
        let image = image(scene, name, *at, service, &mut builds);
        let mut container = service.container.clone();
        container.environment = environment::environment(scene, service);
        container.labels = environment::labels(scene, service);
        container.mounts = mounts.of_service(scene, service, workload);
        limits(service, &mut container.resources);
        let depends_on = waits.remove(name).unwrap_or_default();
        let ports = if ports::are_published(scene, name, service, workload) {
            ports::published(scene, name, &service.ports, workload)
        } else {
            Vec::new()
        };
        warn_of_restarts(scene, name, service, workload);
        let complete = ServiceSpec {
            image,
            pull: pull(service),
            platform: service.platform.clone(),
            workload,
            replicas: replicas(scene, service),
            container,
            networks: attached.remove(name).unwrap_or_default(),
            ports,
            expose: exposed(service, workload),
            depends_on: depends_on.into_iter().map(|(name, (_, wait))| (name, wait)).collect(),
            routes: service.landfall.routes.iter().map(|route| route.value.clone()).collect(),
            health: service.landfall.health.clone(),
        };
        refuse_routes(scene, name, service, workload);
        spec.services.insert(name.clone(), complete);
    }
    mounts.finish(scene, spec);
    builds
}

/// Ports that only other services reach: those of `expose`, and those that no host port is named for.
fn exposed(service: &ServiceDraft, workload: Workload) -> Vec<u16> {
    let mut exposed = service.expose.clone();
    let unnamed = service.ports.iter().map(|port| &port.value);
    let unnamed = unnamed.filter(|p| p.published == Published::Any && p.protocol == Protocol::Tcp);
    if workload != Workload::Stateful {
        exposed.extend(unnamed.map(|port| port.target));
    }
    exposed
}

fn image(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    at: Span,
    service: &ServiceDraft,
    builds: &mut BTreeMap<ServiceName, BuildSpec>,
) -> String {
    if let Some(build) = &service.build {
        check_build(scene, build);
        let platform = service.platform.clone().or_else(|| build.value.platform.clone());
        let build = BuildSpec { platform, ..build.value.clone() };
        builds.insert(name.clone(), build);
    }
    match (&service.image, &service.build) {
        (Some(image), _) => image.value.clone(),
        (None, Some(_)) => format!("{}-{name}", scene.around.name),
        (None, None) if service.incomplete => String::new(),
        (None, None) => {
            let message = format!("`{name}` has neither an `image` nor a `build`");
            scene.report.error(Code::KeyMissing, at, message);
            String::new()
        }
    }
}

/// A build that cannot even start is said now, not in the middle of a deploy.
fn check_build(scene: &mut Scene<'_>, build: &Spanned<BuildSpec>) {
    let context = &build.value.context;
    let folder = crate::locate::shown(context, scene.around.directory);
    if !context.is_dir() {
        let message = format!("there is no folder `{folder}` to build from");
        scene.report.error(Code::SourceMissing, build.span, message);
        return;
    }
    let dockerfile = build.value.dockerfile.as_deref().unwrap_or("Dockerfile");
    if build.value.dockerfile_inline.is_none() && !context.join(dockerfile).is_file() {
        let shown = crate::locate::shown(&context.join(dockerfile), scene.around.directory);
        let message = format!("there is no file `{shown}` to build with");
        scene.report.error(Code::SourceMissing, build.span, message);
    }
}

fn pull(service: &ServiceDraft) -> PullPolicy {
    let default = if service.build.is_some() { PullPolicy::Build } else { PullPolicy::Missing };
    service.pull.unwrap_or(default)
}

fn limits(service: &ServiceDraft, resources: &mut landfall_core::spec::Resources) {
    let value = |limit: &Option<Spanned<i64>>| limit.as_ref().map(|limit| limit.value);
    resources.nano_cpus = value(&service.limits.cpus);
    resources.memory_bytes = value(&service.limits.memory);
    resources.memory_reservation_bytes = value(&service.limits.reservation);
    resources.pids = value(&service.limits.pids);
}

fn replicas(scene: &mut Scene<'_>, service: &ServiceDraft) -> u32 {
    if let (Some(replicas), Some(scale)) = (&service.replicas, &service.scale)
        && replicas.value != scale.value
    {
        scene
            .report
            .error(Code::Conflict, scale.span, "`scale` and `deploy.replicas` differ")
            .related(replicas.span, "the other value");
    }
    service.replicas.as_ref().or(service.scale.as_ref()).map_or(1, |count| count.value)
}

/// Whether a service is not to run at all.
pub(super) fn is_idle(service: &ServiceDraft) -> bool {
    let count = service.replicas.as_ref().or(service.scale.as_ref());
    count.is_some_and(|count| count.value == 0)
}

/// A service that stays is started again whenever it ends.
fn warn_of_restarts(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    service: &ServiceDraft,
    workload: Workload,
) {
    let Some(restart) = service.restart.as_ref().filter(|r| r.value == Restart::No) else { return };
    if workload != Workload::OneOff {
        let message = format!("`restart: \"no\"`: `{name}` is started again whenever it ends");
        scene
            .report
            .warning(Code::Differently, restart.span, message)
            .hint("write `x-landfall: {job: before-cutover}` if it is meant to end");
    }
}

/// The edge only serves what may be swapped under it.
fn refuse_routes(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    service: &ServiceDraft,
    workload: Workload,
) {
    let Some(route) = service.landfall.routes.first() else { return };
    let (message, hint) = match workload {
        Workload::Replicated | Workload::Singleton => return,
        Workload::OneOff => (format!("`{name}` has a route, but runs only once a release"), None),
        Workload::Stateful => (
            format!("`{name}` has a route, but is replaced in place: the edge does not serve it"),
            Some("publish the port under `ports`, or write `x-landfall: {singleton: true}`"),
        ),
    };
    scene.report.error(Code::Contradiction, route.span, message).maybe_hint(hint);
}
