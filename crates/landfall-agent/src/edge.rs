//! The `Edge` port over the edge's control socket: says of each failure what it may have changed.

use landfall_api::{EdgeClient, EdgeClientError};
use landfall_core::control::{
    CloseRequest, EdgeStatus, ListenCheck, ListenChecked, RefusedKind, TargetStatus, TryAnswer,
    TryRequest,
};
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::record::{Effect, Retry};
use landfall_core::route::RouteTable;
use landfall_deploy::ports::{Edge, EdgeError};

use crate::ground::EdgeProcess;

/// The edge of this host.
#[derive(Debug, Clone)]
pub struct HostEdge {
    client: EdgeClient,
}

impl HostEdge {
    /// Over a client.
    pub fn new(client: EdgeClient) -> Self {
        Self { client }
    }
}

impl Edge for HostEdge {
    async fn table(&self) -> Result<RouteTable, EdgeError> {
        self.client.table().await.map_err(looked)
    }

    async fn swap(&self, table: &RouteTable) -> Result<(), EdgeError> {
        self.client.swap(table).await.map(drop).map_err(changed)
    }

    async fn try_endpoint(&self, request: &TryRequest) -> Result<TryAnswer, EdgeError> {
        self.client.try_endpoint(request).await.map_err(looked)
    }

    async fn targets(&self) -> Result<Vec<TargetStatus>, EdgeError> {
        self.client.targets().await.map_err(looked)
    }

    async fn close(&self, app: &AppName, rollout: RolloutNumber) -> Result<(), EdgeError> {
        let request = CloseRequest { app: app.clone(), rollout };
        self.client.close(&request).await.map_err(changed)
    }
}

impl EdgeProcess for HostEdge {
    async fn status(&self) -> Result<EdgeStatus, EdgeClientError> {
        self.client.status().await
    }

    async fn listen_check(&self, check: &ListenCheck) -> Result<ListenChecked, EdgeClientError> {
        self.client.listen_check(check).await
    }
}

/// A failed call that changes nothing whatever happens.
fn looked(error: EdgeClientError) -> EdgeError {
    EdgeError { effect: Effect::None, ..changed(error) }
}

fn changed(error: EdgeClientError) -> EdgeError {
    match error {
        EdgeClientError::Transport(error) => {
            let sent = error.may_have_been_sent();
            let effect = if sent { Effect::Unknown } else { Effect::None };
            let message = format!("the edge does not answer: {error}");
            EdgeError { effect, retry: Retry::Later, stale: false, message }
        }
        EdgeClientError::Refused(refused) => {
            let message = format!("the edge refused: {}", refused.message);
            let (effect, retry) = match refused.kind {
                RefusedKind::Stale | RefusedKind::Listen => (Effect::None, Retry::Later),
                RefusedKind::Superseded | RefusedKind::Invalid | RefusedKind::Malformed => {
                    (Effect::None, Retry::Never)
                }
                // A write that failed half-way may have been persisted all the same.
                RefusedKind::Storage => (Effect::Unknown, Retry::Later),
            };
            EdgeError { effect, retry, stale: refused.kind == RefusedKind::Stale, message }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_api::TransportError;
    use landfall_core::control::Refused;

    fn refused(kind: RefusedKind) -> EdgeClientError {
        let message = "no".to_owned();
        EdgeClientError::Refused(Refused { kind, message, generation: 3 })
    }

    #[test]
    fn what_was_never_sent_had_no_effect_and_what_was_is_in_doubt() {
        let missing = TransportError::NotRunning { socket: "/x".into() };
        let error = changed(missing.into());
        assert_eq!((error.effect, error.retry), (Effect::None, Retry::Later));
        let error = changed(TransportError::Broken("reset".to_owned()).into());
        assert_eq!((error.effect, error.retry), (Effect::Unknown, Retry::Later));
        let error = looked(TransportError::Broken("reset".to_owned()).into());
        assert_eq!((error.effect, error.retry), (Effect::None, Retry::Later));
    }

    #[test]
    fn refusals_changed_nothing() {
        let error = changed(refused(RefusedKind::Stale));
        assert!(error.stale && error.effect == Effect::None);
        let error = changed(refused(RefusedKind::Superseded));
        assert!(!error.stale, "asking again, with a newer generation, must not help");
        assert_eq!((error.effect, error.retry), (Effect::None, Retry::Never));
        let error = changed(refused(RefusedKind::Invalid));
        assert_eq!((error.effect, error.retry), (Effect::None, Retry::Never));
    }
}
