//! The order of services: stateful first, one-offs next, replicas together, by dependency.

use std::collections::BTreeSet;

use super::PlanError;
use super::layout::Layout;
use crate::id::ServiceName;
use crate::plan::{PlannedReplica, Step};
use crate::release::Release;
use crate::spec::Workload;

/// Steps that start everything but singletons.
pub(super) fn service_steps(
    layout: &mut Layout<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Step>, PlanError> {
    let release = layout.release;
    let mut placed: BTreeSet<ServiceName> = BTreeSet::new();
    let mut waiting: BTreeSet<ServiceName> = BTreeSet::new();
    for (name, service) in &release.spec.services {
        let stays = service.workload == Workload::Stateful && layout.kept(name).is_some();
        if stays || service.workload == Workload::Singleton {
            placed.insert(name.clone());
        } else {
            waiting.insert(name.clone());
        }
    }
    let mut steps = Vec::new();
    while !waiting.is_empty() {
        let ready = ready(release, &waiting, &placed);
        let of = |workload: Workload| -> Vec<ServiceName> {
            let is = |name: &&ServiceName| release.spec.services[*name].workload == workload;
            ready.iter().filter(is).cloned().collect()
        };
        let (stateful, one_offs) = (of(Workload::Stateful), of(Workload::OneOff));
        let now = match (stateful.is_empty(), one_offs.is_empty()) {
            (false, _) => stateful,
            (true, false) => one_offs,
            (true, true) => of(Workload::Replicated),
        };
        if now.is_empty() {
            return Err(PlanError::Cycle(waiting.into_iter().collect()));
        }
        steps.extend(steps_of(layout, &now, notes)?);
        for name in now {
            waiting.remove(&name);
            placed.insert(name);
        }
    }
    Ok(steps)
}

fn ready(
    release: &Release,
    waiting: &BTreeSet<ServiceName>,
    placed: &BTreeSet<ServiceName>,
) -> Vec<ServiceName> {
    let is_ready = |name: &&ServiceName| {
        let needs = release.spec.services[*name].depends_on.keys();
        needs.filter(|dep| release.spec.services.contains_key(*dep)).all(|dep| placed.contains(dep))
    };
    waiting.iter().filter(is_ready).cloned().collect()
}

/// Steps for services of one workload that may all start now.
fn steps_of(
    layout: &mut Layout<'_>,
    names: &[ServiceName],
    notes: &mut Vec<String>,
) -> Result<Vec<Step>, PlanError> {
    let mut steps = Vec::new();
    let mut together: Vec<PlannedReplica> = Vec::new();
    for name in names {
        let service = &layout.release.spec.services[name];
        match service.workload {
            Workload::Stateful => {
                let replaces = layout.replaced(name);
                if !replaces.is_empty() {
                    notes.push(format!(
                        "{name} changed and keeps data: it is replaced in place and does not answer meanwhile"
                    ));
                }
                let replica = layout.replica(name, 1)?;
                let links = layout.links(name, service, &replica.name);
                let within = if replaces.is_empty() { Vec::new() } else { layout.living_in(name) };
                steps.push(Step::StartStateful { replica, replaces, within });
                if !links.is_empty() {
                    steps.push(Step::LinkStateful { links });
                }
            }
            Workload::OneOff => {
                notes.push(format!(
                    "{name} runs while the old release serves; what it does to data has no undo"
                ));
                steps.push(Step::RunOneOff { replica: layout.replica(name, 1)? });
            }
            Workload::Replicated | Workload::Singleton => {
                for index in 1..=service.replicas {
                    together.push(layout.replica(name, index)?);
                }
            }
        }
    }
    if !together.is_empty() {
        steps.push(Step::StartReplicas { replicas: together });
    }
    Ok(steps)
}

/// Singletons in the order in which they start.
pub(super) fn singletons(release: &Release) -> Result<Vec<ServiceName>, PlanError> {
    let mut placed: BTreeSet<ServiceName> = BTreeSet::new();
    let mut waiting: BTreeSet<ServiceName> = BTreeSet::new();
    for (name, service) in &release.spec.services {
        let set = if service.workload == Workload::Singleton { &mut waiting } else { &mut placed };
        set.insert(name.clone());
    }
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let now = ready(release, &waiting, &placed);
        if now.is_empty() {
            return Err(PlanError::Cycle(waiting.into_iter().collect()));
        }
        for name in now {
            waiting.remove(&name);
            placed.insert(name.clone());
            order.push(name);
        }
    }
    Ok(order)
}
