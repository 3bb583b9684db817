//! A rollout step by step: its records, put together by step. Pure.

use landfall_api::{
    Attempt, AttemptOutcome, Promotion, RolloutReport, RolloutView, StepReport, StepState, Turn,
};
use landfall_core::id::AppName;
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::record::{Action, Record, Verdict};
use landfall_core::rollout::{Phase, Rollout};
use landfall_deploy::ports::Entry;

/// Of a rollout that has no journal yet.
pub(crate) fn preparing(app: &AppName, rollout: RolloutView) -> RolloutReport {
    RolloutReport {
        app: app.clone(),
        rollout,
        previous: None,
        serving: None,
        began_at_ms: None,
        pivot: None,
        steps: Vec::new(),
        turned: None,
        resumed_at_ms: Vec::new(),
        held_at_ms: None,
        promoted: None,
        notes: Vec::new(),
    }
}

/// Of a rollout with these records.
pub(crate) fn report(app: &AppName, view: RolloutView, entries: &[Entry]) -> RolloutReport {
    let mut report = preparing(app, view);
    let mut rollout: Option<Rollout> = None;
    for entry in entries {
        match (&entry.record, &mut rollout) {
            (Record::Began { plan }, _) => {
                began(&mut report, plan, entry.at_ms);
                rollout = Some(Rollout::begin((**plan).clone()));
            }
            // What does not fit is still shown; only the fold goes without it.
            (record, Some(rollout)) => drop(rollout.apply(record)),
            (_, None) => {}
        }
        take(&mut report, entry);
        // A failure turns by itself; the fold knows first.
        let turned = rollout.as_ref().and_then(Rollout::unwinding);
        if let (None, Some(reason)) = (&report.turned, turned) {
            report.turned = Some(Turn { at_ms: entry.at_ms, reason: reason.clone() });
        }
    }
    if let Some(rollout) = &rollout {
        for step in &mut report.steps {
            step.state = rollout.phase(step.index).map_or(StepState::Pending, state);
        }
        report.serving = serving(rollout);
    }
    report
}

fn began(report: &mut RolloutReport, plan: &Plan, at_ms: u64) {
    report.began_at_ms = Some(at_ms);
    report.previous = plan.previous;
    report.pivot = Some(plan.pivot).filter(|pivot| *pivot < plan.steps.len());
    report.notes.clone_from(&plan.notes);
    let steps = plan.steps.iter().enumerate().map(|(index, step)| StepReport {
        index,
        name: step.name().to_owned(),
        subject: step.subject(),
        state: StepState::Pending,
        attempts: Vec::new(),
    });
    report.steps = steps.collect();
}

fn take(report: &mut RolloutReport, entry: &Entry) {
    let at_ms = entry.at_ms;
    match &entry.record {
        Record::Intended { step, action } => {
            if let Some(step) = report.steps.get_mut(*step) {
                let outcome = AttemptOutcome::InDoubt;
                step.attempts.push(Attempt { action: *action, at_ms, took_ms: None, outcome });
            }
        }
        Record::Succeeded { step, action } => {
            settle(report, *step, *action, at_ms, AttemptOutcome::Done);
        }
        Record::Failed { step, action, reason, .. } => {
            let reason = reason.clone();
            settle(report, *step, *action, at_ms, AttemptOutcome::Failed { reason });
        }
        Record::Turned { reason } => {
            report.turned = Some(Turn { at_ms, reason: reason.clone() });
        }
        Record::Resumed => report.resumed_at_ms.push(at_ms),
        Record::Held => report.held_at_ms = Some(at_ms),
        Record::Promoted { by } => report.promoted = Some(Promotion { at_ms, by: by.clone() }),
        Record::Began { .. } | Record::Stuck { .. } | Record::Ended { .. } => {}
    }
}

fn settle(
    report: &mut RolloutReport,
    step: usize,
    action: Action,
    at_ms: u64,
    outcome: AttemptOutcome,
) {
    let last = report.steps.get_mut(step).and_then(|step| step.attempts.last_mut());
    if let Some(last) = last.filter(|last| last.action == action) {
        last.took_ms = Some(at_ms.saturating_sub(last.at_ms));
        last.outcome = outcome;
    }
}

fn state(phase: Phase) -> StepState {
    match phase {
        Phase::Pending => StepState::Pending,
        Phase::Doing => StepState::Doing,
        Phase::Done => StepState::Done,
        Phase::Failed => StepState::Failed,
        Phase::Undoing => StepState::Undoing,
        Phase::Undone => StepState::Undone,
    }
}

/// What serves by a rollout as far as it is recorded.
fn serving(rollout: &Rollout) -> Option<landfall_core::id::ReleaseNumber> {
    let plan = rollout.plan();
    let before = plan.previous.map(|previous| previous.release);
    let after = match plan.kind {
        RolloutKind::Deploy | RolloutKind::RollBack | RolloutKind::Recovered => plan.release,
        RolloutKind::Down => None,
    };
    match rollout.verdict() {
        Some(Verdict::Succeeded) => after,
        Some(Verdict::Abandoned { serving, .. }) => serving.map(|serving| serving.release),
        None if rollout.is_past_pivot() => after,
        Some(Verdict::RolledBack { .. }) | None => before,
    }
}

#[cfg(test)]
mod tests;
