//! Records as events: the same words whether a rollout is watched live or read years later.

use std::collections::HashMap;

use landfall_api::{EventKind, Outcome, PlanSummary, ProgressKind};
use landfall_core::id::ReleaseNumber;
use landfall_core::plan::Plan;
use landfall_core::record::{Action, Record, Verdict};
use landfall_core::rollout::{Next, Rollout};
use landfall_deploy::ports::{Entry, Progress};

use crate::hold;

/// Events between two records get numbers between theirs.
const SEQ_GAP: u64 = 100_000;

/// Number of the event that tells a record.
pub(crate) fn event_seq(record_seq: u64) -> u64 {
    record_seq.saturating_mul(SEQ_GAP)
}

/// Follows one rollout's records.
#[derive(Debug)]
pub(crate) struct Narrator {
    opened_at_ms: u64,
    rollout: Option<Rollout>,
    started_at_ms: HashMap<(usize, bool), u64>,
    held_at_ms: Option<u64>,
}

/// A step and whether it is its undo.
fn key(step: usize, action: Action) -> (usize, bool) {
    (step, action == Action::Undo)
}

impl Narrator {
    /// Of a rollout that was asked for at this time.
    pub(crate) fn new(opened_at_ms: u64) -> Self {
        Self { opened_at_ms, rollout: None, started_at_ms: HashMap::new(), held_at_ms: None }
    }

    /// The fold so far.
    pub(crate) fn rollout(&self) -> Option<&Rollout> {
        self.rollout.as_ref()
    }

    /// When it was held; milliseconds since 1970.
    pub(crate) fn held_at_ms(&self) -> Option<u64> {
        self.held_at_ms
    }

    /// Takes one record in and tells it.
    pub(crate) fn tell(&mut self, entry: &Entry) -> EventKind {
        match (&entry.record, &mut self.rollout) {
            (Record::Began { plan }, _) => self.rollout = Some(Rollout::begin((**plan).clone())),
            // What does not fit is still told; only the fold goes without it.
            (record, Some(rollout)) => drop(rollout.apply(record)),
            (_, None) => {}
        }
        match &entry.record {
            Record::Began { plan } => EventKind::Planned { plan: PlanSummary::from(&**plan) },
            Record::Intended { step, action } => {
                self.started_at_ms.insert(key(*step, *action), entry.at_ms);
                let planned = self.plan().and_then(|plan| plan.steps.get(*step));
                EventKind::StepStarted {
                    step: *step,
                    name: planned.map(|s| s.name().to_owned()).unwrap_or_default(),
                    subject: planned.map(landfall_core::plan::Step::subject).unwrap_or_default(),
                    action: *action,
                }
            }
            Record::Succeeded { step, action } => {
                let started = self.started_at_ms.get(&key(*step, *action));
                let after_ms = started.map_or(0, |started| entry.at_ms.saturating_sub(*started));
                EventKind::StepDone { step: *step, action: *action, after_ms }
            }
            Record::Failed { step, action, reason, .. } => EventKind::StepFailed {
                step: *step,
                action: *action,
                reason: reason.clone(),
                will_retry: self.goes_on_with(*step, *action),
            },
            Record::Turned { reason } => EventKind::TurnedBack { reason: reason.clone() },
            Record::Resumed => EventKind::Resumed,
            Record::Held => {
                self.held_at_ms = Some(entry.at_ms);
                self.held(entry.at_ms)
            }
            Record::Promoted { by } => EventKind::Promoted { by: by.clone() },
            Record::Stuck { reason } => EventKind::Stuck { reason: reason.clone() },
            Record::Ended { verdict } => EventKind::Ended {
                outcome: outcome(verdict),
                serving: self.serving(verdict),
                total_ms: entry.at_ms.saturating_sub(self.opened_at_ms),
            },
        }
    }

    fn plan(&self) -> Option<&Plan> {
        self.rollout.as_ref().map(Rollout::plan)
    }

    fn held(&self, at_ms: u64) -> EventKind {
        let plan = self.plan();
        let preview = plan.and_then(Plan::preview).map(|part| part.routes.clone());
        let until_ms = plan.and_then(|plan| hold::until_ms(plan, at_ms));
        EventKind::Held { preview: preview.unwrap_or_default(), until_ms }
    }

    fn goes_on_with(&self, step: usize, action: Action) -> bool {
        let next = self.rollout.as_ref().map(Rollout::next);
        match action {
            Action::Do => next == Some(Next::Do(step)),
            Action::Undo => next == Some(Next::Undo(step)),
        }
    }

    fn serving(&self, verdict: &Verdict) -> Option<ReleaseNumber> {
        let plan = self.plan()?;
        match verdict {
            Verdict::Succeeded => plan.release,
            Verdict::RolledBack { .. } => plan.previous.map(|serving| serving.release),
            Verdict::Abandoned { serving, .. } => serving.map(|serving| serving.release),
        }
    }
}

/// A verdict, as viewers see it.
pub(crate) fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Succeeded => Outcome::Succeeded,
        Verdict::RolledBack { reason } => Outcome::RolledBack { reason: reason.clone() },
        Verdict::Abandoned { reason, by, serving, left } => Outcome::Abandoned {
            reason: reason.clone(),
            by: by.clone(),
            serving: *serving,
            left: left.clone(),
        },
    }
}

/// Progress, as viewers see it.
pub(crate) fn progress(progress: Progress) -> ProgressKind {
    match progress {
        Progress::Started { service, replica } => ProgressKind::Started { service, replica },
        Progress::Ready { service, replica, after_ms } => {
            ProgressKind::Ready { service, replica, after_ms }
        }
        Progress::Completed { service, after_ms } => ProgressKind::Completed { service, after_ms },
        Progress::Draining { in_flight } => ProgressKind::Draining { in_flight },
        Progress::Retrying { message } => ProgressKind::Retrying { message },
    }
}
