//! The driver: asks the rollout what comes next, writes the intent, acts, writes the outcome.
//!
//! It holds no state of its own. Recovery is the same loop over a replayed rollout.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use landfall_core::mutation::{Mutation, planted};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Action, Record, Verdict};
use landfall_core::release::Release;
use landfall_core::rollout::{Illegal, Next, Rollout};

use crate::ports::{Clock, Edge, Engine, Files, JournalError, JournalStore, Observer, Progress};
use crate::steps::{self, Context};

/// The longest pause that is of use before what failed is tried again.
pub const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Executes rollouts over its ports.
#[derive(Debug, Clone)]
pub struct Driver<E, G, J, C, F> {
    /// The container engine.
    pub engine: E,
    /// The edge.
    pub edge: G,
    /// Where records go.
    pub journal: J,
    /// Monotonic time.
    pub clock: C,
    /// Sealed files.
    pub files: F,
    /// At most [`PAUSE_MAX`].
    pub pause_max: Duration,
}

/// How a run of the driver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The rollout is over.
    Ended(Verdict),
    /// A person is needed.
    Stuck(Reason),
    /// It waits to be promoted or called off.
    Held,
}

/// A run of the driver that could not go on: the rollout stays open, recovery will take it up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriveError {
    /// A record could not be made durable.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Our own record did not fit: a bug, and the one thing that must not be papered over.
    #[error(transparent)]
    Illegal(#[from] Illegal),
}

/// The wish to call a rollout off, and why. Heard until the cutover is intended.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<OnceLock<Reason>>);

impl Cancel {
    /// Nobody wishes it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A person wishes it.
    pub fn cancel(&self) {
        self.call_off(Reason::new(ReasonKind::Cancelled, "it was cancelled"));
    }

    /// Wishes it for a reason; the first one counts.
    pub fn call_off(&self, why: Reason) {
        // An earlier wish says the same, and has come first.
        drop(self.0.set(why));
    }

    /// Whether somebody wishes it.
    pub fn is_wished(&self) -> bool {
        self.0.get().is_some()
    }

    /// Why somebody wishes it.
    pub fn reason(&self) -> Option<&Reason> {
        self.0.get()
    }
}

impl<E, G, J, C, F> Driver<E, G, J, C, F>
where
    E: Engine,
    G: Edge,
    J: JournalStore,
    C: Clock,
    F: Files,
{
    /// Runs a rollout to its end, or to its hold. `Began` (and after a restart `Resumed`, after a hold
    /// `Promoted`) must be durable already.
    ///
    /// `release` is the plan's target; only a plan for `Down` has none.
    pub async fn run(
        &self,
        mut rollout: Rollout,
        release: Option<&Release>,
        observer: &impl Observer,
        cancel: &Cancel,
    ) -> Result<Settled, DriveError> {
        loop {
            if let Some(reason) = cancel.reason().filter(|_| rollout.is_cancellable()) {
                let reason = reason.clone();
                self.record(&mut rollout, observer, Record::Turned { reason }).await?;
            }
            match rollout.next() {
                Next::Do(step) => {
                    let run = self.step(&mut rollout, release, observer, cancel, step, Action::Do);
                    run.await?;
                }
                Next::Undo(step) => {
                    let run =
                        self.step(&mut rollout, release, observer, cancel, step, Action::Undo);
                    run.await?;
                }
                Next::Turn(reason) => {
                    self.record(&mut rollout, observer, Record::Turned { reason }).await?;
                }
                Next::Stick(reason) => {
                    self.record(&mut rollout, observer, Record::Stuck { reason }).await?;
                }
                Next::Hold => self.record(&mut rollout, observer, Record::Held).await?,
                Next::End(verdict) => {
                    self.record(&mut rollout, observer, Record::Ended { verdict }).await?;
                }
                Next::Held => return Ok(Settled::Held),
                Next::Stuck(reason) => return Ok(Settled::Stuck(reason)),
                Next::Ended(verdict) => return Ok(Settled::Ended(verdict)),
            }
        }
    }

    async fn step(
        &self,
        rollout: &mut Rollout,
        release: Option<&Release>,
        observer: &impl Observer,
        cancel: &Cancel,
        step: usize,
        action: Action,
    ) -> Result<(), DriveError> {
        if let failures @ 1.. = rollout.failures_of(step) {
            self.clock.sleep(backoff(failures).min(self.pause_max)).await;
        }
        if planted(Mutation::IntentAfterEffect) {
            let plan = rollout.plan();
            let context = Context { ports: self, plan, step, release, observer, cancel: None };
            if action == Action::Do {
                drop(steps::run(&context).await);
            }
        }
        self.record(rollout, observer, Record::Intended { step, action }).await?;
        let plan = rollout.plan();
        let cancel = (step < plan.pivot && action == Action::Do).then_some(cancel);
        let context = Context { ports: self, plan, step, release, observer, cancel };
        let outcome = match action {
            Action::Do => steps::run(&context).await,
            Action::Undo => steps::undo(&context).await,
        };
        let failure = match outcome {
            Ok(()) => {
                let record = Record::Succeeded { step, action };
                return self.record(rollout, observer, record).await;
            }
            Err(error) => error,
        };
        let message = failure.reason.to_string();
        let (reason, effect, retry) = (failure.reason, failure.effect, failure.retry);
        let record = Record::Failed { step, action, reason, effect, retry };
        self.record(rollout, observer, record).await?;
        if matches!(rollout.next(), Next::Do(next) | Next::Undo(next) if next == step)
            && rollout.unwinding().is_none() == (action == Action::Do)
        {
            observer.progress(step, Progress::Retrying { message });
        }
        Ok(())
    }

    async fn record(
        &self,
        rollout: &mut Rollout,
        observer: &impl Observer,
        record: Record,
    ) -> Result<(), DriveError> {
        // The fold first: a record that does not fit must never reach the journal.
        let mut next = rollout.clone();
        next.apply(&record)?;
        self.journal.append(&rollout.plan().app, rollout.plan().rollout, &record).await?;
        *rollout = next;
        observer.recorded(rollout.plan(), &record);
        Ok(())
    }
}

/// Waits longer after each failure: 0.25 s, 0.5 s, 1 s …
fn backoff(failures: u32) -> Duration {
    Duration::from_millis(250 << failures.saturating_sub(1).min(5))
}
