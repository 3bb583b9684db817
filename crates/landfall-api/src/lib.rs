//! The agent's API, version 1: wire types, events, problems, and the clients of both unix sockets.
//!
//! Everything is JSON over HTTP/1.1; streams are NDJSON, one value a line, and an empty line is a
//! sign of life. This crate decides nothing and prints nothing.
//!
//! | call | body | answer |
//! |---|---|---|
//! | `GET /v1/info` | – | [`AgentInfo`] |
//! | `POST /v1/apps/{app}/rollouts` | [`DeployRequest`] | [`RolloutAnswer`] |
//! | `POST /v1/apps/{app}/rollback` | [`RollbackRequest`] | [`RolloutAnswer`] |
//! | `POST /v1/apps/{app}/down` | [`DownRequest`] | [`RolloutAnswer`] |
//! | `GET /v1/apps/{app}/rollouts` | – | `Vec<`[`RolloutView`]`>`, newest first |
//! | `GET /v1/apps/{app}/rollouts/{n or latest}` | – | [`RolloutReport`] |
//! | `GET /v1/apps/{app}/history` | – | `Vec<`[`HistoryEntry`]`>`, newest first |
//! | `GET /v1/apps/{app}/rollouts/{n or latest}/events?after=SEQ` | – | stream of [`Event`] |
//! | `GET /v1/apps/{app}/diff?from=R1&to=R2`; by default what serves, and the release before | – | [`ReleaseDiff`] |
//! | `GET /v1/doctor` | – | `Vec<`[`Check`]`>` |
//! | `GET /v1/apps/{app}/drift` | – | [`DriftReport`] |
//! | `POST /v1/apps/{app}/repair` | [`RepairRequest`] | [`Repaired`] |
//! | `GET /v1/audit?app=&since_ms=&max=` | – | `Vec<`[`AuditEntry`]`>`, newest first |
//! | `POST /v1/apps/{app}/rollouts/{n or latest}/abandon` | [`AbandonRequest`] | [`Abandoned`] |
//! | `POST /v1/apps/{app}/rollouts/{n or latest}/cancel`, `…/resume` | – | [`RolloutRef`] |
//! | `POST /v1/apps/{app}/rollouts/{n or latest}/promote` | [`PromoteRequest`] | [`RolloutRef`] |
//! | `GET /v1/apps` | – | `Vec<`[`AppStatus`]`>` |
//! | `GET /v1/apps/{app}` | – | [`AppStatus`] |
//! | `GET /v1/apps/{app}/releases` | – | `Vec<`[`ReleaseView`]`>`, newest first |
//! | `GET /v1/apps/{app}/logs?service=&tail=&follow=&timestamps=` | – | stream of [`LogLine`] |
//! | `POST /v1/images/query` | [`ImageQuery`] | [`ImageAnswer`] |
//! | `POST /v1/images`, header [`IMAGE_HEADER`]: [`ImagePush`] | contents, packed | stream of [`ImageEvent`] |
//! | `POST /v1/builds`, header [`BUILD_HEADER`]: [`BuildRequest`] | a context as tar | stream of [`BuildEvent`] |
//!
//! Anything but 2xx carries a [`Problem`]. Every answer carries [`VERSION_HEADER`].

mod audit;
mod client;
mod event;
mod health;
mod image;
mod past;
mod problem;
mod request;
mod status;
mod stream;

pub use audit::{AUDIT_MAX, AuditAction, AuditEntry, AuditFact, AuditQuery, AuditResult, Who};
pub use client::{
    AgentClient, ClientError, ContextReceiver, ContextSender, EdgeClient, EdgeClientError, Lines,
    TransportError, context_channel,
};
pub use event::{Event, EventKind, Outcome, PlanSummary, ProgressKind, StepSummary};
pub use health::{Check, Drift, DriftKind, DriftReport, Level, Mend, RepairRequest, Repaired};
pub use image::{
    Digest, IMAGE_CONFIG_MAX_BYTES, IMAGE_LAYERS_MAX, IMAGE_MAX_BYTES, ImageAnswer, ImageEvent,
    ImageLayer, ImagePart, ImagePush, ImageQuery, InvalidDigest,
};
pub use past::{
    Attempt, AttemptOutcome, HistoryEntry, Promotion, ReleaseDiff, RolloutReport, StepReport,
    StepState, Turn,
};
pub use problem::{Problem, ProblemCode};
pub use request::{
    AbandonRequest, Abandoned, BuildRequest, DeployRequest, DownRequest, LogQuery, NothingToDo,
    PlanView, PromoteRequest, RollbackRequest, RolloutAnswer, RolloutId, RolloutRef, ServiceChange,
    WhatChanges,
};
pub use status::{
    AgentInfo, AppStatus, EdgeState, EngineInfo, EngineState, OpenPhase, OpenRollout, ReleaseState,
    ReleaseView, ReplicaState, ReplicaView, RolloutView, ServiceStatus, ServingView,
};
pub use stream::{BuildEvent, LogLine, LogStream};

/// Version of this API, as in its paths.
pub const VERSION: u32 = 1;
/// Header of every answer: the API version of who answers.
pub const VERSION_HEADER: &str = "landfall-api";
/// Header of a build: a [`BuildRequest`] as JSON.
pub const BUILD_HEADER: &str = "landfall-build";
/// Header of a push: an [`ImagePush`] as JSON.
pub const IMAGE_HEADER: &str = "landfall-image";
/// Largest request and largest answer that is no stream.
pub const BODY_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Longest line of a stream.
pub const LINE_MAX_BYTES: usize = 1024 * 1024;
/// Largest build context.
pub const CONTEXT_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// A stream with nothing to say sends an empty line this often.
pub const HEARTBEAT_MS: u64 = 10_000;
