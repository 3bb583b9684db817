//! Events of a rollout: what its viewers see, live or rebuilt from the journal.
//!
//! A stream ends when the rollout has ended, is held or is stuck *now*; the last event says which. If it
//! ends with none of them, the agent went away: ask again with `after` = the last `seq` seen.

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::plan::{Plan, RolloutKind, Serving};
use landfall_core::reason::Reason;
use landfall_core::record::Action;
use landfall_core::route::Route;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Grows within a rollout, with gaps; the same over restarts of the agent.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Whose.
    pub app: AppName,
    /// Of which rollout.
    pub rollout: RolloutNumber,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. Until `planned` nothing is touched; those before it and `progress` are not in the
/// journal and are missing after a restart of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EventKind {
    /// Preparations go on.
    Preparing {
        /// With what, for example `looking at images`.
        what: String,
    },
    /// An image is being pulled.
    Pulling {
        /// Its reference.
        image: String,
        /// The engine's own words.
        detail: String,
        /// Bytes here.
        current_bytes: Option<u64>,
        /// Bytes in all.
        total_bytes: Option<u64>,
    },
    /// The plan is fixed and durable; from here on the journal knows.
    Planned {
        /// What will be done.
        plan: PlanSummary,
    },
    /// A step, or its undo, begins.
    StepStarted {
        /// Index in the plan.
        step: usize,
        /// The step's name.
        name: String,
        /// Services or things it is about; may be empty.
        subject: String,
        /// Which way.
        action: Action,
    },
    /// It did what it should.
    StepDone {
        /// Index in the plan.
        step: usize,
        /// Which way.
        action: Action,
        /// Time since it began.
        after_ms: u64,
    },
    /// It did not.
    StepFailed {
        /// Index in the plan.
        step: usize,
        /// Which way.
        action: Action,
        /// Why.
        reason: Reason,
        /// It is tried again.
        will_retry: bool,
    },
    /// Something worth a line inside a step.
    Progress {
        /// Index in the plan.
        step: usize,
        /// What.
        progress: ProgressKind,
    },
    /// From here on backwards.
    TurnedBack {
        /// Why.
        reason: Reason,
    },
    /// Goes on after a restart of the agent, or because a person said so.
    Resumed,
    /// Waits for consent before its cutover: `promote`, or `cancel`.
    Held {
        /// Where the candidate is reached meanwhile; empty if it has no routes.
        preview: Vec<Route>,
        /// When it is called off, if nobody promotes it; milliseconds since 1970.
        until_ms: Option<u64>,
    },
    /// Somebody let it through.
    Promoted {
        /// Who.
        by: String,
    },
    /// Cannot go on without a person: `resume` or `abandon`.
    Stuck {
        /// Why.
        reason: Reason,
    },
    /// The last one.
    Ended {
        /// How.
        outcome: Outcome,
        /// What serves now.
        serving: Option<ReleaseNumber>,
        /// Time since it was asked for.
        total_ms: u64,
    },
}

/// Inside a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ProgressKind {
    /// A container was started.
    Started {
        /// Of which service.
        service: ServiceName,
        /// Which one.
        replica: u32,
    },
    /// Its gate is passed.
    Ready {
        /// Of which service.
        service: ServiceName,
        /// Which one.
        replica: u32,
        /// Time since its start.
        after_ms: u64,
    },
    /// A one-off ended well.
    Completed {
        /// Which service.
        service: ServiceName,
        /// Time since its start.
        after_ms: u64,
    },
    /// Requests are still in flight to the previous release.
    Draining {
        /// How many.
        in_flight: u64,
    },
    /// A failed call will be tried again.
    Retrying {
        /// What went wrong.
        message: String,
    },
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The wanted release serves (or the app is down, as wanted).
    Succeeded,
    /// The previous one does, as before.
    RolledBack {
        /// Why.
        reason: Reason,
    },
    /// A person ended it where it was stuck; nothing more was tried.
    Abandoned {
        /// Why.
        reason: Reason,
        /// Who.
        by: String,
        /// What serves, and the rollout that brought it.
        serving: Option<Serving>,
        /// What is left in place, in words.
        left: Vec<String>,
    },
    /// It never began; nothing was changed.
    Refused {
        /// Why.
        problem: Problem,
    },
    /// It serves already; nothing was changed.
    NothingToDo,
}

/// A plan, short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// What it is for.
    pub kind: RolloutKind,
    /// The release it leads to.
    pub release: Option<ReleaseNumber>,
    /// What serves before it.
    pub previous: Option<Serving>,
    /// In order.
    pub steps: Vec<StepSummary>,
    /// Index of the step after which we only go forward.
    pub pivot: usize,
    /// Index of the first step that waits for consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<usize>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A step, short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Index in the plan.
    pub index: usize,
    /// The step's name.
    pub name: String,
    /// Services or things it is about; may be empty.
    pub subject: String,
}

impl From<&Plan> for PlanSummary {
    fn from(plan: &Plan) -> Self {
        let steps = plan.steps.iter().enumerate().map(|(index, step)| StepSummary {
            index,
            name: step.name().to_owned(),
            subject: step.subject(),
        });
        Self {
            kind: plan.kind,
            release: plan.release,
            previous: plan.previous,
            steps: steps.collect(),
            pivot: plan.pivot,
            hold: plan.hold.map(|hold| hold.before),
            notes: plan.notes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object() {
        let event = Event {
            seq: 3,
            at_ms: 1,
            app: "shop".parse().unwrap(),
            rollout: RolloutNumber(7),
            kind: EventKind::Ended {
                outcome: Outcome::Succeeded,
                serving: Some(ReleaseNumber(2)),
                total_ms: 9,
            },
        };
        let json = serde_json::to_string(&event).unwrap();
        let expected = concat!(
            r#"{"seq":3,"at_ms":1,"app":"shop","rollout":7,"event":"ended","#,
            r#""outcome":{"outcome":"succeeded"},"serving":2,"total_ms":9}"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
