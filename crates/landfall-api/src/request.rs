//! What a client asks for, and the first answer.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use landfall_core::id::{AppName, ImageId, InvalidName, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::plan::Plan;
use landfall_core::reason::Reason;
use landfall_core::spec::{AppSpec, Workload};
use serde::{Deserialize, Serialize};

/// Deploys a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployRequest {
    /// What is wanted; its name must be that of the path.
    pub spec: AppSpec,
    /// Images already built for it; all others are inspected and pulled as their policy says.
    #[serde(default)]
    pub images: BTreeMap<ServiceName, ImageId>,
    /// Who asks, for example `ann@laptop`.
    pub by: String,
    /// Why, in the person's words.
    #[serde(default)]
    pub message: Option<String>,
    /// Commit of the source.
    #[serde(default)]
    pub commit: Option<String>,
    /// Deploy even if this very release serves.
    #[serde(default)]
    pub force: bool,
    /// Wait for consent before the cutover; `None`: as the spec's settings say.
    #[serde(default)]
    pub hold: Option<bool>,
    /// Where the candidate is reached while it is held; by default a free port of the loopback.
    #[serde(default)]
    pub preview: Option<SocketAddr>,
    /// Only say what would be done. Missing images are pulled even so.
    #[serde(default)]
    pub plan_only: bool,
}

/// Goes back to an older sealed release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackRequest {
    /// Which one; by default the newest stable one that does not serve.
    #[serde(default)]
    pub to: Option<ReleaseNumber>,
    /// Who asks.
    pub by: String,
    /// Wait for consent before the cutover.
    #[serde(default)]
    pub hold: bool,
    /// Where the candidate is reached while it is held; by default a free port of the loopback.
    #[serde(default)]
    pub preview: Option<SocketAddr>,
    /// Only say what would be done.
    #[serde(default)]
    pub plan_only: bool,
}

/// Lets a held rollout through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromoteRequest {
    /// Who says so.
    pub by: String,
}

/// Takes an app down; its data stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownRequest {
    /// Who asks.
    pub by: String,
    /// Only say what would be done.
    #[serde(default)]
    pub plan_only: bool,
}

/// Ends a stuck rollout where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonRequest {
    /// Who asks.
    pub by: String,
    /// Why, in the person's words.
    #[serde(default)]
    pub message: Option<String>,
    /// Only say what would be left.
    #[serde(default)]
    pub plan_only: bool,
}

/// What an abandoned rollout leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abandoned {
    /// Which one.
    pub rollout: RolloutRef,
    /// Why it was stuck.
    pub reason: Reason,
    /// What serves.
    pub serving: Option<ReleaseNumber>,
    /// What stays in place, in words.
    pub left: Vec<String>,
    /// Whether it is ended: not when only asked what would be left.
    pub ended: bool,
}

/// First answer to a deploy, a rollback or a down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum RolloutAnswer {
    /// 202: it prepares now and goes on without the client; its events tell.
    Started(RolloutRef),
    /// 200 to `plan_only`.
    Planned(Box<PlanView>),
    /// 200 to `plan_only`: it serves already. A started deploy tells the same by its last event.
    NothingToDo(NothingToDo),
}

/// One rollout of one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRef {
    /// The app.
    pub app: AppName,
    /// The rollout.
    pub rollout: RolloutNumber,
}

/// What is asked for serves already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NothingToDo {
    /// The release that serves; `None`: nothing does, and down was asked for.
    pub serving: Option<ReleaseNumber>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// All of it. It holds no environment and no file content.
    pub plan: Plan,
    /// Service by service, against what serves.
    pub changes: Vec<ServiceChange>,
}

/// What becomes of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceChange {
    /// Which one.
    pub service: ServiceName,
    /// How it runs.
    pub workload: Workload,
    /// What becomes of it.
    pub change: WhatChanges,
    /// Image reference after it (before it, for a removed one).
    pub image: String,
}

/// What becomes of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhatChanges {
    /// Not there before.
    Added,
    /// Another revision.
    Changed,
    /// The same revision.
    Unchanged,
    /// Not there afterwards.
    Removed,
}

/// A rollout in a path: its number, or `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutId {
    /// The newest one, open or ended.
    Latest,
    /// This one.
    Number(RolloutNumber),
}

impl From<RolloutNumber> for RolloutId {
    fn from(number: RolloutNumber) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Number(number) => write!(f, "{}", number.0),
        }
    }
}

impl FromStr for RolloutId {
    type Err = InvalidName;
    fn from_str(value: &str) -> Result<Self, InvalidName> {
        match value {
            "latest" => Ok(Self::Latest),
            number => number.parse().map(Self::Number),
        }
    }
}

/// Which log lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    /// Of this service only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// At most so many old lines a replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Go on with new lines, from new replicas too.
    pub follow: bool,
    /// Fill in [`crate::LogLine::at`].
    pub timestamps: bool,
}

/// A build; the context follows as the body.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildRequest {
    /// Tag of the result.
    pub tag: String,
    /// Path of the Dockerfile in the context; `None` is `Dockerfile`.
    pub dockerfile: Option<String>,
    /// Stage to stop at.
    pub target: Option<String>,
    /// Build arguments; they end up in the image's history.
    pub args: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Target platform.
    pub platform: Option<String>,
    /// Network of `RUN` steps.
    pub network: Option<String>,
    /// Images whose layers may be reused.
    pub cache_from: Vec<String>,
    /// `host:address` pairs for `RUN` steps.
    pub extra_hosts: Vec<String>,
    /// Size of `/dev/shm` in `RUN` steps.
    pub shm_size_bytes: Option<u64>,
    /// Reuse no layers.
    pub no_cache: bool,
    /// Ask the registry for newer base images.
    pub pull: bool,
    /// Further names for the result.
    pub tags: Vec<String>,
    /// Soft and hard limits of `RUN` steps' processes, by name.
    pub ulimits: BTreeMap<String, (i64, i64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_named_by_number_or_latest() {
        assert_eq!("latest".parse(), Ok(RolloutId::Latest));
        assert_eq!("d7".parse(), Ok(RolloutId::Number(RolloutNumber(7))));
        assert_eq!(RolloutId::Number(RolloutNumber(7)).to_string(), "7");
        assert!("../7".parse::<RolloutId>().is_err());
    }

    #[test]
    fn answers_are_told_apart_by_their_tag() {
        let answer = RolloutAnswer::Started(RolloutRef {
            app: "shop".parse().unwrap(),
            rollout: RolloutNumber(7),
        });
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(json, r#"{"answer":"started","app":"shop","rollout":7}"#);
        assert_eq!(serde_json::from_str::<RolloutAnswer>(&json).unwrap(), answer);
    }
}
