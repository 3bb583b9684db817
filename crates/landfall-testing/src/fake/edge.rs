//! The edge: a table that survives, compare-and-swap by generation, requests that take their time.

use std::net::{IpAddr, SocketAddr};

use landfall_core::control::{TargetStatus, TryAnswer, TryRequest};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::record::{Effect, Retry};
use landfall_core::route::RouteTable;
use landfall_deploy::ports::{Edge, EdgeError};

use super::world::{Fate, Inner, World};

/// The fake edge.
#[derive(Debug, Clone)]
pub struct FakeEdge(pub World);

fn error(effect: Effect, retry: Retry, stale: bool, message: &str) -> EdgeError {
    EdgeError { effect, retry, stale, message: message.to_owned() }
}

impl FakeEdge {
    async fn call<T>(
        &self,
        call: &str,
        effect: impl FnOnce(&mut Inner) -> Result<T, EdgeError>,
    ) -> Result<T, EdgeError> {
        match self.0.pass(call).await {
            Fate::Go => self.0.change(call, effect),
            Fate::Refuse { later } => {
                let retry = if later { Retry::Later } else { Retry::Never };
                Err(error(Effect::None, retry, false, "refused by a planted fault"))
            }
            Fate::LoseAnswer => {
                let _ = self.0.change(call, effect);
                Err(error(Effect::Unknown, Retry::Later, false, "the answer was lost"))
            }
            Fate::CrashAfter => {
                let _ = self.0.change(call, effect);
                self.0.die().await
            }
        }
    }
}

/// Finds who answers at an endpoint.
fn answers(inner: &mut Inner, endpoint: SocketAddr) -> TryAnswer {
    let IpAddr::V4(address) = endpoint.ip() else { return TryAnswer::Failed("refused".into()) };
    let at = |c: &super::Container| c.networks.values().any(|a| *a == Some(address));
    let found = inner.containers.iter().find(|(_, c)| at(c)).map(|(id, _)| id.clone());
    let Some(id) = found else { return TryAnswer::Failed("refused the connection".into()) };
    let good = inner.is_good(&inner.containers[&id]);
    if let Some(container) = inner.containers.get_mut(&id)
        && good
    {
        container.answered += 1;
    }
    TryAnswer::Status(if good { 200 } else { 503 })
}

impl Edge for FakeEdge {
    async fn table(&self) -> Result<RouteTable, EdgeError> {
        self.call("edge table", |inner| Ok(inner.table.clone())).await
    }

    async fn swap(&self, table: &RouteTable) -> Result<(), EdgeError> {
        self.call("edge swap", |inner| {
            if table.generation != inner.table.generation + 1 {
                return Err(error(Effect::None, Retry::Later, true, "stale generation"));
            }
            if let Err(superseded) = inner.table.succeeded_by(table) {
                return Err(error(Effect::None, Retry::Never, false, &superseded.to_string()));
            }
            if let Err(invalid) = table.validate() {
                return Err(error(Effect::None, Retry::Never, false, &invalid.to_string()));
            }
            inner.table = table.clone();
            Ok(())
        })
        .await
    }

    async fn try_endpoint(&self, request: &TryRequest) -> Result<TryAnswer, EdgeError> {
        self.call("edge try", |inner| Ok(answers(inner, request.endpoint))).await
    }

    async fn targets(&self) -> Result<Vec<TargetStatus>, EdgeError> {
        self.call("edge targets", |inner| {
            let draining = inner.in_flight_until.is_some_and(|until| inner.now < until);
            let Some(previous) = inner.rules.previous.clone().filter(|_| draining) else {
                return Ok(Vec::new());
            };
            let serves = inner.table.apps.get(&previous.app).map(|part| part.rollout);
            Ok(vec![TargetStatus {
                app: previous.app,
                release: ReleaseNumber(1),
                rollout: previous.rollout,
                service: "web".parse().expect("a valid name"),
                endpoint: SocketAddr::from(([10, 0, 0, 1], 80)),
                in_flight: 3,
                retired: serves != Some(previous.rollout),
            }])
        })
        .await
    }

    async fn close(&self, _: &AppName, _: RolloutNumber) -> Result<(), EdgeError> {
        self.call("edge close", |inner| {
            inner.in_flight_until = None;
            Ok(())
        })
        .await
    }
}
