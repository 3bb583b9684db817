//! What is amiss: checks of a host, and drift of an app.

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use serde::{Deserialize, Serialize};

/// One check of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at, for example `disk`.
    pub name: String,
    /// How it is.
    pub level: Level,
    /// In words: lower-case, no full stop.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Further lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Well.
    Ok,
    /// Worth knowing.
    Note,
    /// Will hurt some day.
    Warning,
    /// Hurts now, or the next deploy.
    Error,
}

impl Check {
    /// A check without hint and details.
    pub fn new(name: &str, level: Level, message: impl Into<String>) -> Self {
        let (name, message) = (name.to_owned(), message.into());
        Self { name, level, message, hint: None, details: Vec::new() }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds further lines.
    pub fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

/// What differs between the serving release and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftReport {
    /// Whose.
    pub app: AppName,
    /// What serves; `None`: nothing does, and all that is there is too much.
    pub serving: Option<ReleaseNumber>,
    /// The rollout that brought it.
    pub rollout: Option<RolloutNumber>,
    /// Every difference.
    pub findings: Vec<Drift>,
    /// What could not be looked at.
    pub unknown: Vec<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The kind.
    pub kind: DriftKind,
    /// What drifted, for example `container shop-web-d3-1`.
    pub what: String,
    /// How it is.
    pub is: String,
    /// How it should be.
    pub should: String,
    /// How it can be mended.
    pub mend: Mend,
}

/// Kinds of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// It should be there.
    Missing,
    /// It should run.
    Stopped,
    /// It exits over and over, or the engine takes it for one that does.
    Restarting,
    /// It should not be there.
    Extra,
    /// It was made otherwise: image, environment, mounts, ports, restart policy.
    Changed,
    /// It should be on a network, or have another address there.
    Network,
    /// The edge serves something else.
    Routes,
    /// Sealed files on disk are not what was sealed.
    Files,
}

/// How a difference can be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mend {
    /// `landfall repair` does it.
    Repair,
    /// The next deploy or rollback does it.
    Deploy,
    /// Only a person can.
    Person,
}

/// Mends what can be mended without a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairRequest {
    /// Who asks.
    pub by: String,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    /// What was done, in words.
    pub done: Vec<String>,
    /// What was tried in vain, with the reason.
    pub failed: Vec<String>,
    /// What is left.
    pub left: DriftReport,
}
