//! A rollout's state: the fold over its records, and the one rule for what comes next.
//!
//! `replay` and `apply` take facts in; `next` says what to do. Before the pivot any failure unwinds,
//! newest step first, the failed one included; from the pivot on we only go forward. Outcomes in
//! doubt are settled by doing the step again: every step looks before it touches.

use std::sync::Arc;

use crate::mutation::{Mutation, planted};
use crate::plan::Plan;
use crate::reason::{Reason, ReasonKind};
use crate::record::{Action, Effect, Record, Retry, Verdict};

/// Attempts at a step before the pivot, interrupted ones included.
pub const ATTEMPTS_BEFORE_PIVOT_MAX: u32 = 3;
/// Failures of the pivot or of a later step, or of an undo, before a person is called. With the
/// driver's pauses that is a quarter of a minute: an engine that was killed in the middle of a start needs
/// ten seconds until it can do that start again.
pub const FAILURES_MAX: u32 = 7;

/// One execution of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    plan: Arc<Plan>,
    steps: Vec<StepState>,
    unwinding: Option<Reason>,
    stuck: Option<Reason>,
    hold: HoldPhase,
    verdict: Option<Verdict>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct StepState {
    phase: Phase,
    attempts: u32,
    failures: u32,
    undo_failures: u32,
    last_failure: Option<Reason>,
}

impl StepState {
    /// Why a person is needed: how often it failed, and what the last failure was.
    fn given_up(&self, what: &str) -> Reason {
        match &self.last_failure {
            Some(last) => Reason { message: format!("{what}: {}", last.message), ..last.clone() },
            None => Reason::new(ReasonKind::Engine, what),
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not touched.
    #[default]
    Pending,
    /// Intended, outcome in doubt.
    Doing,
    /// Done.
    Done,
    /// Failed; what it left is found by its undo.
    Failed,
    /// Undo intended, outcome in doubt.
    Undoing,
    /// Undone.
    Undone,
}

/// How far the plan's hold has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum HoldPhase {
    /// It has none, or has not come to it.
    #[default]
    Ahead,
    /// It waits.
    Held,
    /// Somebody let it through.
    Promoted,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Do a step.
    Do(usize),
    /// Undo a step.
    Undo(usize),
    /// Record the turn backwards.
    Turn(Reason),
    /// Record that a person is needed.
    Stick(Reason),
    /// Record that it waits for consent.
    Hold,
    /// Record the end.
    End(Verdict),
    /// Nothing: it waits for consent.
    Held,
    /// Nothing: a person is needed.
    Stuck(Reason),
    /// Nothing: it is over.
    Ended(Verdict),
}

/// What serves, as far as the records say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// What served before the rollout.
    Previous,
    /// What the rollout leads to.
    Target,
    /// One of the two: the cutover was intended, its outcome is not known. The edge's table tells.
    InDoubt,
}

/// A record that cannot follow those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal's record does not fit: {0}")]
pub struct Illegal(pub String);

impl Rollout {
    /// Folds a journal. The first record must be `Began`.
    pub fn replay(records: impl IntoIterator<Item = Record>) -> Result<Self, Illegal> {
        let mut records = records.into_iter();
        let Some(Record::Began { plan }) = records.next() else {
            return Err(Illegal("the first record is not `began`".into()));
        };
        let mut rollout = Self::begin(*plan);
        for record in records {
            rollout.apply(&record)?;
        }
        Ok(rollout)
    }

    /// A rollout of which nothing but the plan is recorded.
    pub fn begin(plan: Plan) -> Self {
        let steps = vec![StepState::default(); plan.steps.len()];
        Self {
            plan: Arc::new(plan),
            steps,
            unwinding: None,
            stuck: None,
            hold: HoldPhase::Ahead,
            verdict: None,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where a step stands.
    pub fn phase(&self, step: usize) -> Option<Phase> {
        self.steps.get(step).map(|s| s.phase)
    }

    /// How it ended, once it has.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Why it needs a person, if it does.
    pub fn stuck(&self) -> Option<&Reason> {
        self.stuck.as_ref()
    }

    /// Why it goes backwards, if it does.
    pub fn unwinding(&self) -> Option<&Reason> {
        self.unwinding.as_ref()
    }

    /// Whether the pivot is done.
    pub fn is_past_pivot(&self) -> bool {
        self.steps.get(self.plan.pivot).is_some_and(|s| s.phase == Phase::Done)
    }

    /// Whether it waits for consent: nothing happens until it is promoted or called off.
    pub fn is_held(&self) -> bool {
        self.next() == Next::Held
    }

    /// Whether it was held and let through.
    pub fn is_promoted(&self) -> bool {
        self.hold == HoldPhase::Promoted
    }

    /// What serves, as far as the records say.
    pub fn serves(&self) -> Serves {
        match self.phase(self.plan.pivot) {
            None | Some(Phase::Pending | Phase::Undone) => Serves::Previous,
            Some(Phase::Done) => Serves::Target,
            Some(Phase::Doing | Phase::Failed | Phase::Undoing) => Serves::InDoubt,
        }
    }

    /// Whether a person may still call it off: the pivot was not even intended.
    pub fn is_cancellable(&self) -> bool {
        self.verdict.is_none()
            && self.unwinding.is_none()
            && (self.steps.get(self.plan.pivot).is_none_or(|s| s.phase == Phase::Pending)
                || planted(Mutation::CancelPastPivot))
    }

    /// Takes one fact in.
    pub fn apply(&mut self, record: &Record) -> Result<(), Illegal> {
        if self.verdict.is_some() {
            return Err(Illegal(format!("{record:?} after the end")));
        }
        match record {
            Record::Began { .. } => return Err(Illegal("`began` twice".into())),
            Record::Intended { step, action } => self.intended(*step, *action)?,
            Record::Succeeded { step, action } => {
                let state = self.in_doubt(*step, *action)?;
                state.phase = match action {
                    Action::Do => Phase::Done,
                    Action::Undo => Phase::Undone,
                };
            }
            Record::Failed { step, action, reason, effect, retry } => {
                self.failed(*step, *action, reason, *effect, *retry)?;
            }
            Record::Turned { reason } => {
                if self.is_past_pivot() && !planted(Mutation::CancelPastPivot) {
                    return Err(Illegal("turned past the pivot".into()));
                }
                self.unwinding = Some(reason.clone());
            }
            Record::Resumed => {
                self.stuck = None;
                for state in &mut self.steps {
                    if planted(Mutation::ResumeGuessesDone) && state.phase == Phase::Doing {
                        state.phase = Phase::Done;
                    }
                    state.failures = 0;
                    state.undo_failures = 0;
                }
            }
            Record::Held => {
                if self.next() != Next::Hold {
                    return Err(Illegal(format!("held, but next is {:?}", self.next())));
                }
                self.hold = HoldPhase::Held;
            }
            Record::Promoted { .. } => {
                if !self.is_held() {
                    return Err(Illegal(format!("promoted, but next is {:?}", self.next())));
                }
                self.hold = HoldPhase::Promoted;
            }
            Record::Stuck { reason } => self.stuck = Some(reason.clone()),
            Record::Ended { verdict } => {
                self.may_end(verdict)?;
                self.verdict = Some(verdict.clone());
            }
        }
        Ok(())
    }

    /// Only what is stuck can be abandoned, and what serves then is no matter of opinion.
    fn may_end(&self, verdict: &Verdict) -> Result<(), Illegal> {
        let Verdict::Abandoned { serving, .. } = verdict else { return Ok(()) };
        if self.stuck.is_none() {
            return Err(Illegal("abandoned, but not stuck".into()));
        }
        let (previous, target) = (self.plan.previous, self.plan.target());
        let fits = match self.serves() {
            Serves::Previous => *serving == previous,
            Serves::Target => *serving == target,
            Serves::InDoubt => *serving == previous || *serving == target,
        };
        if fits { Ok(()) } else { Err(Illegal(format!("abandoned, and {serving:?} serves"))) }
    }

    fn intended(&mut self, step: usize, action: Action) -> Result<(), Illegal> {
        let unwinding = self.unwinding.is_some();
        let needs_consent = self.needs_consent(step);
        let state = self.state(step)?;
        match action {
            Action::Do if needs_consent => {
                Err(Illegal(format!("step {step} done before it was promoted")))
            }
            Action::Do if unwinding || !matches!(state.phase, Phase::Pending | Phase::Doing) => {
                Err(Illegal(format!("step {step} done again from {:?}", state.phase)))
            }
            Action::Undo if !unwinding || state.phase == Phase::Pending => {
                Err(Illegal(format!("step {step} undone from {:?}", state.phase)))
            }
            Action::Do => {
                state.phase = Phase::Doing;
                state.attempts += 1;
                Ok(())
            }
            Action::Undo => {
                state.phase = Phase::Undoing;
                Ok(())
            }
        }
    }

    fn failed(
        &mut self,
        step: usize,
        action: Action,
        reason: &Reason,
        effect: Effect,
        retry: Retry,
    ) -> Result<(), Illegal> {
        let pivot = self.pivot();
        let state = self.in_doubt(step, action)?;
        state.last_failure = Some(reason.clone());
        if action == Action::Undo {
            state.undo_failures += 1;
            return Ok(());
        }
        state.failures += 1;
        let attempts_left =
            state.attempts < ATTEMPTS_BEFORE_PIVOT_MAX || planted(Mutation::AttemptsWithoutEnd);
        let again = retry == Retry::Later && attempts_left;
        let turns = match step.cmp(&pivot) {
            std::cmp::Ordering::Less => !again,
            // Only an edge that surely did not swap lets us go back.
            std::cmp::Ordering::Equal => {
                (effect == Effect::None || planted(Mutation::UnwindCutoverInDoubt)) && !again
            }
            std::cmp::Ordering::Greater => false,
        };
        if turns {
            state.phase = Phase::Failed;
            self.unwinding = Some(reason.clone());
        }
        Ok(())
    }

    fn state(&mut self, step: usize) -> Result<&mut StepState, Illegal> {
        self.steps.get_mut(step).ok_or_else(|| Illegal(format!("no step {step}")))
    }

    fn in_doubt(&mut self, step: usize, action: Action) -> Result<&mut StepState, Illegal> {
        let state = self.state(step)?;
        let expected = match action {
            Action::Do => Phase::Doing,
            Action::Undo => Phase::Undoing,
        };
        if state.phase == expected {
            Ok(state)
        } else {
            Err(Illegal(format!("an outcome of step {step}, which is {:?}", state.phase)))
        }
    }

    fn pivot(&self) -> usize {
        if planted(Mutation::NoPivot) {
            return self.plan.steps.len();
        }
        self.plan.pivot + usize::from(planted(Mutation::PivotOneStepLate))
    }

    /// What to do now.
    pub fn next(&self) -> Next {
        if let Some(verdict) = &self.verdict {
            return Next::Ended(verdict.clone());
        }
        if let Some(reason) = &self.stuck {
            return Next::Stuck(reason.clone());
        }
        match &self.unwinding {
            Some(reason) => self.next_backward(reason),
            None => self.next_forward(),
        }
    }

    fn next_forward(&self) -> Next {
        let Some(step) = self.steps.iter().position(|s| s.phase != Phase::Done) else {
            return Next::End(Verdict::Succeeded);
        };
        if self.needs_consent(step) {
            return if self.hold == HoldPhase::Held { Next::Held } else { Next::Hold };
        }
        let state = &self.steps[step];
        let name = self.plan.steps[step].name();
        let attempts_used =
            state.attempts >= ATTEMPTS_BEFORE_PIVOT_MAX && !planted(Mutation::AttemptsWithoutEnd);
        if step < self.pivot() && attempts_used {
            let message = format!("`{name}` was interrupted {} times", state.attempts);
            return Next::Turn(Reason::new(ReasonKind::Interrupted, message));
        }
        if state.failures >= FAILURES_MAX {
            return Next::Stick(
                state.given_up(&format!("`{name}` failed {} times", state.failures)),
            );
        }
        Next::Do(step)
    }

    /// Whether a step lies behind a hold that nobody has let it through.
    fn needs_consent(&self, step: usize) -> bool {
        self.hold != HoldPhase::Promoted && self.plan.hold.is_some_and(|hold| step >= hold.before)
    }

    fn next_backward(&self, reason: &Reason) -> Next {
        let left = |s: &StepState| needs_undo(s.phase);
        let newest = if planted(Mutation::UndoOldestFirst) {
            self.steps.iter().position(left)
        } else {
            self.steps.iter().rposition(left)
        };
        let Some(step) = newest else {
            return Next::End(Verdict::RolledBack { reason: reason.clone() });
        };
        let state = &self.steps[step];
        if state.undo_failures >= FAILURES_MAX {
            let name = self.plan.steps[step].name();
            let what = format!("the undo of `{name}` failed {} times", state.undo_failures);
            return Next::Stick(state.given_up(&what));
        }
        Next::Undo(step)
    }

    /// Failures in a row of the step that comes next: the driver waits longer after each.
    pub fn failures_of(&self, step: usize) -> u32 {
        self.steps.get(step).map_or(0, |s| s.failures + s.undo_failures)
    }
}

fn needs_undo(phase: Phase) -> bool {
    match phase {
        Phase::Doing | Phase::Done | Phase::Undoing => true,
        Phase::Failed => !planted(Mutation::SkipFailedStepUndo),
        Phase::Pending | Phase::Undone => false,
    }
}

#[cfg(test)]
mod tests;
