//! The audit record: who changed what, when, and what came of it. Append-only at the agent.

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use serde::{Deserialize, Serialize};

use crate::{Outcome, Problem};

/// Entries that the agent keeps; older ones go.
pub const AUDIT_MAX: usize = 10_000;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Grows by one an entry, over restarts; the first ones are not kept for ever.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// What was done.
    #[serde(flatten)]
    pub fact: AuditFact,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFact {
    /// Who.
    pub who: Who,
    /// What was asked for.
    pub action: AuditAction,
    /// Of which app; `None`: it is about the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// Which rollout it began or was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutNumber>,
    /// Which release was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseNumber>,
    /// Why, in the person's words, or what exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Commit of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What came of it.
    pub result: AuditResult,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "who")]
pub enum Who {
    /// Somebody at the agent's socket. What the kernel says of them is the truth, their own word a
    /// remark.
    Peer {
        /// User id of the process, as the kernel has it.
        uid: u32,
        /// Its group id.
        gid: u32,
        /// Its process id, where known.
        pid: Option<i32>,
        /// The user's name on this host, if it has one.
        user: Option<String>,
        /// Who they say they are, for example `ann@laptop`.
        claimed: Option<String>,
    },
    /// The agent by itself.
    Agent,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A new release.
    Deploy,
    /// An older one.
    RollBack,
    /// None.
    Down,
    /// Call a rollout off.
    Cancel,
    /// Let a stuck rollout try again.
    Resume,
    /// End a stuck rollout where it stands.
    Abandon,
    /// Let a held rollout through.
    Promote,
    /// Mend what drifted.
    Repair,
    /// Build an image.
    Build,
    /// The agent was started.
    Start,
    /// State was rebuilt.
    Recover,
    /// Something that a newer agent does.
    #[serde(other)]
    Other,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum AuditResult {
    /// It was taken on; an entry of the agent says how it ended.
    Accepted,
    /// It was done at once.
    Done,
    /// It was refused, and nothing was changed.
    Refused {
        /// Why.
        problem: Problem,
    },
    /// It ended so.
    Ended {
        /// How.
        outcome: Outcome,
    },
    /// It cannot go on without a person.
    Stuck {
        /// Why.
        reason: landfall_core::reason::Reason,
    },
}

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    /// Of this app only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// Not older than this; milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// At most so many, the newest ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}
