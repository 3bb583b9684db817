//! What was: one rollout step by step, and what served when. Both are read off the journals.

use landfall_core::diff::Difference;
use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::plan::Serving;
use landfall_core::reason::Reason;
use landfall_core::record::Action;
use serde::{Deserialize, Serialize};

use crate::RolloutView;

/// One rollout, step by step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutReport {
    /// Whose.
    pub app: AppName,
    /// In short.
    pub rollout: RolloutView,
    /// What served before it.
    pub previous: Option<Serving>,
    /// What serves by it: its target from the cutover on, what served before until then.
    pub serving: Option<ReleaseNumber>,
    /// When its plan was fixed, after the preparations; milliseconds since 1970.
    pub began_at_ms: Option<u64>,
    /// Index of the step after which there is only forward.
    pub pivot: Option<usize>,
    /// In order; empty while it prepares.
    pub steps: Vec<StepReport>,
    /// Where it turned back, if it did.
    pub turned: Option<Turn>,
    /// When it went on after a restart of the agent, or because a person said so.
    pub resumed_at_ms: Vec<u64>,
    /// When it began to wait for consent before its cutover, if it did.
    #[serde(default)]
    pub held_at_ms: Option<u64>,
    /// Who let it through, if somebody did.
    #[serde(default)]
    pub promoted: Option<Promotion>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Consent to a held rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// When.
    pub at_ms: u64,
    /// Whose.
    pub by: String,
}

/// Where a rollout turned back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    pub at_ms: u64,
    /// Why.
    pub reason: Reason,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Index in the plan.
    pub index: usize,
    /// The step's name.
    pub name: String,
    /// Services or things it is about; may be empty.
    pub subject: String,
    /// Where it stands.
    pub state: StepState,
    /// Every attempt, undos included, in order.
    pub attempts: Vec<Attempt>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not touched.
    Pending,
    /// Begun, outcome not known.
    Doing,
    /// Done.
    Done,
    /// Failed, and not undone yet.
    Failed,
    /// Its undo is begun, outcome not known.
    Undoing,
    /// Undone.
    Undone,
}

/// One attempt at a step or at its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which way.
    pub action: Action,
    /// When it began.
    pub at_ms: u64,
    /// How long it took; `None` while it goes on, or when its end was never seen.
    pub took_ms: Option<u64>,
    /// What became of it.
    pub outcome: AttemptOutcome,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum AttemptOutcome {
    /// It did what it should.
    Done,
    /// It did not.
    Failed {
        /// Why, with the last log lines of what failed.
        reason: Reason,
    },
    /// No outcome is written: it goes on, or the agent was interrupted in it.
    InDoubt,
}

/// One line of an app's history: a rollout, and what it brought to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The rollout.
    #[serde(flatten)]
    pub rollout: RolloutView,
    /// Since when its release served; `None` if it never did.
    pub served_from_ms: Option<u64>,
    /// Until when; `None` if it serves still, or never did.
    pub served_until_ms: Option<u64>,
}

/// What differs between two sealed releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseDiff {
    /// The one side.
    pub from: ReleaseNumber,
    /// The other.
    pub to: ReleaseNumber,
    /// The release that serves now.
    pub serving: Option<ReleaseNumber>,
    /// In the order of a compose file. Environment and files are told without their values.
    pub differences: Vec<Difference>,
}
