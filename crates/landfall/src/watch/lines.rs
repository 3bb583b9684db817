//! An event as plain lines, for logs and CI: when it happened since the beginning, and what.

use landfall_api::{Event, EventKind, PlanSummary, ProgressKind};
use landfall_core::plan::RolloutKind;
use landfall_core::record::Action;

use super::view::View;
use crate::output::humane::{count, duration};
use crate::output::style::harmless;

/// The lines of an event, given what was known before it. The end has none: the verdict tells it.
pub(super) fn of(event: &Event, before: &View, verbose: bool) -> Vec<String> {
    let elapsed_ms = event.at_ms.saturating_sub(before.begun_ms.unwrap_or(event.at_ms));
    let text = match &event.kind {
        EventKind::Preparing { what } => vec![what.clone()],
        EventKind::Pulling { image, detail, .. } if verbose => {
            vec![format!("pulling {image}: {detail}")]
        }
        EventKind::Pulling { image, .. } if before.pulls.contains_key(image) => vec![],
        EventKind::Pulling { image, .. } => vec![format!("pulling {image}")],
        EventKind::Planned { plan } => planned(plan, before),
        EventKind::StepStarted { step, name, subject, action } => {
            let name = named(name, subject);
            let pivot = before.plan.as_ref().map(|plan| plan.pivot);
            vec![match action {
                Action::Do if pivot == Some(*step) => format!("{name} (pivot)"),
                Action::Do => name,
                Action::Undo => format!("undo {name}"),
            }]
        }
        EventKind::StepDone { after_ms, .. } if verbose => {
            vec![format!("  done in {}", duration(*after_ms))]
        }
        // The verdict tells them.
        EventKind::StepDone { .. } | EventKind::Held { .. } | EventKind::Ended { .. } => vec![],
        EventKind::StepFailed { action, reason, will_retry, .. } => {
            let what = match action {
                Action::Do => "failed",
                Action::Undo => "undo failed",
            };
            let again = if *will_retry { "; trying again" } else { "" };
            vec![format!("  {what}: {reason}{again}")]
        }
        // The failure itself follows and says whether it is tried again.
        EventKind::Progress { progress: ProgressKind::Retrying { .. }, .. } if !verbose => vec![],
        EventKind::Progress { progress, .. } => vec![format!("  {}", progressed(progress))],
        EventKind::TurnedBack { reason } => vec![format!("turning back: {reason}")],
        EventKind::Resumed => vec!["going on".to_owned()],
        EventKind::Promoted { by } => vec![format!("promoted by {by}")],
        EventKind::Stuck { reason } => vec![format!("stuck: {reason}")],
    };
    let stamp = duration(elapsed_ms);
    text.iter().map(|text| format!("{stamp:>8}  {}", harmless(text))).collect()
}

fn planned(plan: &PlanSummary, before: &View) -> Vec<String> {
    let steps = count(plan.steps.len(), "step");
    let mut lines = vec![format!("{}: {steps}", headline(plan, before.rollout.app.as_str()))];
    lines.extend(plan.notes.iter().map(|note| format!("  note: {note}")));
    lines
}

/// What a plan is for, in one phrase.
pub(super) fn headline(plan: &PlanSummary, app: &str) -> String {
    let target = plan.release.map(|release| format!(" {release}")).unwrap_or_default();
    let now = match plan.previous {
        Some(previous) => format!("{} serves", previous.release),
        None => "nothing serves".to_owned(),
    };
    match plan.kind {
        RolloutKind::Deploy => format!("deploying {app}{target} ({now})"),
        RolloutKind::RollBack => format!("rolling {app} back to{target} ({now})"),
        RolloutKind::Down => format!("taking {app} down ({now})"),
        RolloutKind::Recovered => format!("recovered {app}{target} as it was found"),
    }
}

/// A step with what it is about.
pub(super) fn named(name: &str, subject: &str) -> String {
    if subject.is_empty() { name.to_owned() } else { format!("{name}: {subject}") }
}

fn progressed(progress: &ProgressKind) -> String {
    match progress {
        ProgressKind::Started { service, replica } => format!("{service} {replica} started"),
        ProgressKind::Ready { service, replica, after_ms } => {
            format!("{service} {replica} ready after {}", duration(*after_ms))
        }
        ProgressKind::Completed { service, after_ms } => {
            format!("{service} completed in {}", duration(*after_ms))
        }
        ProgressKind::Draining { in_flight } => {
            let requests = usize::try_from(*in_flight).unwrap_or(usize::MAX);
            format!("{} still in flight", count(requests, "request"))
        }
        ProgressKind::Retrying { message } => message.clone(),
    }
}
