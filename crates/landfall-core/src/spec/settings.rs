//! What stands under `x-landfall`, with the defaults that make a plain file deploy unchanged.

use serde::{Deserialize, Serialize};

/// App-wide settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppSettings {
    /// `drain`: how long requests in flight may take after the cutover.
    pub drain_ms: u64,
    /// `deadline`: how long a rollout may go without progress before it is undone.
    pub progress_deadline_ms: u64,
    /// `keep`: stable releases kept for rolling back, the serving one included.
    pub keep: u32,
    /// `hold`: wait for `landfall promote` before the cutover of each deploy.
    #[serde(skip_serializing_if = "super::is_default")]
    pub hold: bool,
    /// `hold_max`: how long it waits before it is called off; 0: for ever.
    #[serde(skip_serializing_if = "is_hold_max_default")]
    pub hold_max_ms: u64,
}

/// A week: long enough for a release that waits for a Monday.
const HOLD_MAX_MS: u64 = 7 * 24 * 60 * 60 * 1000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_hold_max_default(ms: &u64) -> bool {
    *ms == HOLD_MAX_MS
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            drain_ms: 30_000,
            progress_deadline_ms: 300_000,
            keep: 5,
            hold: false,
            hold_max_ms: HOLD_MAX_MS,
        }
    }
}

/// Health settings of one service (`x-landfall: {health: …}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthSettings {
    /// `path`: HTTP path that answers 2xx or 3xx when ready.
    pub path: Option<String>,
    /// `port`: container port of that path; default is the routed port.
    pub port: Option<u16>,
    /// `successes`: good answers in a row that are needed.
    pub successes: u32,
    /// `timeout`: how long one replica may take to become ready.
    pub timeout_ms: u64,
    /// `stay_up`: without any probe, how long it must run without a restart.
    pub stay_up_ms: u64,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self { path: None, port: None, successes: 2, timeout_ms: 60_000, stay_up_ms: 2_000 }
    }
}

/// One entry of `x-landfall: {routes: […]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSettings {
    /// `listen`: host address and port the edge listens on.
    pub listen: std::net::SocketAddr,
    /// `host`: host name; `None` answers any.
    pub host: Option<String>,
    /// `path`: path prefix, `/` by default.
    pub path: String,
    /// `port`: container port.
    pub port: u16,
}
