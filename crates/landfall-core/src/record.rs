//! The journal's facts. A rollout is the fold over its records, and nothing else.
//!
//! On disk a record is one JSON object with a version of this format (see [`crate::format`]); golden
//! files in the tests hold every kind, and whole journals.

use serde::{Deserialize, Serialize};

use crate::plan::{Plan, Serving};
use crate::reason::Reason;

/// One fact of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    /// The first one: what will be done.
    Began {
        /// All of it.
        plan: Box<Plan>,
    },
    /// A step, or its undo, is about to touch the world.
    Intended {
        /// Index in the plan.
        step: usize,
        /// Which way.
        action: Action,
    },
    /// It did what it should.
    Succeeded {
        /// Index in the plan.
        step: usize,
        /// Which way.
        action: Action,
    },
    /// It did not.
    Failed {
        /// Index in the plan.
        step: usize,
        /// Which way.
        action: Action,
        /// Why.
        reason: Reason,
        /// What is known of the effect.
        effect: Effect,
        /// Whether trying again may help.
        retry: Retry,
    },
    /// From here on backwards.
    Turned {
        /// Why.
        reason: Reason,
    },
    /// A person, or a restart of the agent, allows new attempts.
    Resumed,
    /// All is done up to the plan's hold: from here on it waits for consent.
    Held,
    /// The consent.
    Promoted {
        /// Whose.
        by: String,
    },
    /// Cannot go on without a person.
    Stuck {
        /// Why.
        reason: Reason,
    },
    /// The last one.
    Ended {
        /// How.
        verdict: Verdict,
    },
}

/// Which way a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Forward.
    Do,
    /// Backward.
    Undo,
}

/// What is known of a failed call's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It changed nothing, or only what the step's undo finds by label.
    None,
    /// It may have happened.
    Unknown,
}

/// Whether the same call may work later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// No.
    Never,
    /// Perhaps.
    Later,
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// The new release serves.
    Succeeded,
    /// The previous one does, as before.
    RolledBack {
        /// Why.
        reason: Reason,
    },
    /// A person ended it where it was stuck: nothing more was tried, nothing was undone.
    Abandoned {
        /// Why it was stuck, or what the person said.
        reason: Reason,
        /// Who ended it.
        by: String,
        /// What serves.
        serving: Option<Serving>,
        /// What is left in place, in words; the next deploy that succeeds removes it.
        left: Vec<String>,
    },
}
