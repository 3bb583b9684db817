//! What is: the agent, apps, their services and replicas, releases and rollouts.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use landfall_core::control::{EdgeStatus, TargetStatus};
use landfall_core::id::{AppName, ImageId, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::plan::RolloutKind;
use landfall_core::reason::Reason;
use landfall_core::route::Route;
use landfall_core::spec::Workload;
use serde::{Deserialize, Serialize};

use crate::{Outcome, RolloutRef};

/// The agent about itself and its neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentInfo {
    /// Crate version.
    pub version: String,
    /// API version.
    pub api: u32,
    /// Process id.
    pub pid: u32,
    /// Where it keeps its state.
    pub state_dir: PathBuf,
    /// The engine.
    pub engine: EngineState,
    /// The edge.
    pub edge: EdgeState,
    /// Rollouts that have not ended.
    pub open: Vec<RolloutRef>,
}

/// Whether the engine answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum EngineState {
    /// It does.
    Up(EngineInfo),
    /// It does not.
    Down {
        /// Why.
        message: String,
    },
}

/// The engine about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Its version, for example `28.5.2`.
    pub version: String,
    /// API version spoken with it.
    pub api_version: String,
    /// Storage driver.
    pub storage: String,
    /// Operating system and architecture, for example `linux/amd64`.
    pub platform: String,
    /// Containers stay up while the engine restarts.
    pub live_restore: bool,
    /// What a person should know about this engine.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Whether the edge answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum EdgeState {
    /// It does.
    Up(EdgeStatus),
    /// It does not.
    Down {
        /// Why.
        message: String,
    },
}

/// One app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppStatus {
    /// Its name.
    pub app: AppName,
    /// What serves.
    pub serving: Option<ServingView>,
    /// The rollout that has not ended.
    pub open: Option<OpenRollout>,
    /// Services of the serving release, and containers of ours beyond it.
    pub services: Vec<ServiceStatus>,
    /// The app's routes as the edge has them.
    pub routes: Vec<Route>,
    /// The app's endpoints as the edge has them, those that drain included.
    pub targets: Vec<TargetStatus>,
    /// What could not be looked at, for example `the edge does not answer: …`.
    pub problems: Vec<String>,
}

/// The release that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingView {
    /// The release.
    pub release: ReleaseNumber,
    /// The rollout that brought it.
    pub rollout: RolloutNumber,
    /// Since when; milliseconds since 1970.
    pub since_ms: u64,
}

/// A rollout that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRollout {
    /// Its number.
    pub rollout: RolloutNumber,
    /// What it is for.
    pub kind: RolloutKind,
    /// The release it leads to; `None` for a down, or while it prepares.
    pub release: Option<ReleaseNumber>,
    /// Who asked.
    pub by: String,
    /// Since when; milliseconds since 1970.
    pub since_ms: u64,
    /// Where it stands.
    pub phase: OpenPhase,
}

/// Where an open rollout stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum OpenPhase {
    /// Nothing is touched yet.
    Preparing,
    /// On its way.
    Forward {
        /// The cutover is done: it can no longer be called off.
        past_pivot: bool,
    },
    /// On its way back.
    Back {
        /// Why.
        reason: Reason,
    },
    /// Waits for consent before its cutover.
    Held {
        /// Since when; milliseconds since 1970.
        since_ms: u64,
        /// When it is called off, if nobody promotes it.
        until_ms: Option<u64>,
        /// Where the candidate is reached meanwhile; empty if it has no routes.
        preview: Vec<Route>,
    },
    /// Waits for a person.
    Stuck {
        /// Why.
        reason: Reason,
    },
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub service: ServiceName,
    /// How it runs; `None` if the serving release does not know it.
    pub workload: Option<Workload>,
    /// Image reference as written.
    pub image: String,
    /// The image it was sealed with.
    pub image_id: Option<ImageId>,
    /// Replicas wanted.
    pub wanted: u32,
    /// Its containers, those of other rollouts included.
    pub replicas: Vec<ReplicaView>,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaView {
    /// Which one, from 1.
    pub index: u32,
    /// Name at the engine.
    pub name: String,
    /// Id at the engine.
    pub id: String,
    /// Of which release.
    pub release: ReleaseNumber,
    /// Made by which rollout.
    pub rollout: RolloutNumber,
    /// Whether it runs.
    pub status: ReplicaState,
    /// Exits since it was started.
    pub exits: u32,
    /// Of the last exit.
    pub exit_code: Option<i64>,
    /// Its address on its first network.
    pub address: Option<Ipv4Addr>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Never started.
    Created,
    /// Runs.
    Running,
    /// Between an exit and its next start.
    Restarting,
    /// Ended.
    Exited,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Its number.
    pub number: ReleaseNumber,
    /// Its hash.
    pub hash: String,
    /// When it was sealed; milliseconds since 1970.
    pub created_at_ms: u64,
    /// Who asked.
    pub by: String,
    /// Why.
    pub message: Option<String>,
    /// Commit of the source.
    pub commit: Option<String>,
    /// What became of it.
    pub state: ReleaseState,
    /// It can be rolled back to.
    pub kept: bool,
    /// Image reference of each service; empty once it is no longer kept.
    pub images: BTreeMap<ServiceName, String>,
}

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// Serves now.
    Serving,
    /// Served once.
    Stable,
    /// Its rollout has not ended.
    Pending,
    /// Never served.
    Failed,
}

/// One rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutView {
    /// Its number.
    pub rollout: RolloutNumber,
    /// What it is for.
    pub kind: RolloutKind,
    /// The release it leads to.
    pub release: Option<ReleaseNumber>,
    /// Who asked.
    pub by: String,
    /// When it began; milliseconds since 1970.
    pub opened_at_ms: u64,
    /// When it ended.
    pub ended_at_ms: Option<u64>,
    /// How; `None` while it is open.
    pub outcome: Option<Outcome>,
    /// Where it stands, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<OpenPhase>,
    /// Why it was asked for, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Commit of the source of its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}
