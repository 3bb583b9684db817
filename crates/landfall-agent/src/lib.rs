//! The agent: one a host. It holds releases and journals, runs rollouts, answers the API.
//!
//! It knows the engine only through [`Platform`], and the edge only through its control socket. The
//! host owns the transaction: a client may vanish, the rollout goes on; the agent may be killed, the
//! next one takes the rollout up from its journal.
//!
//! Reading order: `store` (what is durable), `lease` and `feed` (who changes an app, who watches),
//! `wish` → `target` → `prepare` → `carry_out` (a rollout's way), `recovery` and `reconcile` (after a
//! restart), `http` (the API).

mod abandon;
mod agent;
mod arrival;
mod audit;
mod carry_out;
mod clock;
mod config;
mod crash;
mod doctor;
mod drift;
mod edge;
mod feed;
mod files;
mod ground;
mod history;
mod hold;
mod host;
mod http;
mod images;
mod inspect;
mod lease;
mod lock;
mod logs;
mod narrator;
mod past;
mod platform;
mod preflight;
mod prepare;
mod problems;
mod reconcile;
mod recover;
mod recovery;
mod repair;
mod report;
mod run;
#[cfg(feature = "simulation")]
pub mod simulation;
mod status;
mod store;
mod target;
#[cfg(test)]
mod testkit;
mod wish;
mod world;

pub use clock::TokioClock;
pub use config::AgentConfig;
pub use edge::HostEdge;
pub use files::DiskFiles;
pub use ground::{DiskSpace, EdgeProcess, Ground, HostView, Neighbours, Store, stored};
pub use http::SocketError;
pub use inspect::{InspectedRollout, Inspection, read_state};
pub use lock::LockError;
pub use platform::{Context, LogRequest, Platform, PullProgress, RawLine, RawLogs};
pub use platform::{EngineFacts, Inspected, LostContainer};
pub use recover::{
    Labelled, RecoverError, RecoverOptions, RecoveredApp, Recovery, Survey, recover,
};
pub use run::{AgentError, run};
pub use store::{StoreError, inspect};
