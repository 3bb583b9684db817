//! The edge's control protocol, as plain data: JSON over HTTP on the edge's unix socket.
//!
//! | call | body | answer |
//! |---|---|---|
//! | `GET /v1/table` | – | [`RouteTable`](crate::route::RouteTable) as persisted |
//! | `PUT /v1/table` | the next table, generation = current + 1 | 200 [`Swapped`], else [`Refused`] |
//! | `POST /v1/listen-check` | [`ListenCheck`] | [`ListenChecked`]; nothing stays bound |
//! | `POST /v1/try` | [`TryRequest`] | [`TryAnswer`], asked through the edge's own upstream code |
//! | `GET /v1/targets` | – | `Vec<`[`TargetStatus`]`>` |
//! | `POST /v1/close` | [`CloseRequest`] | 200: what was still open to retired targets is closed |
//! | `GET /v1/status` | – | [`EdgeStatus`] |
//! | `POST /v1/hand-over` | – | an upgrade, for another edge: everything is passed on to it |

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::id::{AppName, ReleaseNumber, RolloutNumber, ServiceName};

/// Largest control body, in both directions.
pub const CONTROL_BODY_MAX_BYTES: usize = 8 * 1024 * 1024;

/// A table was persisted and serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swapped {
    /// Its generation.
    pub generation: u64,
}

/// A call was refused; nothing changed. 409 for a stale generation or an older rollout, 422 for an unusable table, 400
/// for a malformed body, 500 when it could not be persisted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What kind of refusal.
    pub kind: RefusedKind,
    /// Why, in words.
    pub message: String,
    /// The generation that serves.
    pub generation: u64,
}

/// What kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedKind {
    /// The writer saw an older generation.
    Stale,
    /// A newer rollout of the app has its routes: the writer's own is over.
    Superseded,
    /// Two routes claim one place, a route is empty, or the like.
    Invalid,
    /// A listener cannot be bound.
    Listen,
    /// The table could not be written to disk.
    Storage,
    /// The call itself is malformed.
    Malformed,
}

/// Addresses that a table would need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenCheck {
    /// To be tried.
    pub listen: Vec<SocketAddr>,
}

/// Which of them cannot be bound; those the edge has already are fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenChecked {
    /// Address and reason.
    pub unusable: Vec<(SocketAddr, String)>,
}

/// One request to a candidate's endpoint, sent as the edge would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryRequest {
    /// The endpoint.
    pub endpoint: SocketAddr,
    /// `Host` header.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Time for connect, request and the whole answer.
    pub timeout_ms: u64,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryAnswer {
    /// An HTTP answer, read to its end.
    Status(u16),
    /// None; why.
    Failed(String),
}

/// One endpoint the edge knows: serving, or retired and still draining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Whose.
    pub app: AppName,
    /// Of which release.
    pub release: ReleaseNumber,
    /// Brought by which rollout.
    pub rollout: RolloutNumber,
    /// Which service.
    pub service: ServiceName,
    /// Its address.
    pub endpoint: SocketAddr,
    /// Requests and tunnels that it is answering now.
    pub in_flight: u64,
    /// No longer in the table: gets no new requests.
    pub retired: bool,
}

/// Closes what is still open to one rollout's retired targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseRequest {
    /// Whose.
    pub app: AppName,
    /// Which rollout's targets.
    pub rollout: RolloutNumber,
}

/// The edge about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeStatus {
    /// Crate version.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// The generation that serves.
    pub generation: u64,
    /// Addresses it listens on.
    pub listeners: Vec<SocketAddr>,
    /// Requests answered since it started.
    pub requests: u64,
}
