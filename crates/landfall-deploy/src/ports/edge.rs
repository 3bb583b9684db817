//! The edge, as the transaction sees it.

use std::future::Future;

use landfall_core::control::{TargetStatus, TryAnswer, TryRequest};
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::record::{Effect, Retry};
use landfall_core::route::RouteTable;

/// The proxy process of one host.
pub trait Edge: Send + Sync {
    /// The table as persisted.
    fn table(&self) -> impl Future<Output = Result<RouteTable, EdgeError>> + Send;

    /// Makes a table serve, if its generation follows the present one. Persisted when acknowledged.
    fn swap(&self, table: &RouteTable) -> impl Future<Output = Result<(), EdgeError>> + Send;

    /// One request to a candidate, sent as the edge would.
    fn try_endpoint(
        &self,
        request: &TryRequest,
    ) -> impl Future<Output = Result<TryAnswer, EdgeError>> + Send;

    /// Endpoints that serve or drain.
    fn targets(&self) -> impl Future<Output = Result<Vec<TargetStatus>, EdgeError>> + Send;

    /// Closes what is still open to a rollout's retired endpoints.
    fn close(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
    ) -> impl Future<Output = Result<(), EdgeError>> + Send;
}

/// Why an edge call did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EdgeError {
    /// Whether the table may have been swapped.
    pub effect: Effect,
    /// Whether the same call may work later.
    pub retry: Retry,
    /// Another writer came first: read the table again.
    pub stale: bool,
    /// In words.
    pub message: String,
}
