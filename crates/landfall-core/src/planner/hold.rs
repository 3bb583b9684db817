//! What a hold adds to a plan: a preview before it, and after it every proof anew. Whatever is seen
//! outside of the release (names on foreign networks, singletons, routes) comes after the hold.

use super::{HoldWish, PlanError, routes};
use crate::plan::{Hold, Step};
use crate::release::Release;
use crate::route::AppRoutes;
use crate::spec::Workload;

/// Adds the steps up to the hold and the first one after it.
pub(super) fn steps(
    steps: &mut Vec<Step>,
    wish: HoldWish,
    candidate: &AppRoutes,
    verify: &Step,
) -> Result<Hold, PlanError> {
    steps.push(verify.clone());
    let routes = routes::preview(candidate, wish.preview)?;
    if !routes.routes.is_empty() {
        steps.push(Step::OpenPreview { routes });
    }
    let hold = Hold { before: steps.len(), max_ms: wish.max_ms };
    let started = steps.iter().filter(|step| match step {
        Step::StartStateful { .. } | Step::StartReplicas { .. } => true,
        Step::PinImages { .. }
        | Step::CreateNetworks { .. }
        | Step::CreateVolumes { .. }
        | Step::WriteFiles
        | Step::LinkStateful { .. }
        | Step::RunOneOff { .. }
        | Step::TakeNames { .. }
        | Step::Verify { .. }
        | Step::OpenPreview { .. }
        | Step::GateAgain { .. }
        | Step::HandOver { .. }
        | Step::Cutover { .. }
        | Step::Drain { .. }
        | Step::StopOld { .. }
        | Step::Prune { .. } => false,
    });
    let replicas = started.flat_map(Step::replicas).cloned().collect();
    steps.push(Step::GateAgain { replicas });
    Ok(hold)
}

/// What a person should know of the time in between.
pub(super) fn notes(release: &Release) -> Vec<String> {
    let of = |workload: Workload| {
        let services = release.spec.services.iter().filter(|(_, s)| s.workload == workload);
        services.map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    let mut notes = vec![
        "held before the cutover until `landfall promote`, undone by `landfall cancel`".into(),
    ];
    let one_offs = of(Workload::OneOff);
    if !one_offs.is_empty() {
        notes.push(format!(
            "{} will have run by then, while the old release goes on with the same data: what it \
             changes must suit both (expand now, contract later)",
            one_offs.join(", ")
        ));
    }
    let unrouted = release.spec.services.iter().filter(|(_, service)| {
        service.workload == Workload::Replicated
            && service.routes.is_empty()
            && service.ports.is_empty()
    });
    let unrouted: Vec<_> = unrouted.map(|(name, _)| name.to_string()).collect();
    if !unrouted.is_empty() {
        notes.push(format!(
            "{} of both releases run while it is held, on the same data and queues",
            unrouted.join(", ")
        ));
    }
    notes
}
