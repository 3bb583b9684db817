//! From drafts to the `AppSpec`: what refers to what, how each service runs, what is sealed.
//!
//! [`references`] resolves names, [`workload`] decides how services run, with [`side_by_side`] for what
//! cannot live twice and [`peers`] for services that live in each other; [`mounts`] and [`seal`] turn
//! paths into content or host paths.

mod environment;
mod mounts;
mod networks;
mod peers;
mod places;
mod ports;
mod references;
mod seal;
mod services;
mod side_by_side;
mod workload;

pub use workload::keeps_data;

use std::collections::BTreeMap;
use std::path::Path;

use landfall_core::id::{AppName, ServiceName};
use landfall_core::spec::AppSpec;

use crate::decode::{ProjectDraft, ServiceDraft};
use crate::env::Environment;
use crate::project::BuildSpec;
use crate::report::{Code, Report};
use crate::source::Span;

/// What surrounds an app.
pub(crate) struct Surroundings<'a> {
    pub(crate) name: AppName,
    pub(crate) environment: &'a Environment,
    /// Where relative paths start.
    pub(crate) project_dir: &'a Path,
    /// Where the user stands, for showing paths.
    pub(crate) directory: &'a Path,
    /// Whether the app is to run on another host.
    pub(crate) is_for_another_host: bool,
}

/// Services that take part, each with the place of its name.
type Active = BTreeMap<ServiceName, (Span, ServiceDraft)>;

/// Everything a step needs.
struct Scene<'a> {
    around: Surroundings<'a>,
    draft: &'a ProjectDraft,
    active: &'a Active,
    /// Services with no replicas: they take part, and do not run.
    idle: &'a Active,
    report: &'a mut Report,
}

/// Resolves a draft. The result counts only when no error was reported.
pub(crate) fn assemble(
    mut draft: ProjectDraft,
    around: Surroundings<'_>,
    report: &mut Report,
) -> (AppSpec, BTreeMap<ServiceName, BuildSpec>) {
    let services = std::mem::take(&mut draft.services);
    let (active, inactive): (Active, Active) =
        services.into_iter().partition(|(_, (_, service))| draft.is_active(service));
    if active.is_empty() && !inactive.is_empty() {
        report
            .error(Code::Empty, None, "no service is enabled: each belongs to a profile")
            .hint("enable one with `--profile`");
    }
    let (idle, active): (Active, Active) =
        active.into_iter().partition(|(_, (_, service))| services::is_idle(service));
    if active.is_empty() && !idle.is_empty() {
        report
            .error(Code::Empty, None, "no service runs: each has 0 replicas")
            .hint("take an app down with `landfall down`");
    }
    let mut scene = Scene { around, draft: &draft, active: &active, idle: &idle, report };
    let depends = references::dependencies(&mut scene, &inactive);
    references::refuse_cycles(&mut scene, &depends);
    let mut workloads = workload::classify(&mut scene, &depends);
    peers::reconcile(&mut scene, &mut workloads);
    let mut spec = AppSpec {
        name: scene.around.name.clone(),
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        files: BTreeMap::new(),
        settings: draft.settings.clone(),
    };
    let attached = networks::attach(&mut scene, &mut spec, &workloads);
    ports::refuse_conflicts(&mut scene, &workloads);
    let builds = services::complete(&mut scene, &mut spec, depends, &workloads, attached);
    (spec, builds)
}
