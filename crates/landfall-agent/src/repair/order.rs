//! What a plan has where, and in which order it is brought back.

use std::collections::BTreeSet;

use landfall_core::plan::{Attachment, Plan, PlannedReplica, Step};
use landfall_core::spec::Workload;
use landfall_deploy::ports::{FoundContainer, Status};

/// Another container of a service of which only one may run.
pub(super) fn in_the_way<'a>(
    replica: &PlannedReplica,
    found: &'a [FoundContainer],
) -> Option<&'a str> {
    match replica.workload {
        Workload::Replicated | Workload::OneOff => None,
        Workload::Singleton | Workload::Stateful => {
            let same = |found: &&FoundContainer| {
                found.labels.service.as_ref() == Some(&replica.service)
                    && found.name != replica.name
                    && matches!(found.status, Status::Running | Status::Restarting)
            };
            found.iter().find(same).map(|found| found.name.as_str())
        }
    }
}

/// Every container once, with its step where the plan itself makes it. First those of earlier rollouts,
/// which the others need.
pub(super) fn in_order(plan: &Plan) -> Vec<(&str, Option<(usize, &PlannedReplica)>)> {
    let steps = plan.steps.iter().enumerate();
    let planned = steps.flat_map(|(at, step)| step.replicas().iter().map(move |one| (at, one)));
    let planned: Vec<_> = planned.collect();
    let of_plan = |name: &str| planned.iter().find(|(_, one)| one.name == name).copied();
    let mut seen = BTreeSet::new();
    let names = places(plan).into_iter().map(|(name, _)| name).filter(|name| seen.insert(*name));
    let mut all: Vec<_> = names.map(|name| (name, of_plan(name))).collect();
    all.sort_by_key(|(_, planned)| planned.is_some());
    all
}

/// Every place of every container; one that has taken its names stands with them.
pub(super) fn places(plan: &Plan) -> Vec<(&str, &Attachment)> {
    let mut found: Vec<(&str, &Attachment)> = Vec::new();
    for replica in plan.replicas().filter(|replica| replica.workload != Workload::OneOff) {
        let kept = replica.attachments.iter().filter(|place| plan.keeps_network(&place.network));
        found.extend(kept.map(|place| (replica.name.as_str(), place)));
    }
    for step in &plan.steps {
        if let Step::LinkStateful { links } | Step::TakeNames { links } = step {
            for link in links {
                let is_same = |(name, place): &(&str, &Attachment)| {
                    *name == link.container && place.network == link.attachment.network
                };
                found.retain(|place| !is_same(place));
                found.push((link.container.as_str(), &link.attachment));
            }
        }
    }
    found
}
