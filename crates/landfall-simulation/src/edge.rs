//! The edge's process: a table in memory and one on disk, compare-and-swap by generation, requests
//! that take their time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use landfall_agent::EdgeProcess;
use landfall_api::{EdgeClientError, TransportError};
use landfall_core::control::{
    EdgeStatus, ListenCheck, ListenChecked, TargetStatus, TryAnswer, TryRequest,
};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::record::{Effect, Retry};
use landfall_core::route::RouteTable;
use landfall_deploy::ports::{Edge, EdgeError};

use crate::engine::EngineState;
use crate::fault::{Call, Port};
use crate::world::{Failure, Sim, World};

/// Requests that are on their way to endpoints that no table names any more.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// Whose.
    pub app: AppName,
    /// Of which rollout.
    pub rollout: RolloutNumber,
    /// The endpoints.
    pub endpoints: Vec<SocketAddr>,
    /// They end then.
    pub until: Duration,
    /// They may be cut off then.
    pub patience: Duration,
}

/// The edge.
#[derive(Debug, Clone)]
pub struct EdgeState {
    /// It answers.
    pub up: bool,
    /// The table that serves.
    pub table: Arc<RouteTable>,
    /// The table that is on disk.
    disk: Arc<RouteTable>,
    /// Requests to what was retired.
    pub in_flight: Vec<InFlight>,
    /// How long such requests take.
    pub requests_ms: u64,
    /// Tables in which this app has routes of that rollout or a later one are refused.
    pub refuses: Option<(AppName, RolloutNumber)>,
    /// Its process dies with the next swap's answer, and is away for so long.
    pub dies_after_swap: Option<Duration>,
    /// The next swap's answer is lost, and it comes later.
    pub late_swap: bool,
    /// Counts its processes.
    pub life: u64,
}

impl Default for EdgeState {
    fn default() -> Self {
        Self {
            up: true,
            table: Arc::default(),
            disk: Arc::default(),
            in_flight: Vec::new(),
            requests_ms: 20,
            refuses: None,
            dies_after_swap: None,
            late_swap: false,
            life: 0,
        }
    }
}

impl EdgeState {
    /// The process is gone, and what was in flight.
    pub fn kill(&mut self) {
        self.up = false;
        self.life += 1;
        self.in_flight.clear();
    }

    /// It serves what it has on disk.
    pub fn come_up(&mut self) {
        self.up = true;
        self.table = Arc::clone(&self.disk);
    }
}

fn error(effect: Effect, retry: Retry, stale: bool, message: &str) -> EdgeError {
    EdgeError { effect, retry, stale, message: message.to_owned() }
}

impl Failure for EdgeError {
    fn absent() -> Self {
        error(Effect::None, Retry::Later, false, "no edge answers")
    }

    fn refused(later: bool) -> Self {
        let retry = if later { Retry::Later } else { Retry::Never };
        error(Effect::None, retry, false, "refused by a planted fault")
    }

    fn lost() -> Self {
        error(Effect::Unknown, Retry::Later, false, "the answer was lost")
    }
}

impl Failure for EdgeClientError {
    fn absent() -> Self {
        TransportError::NotRunning { socket: "edge.sock".into() }.into()
    }

    fn refused(_: bool) -> Self {
        TransportError::Broken("refused by a planted fault".to_owned()).into()
    }

    fn lost() -> Self {
        TransportError::Broken("the answer was lost".to_owned()).into()
    }
}

/// The edge, as one agent has it.
#[derive(Clone)]
pub struct SimEdge(pub Sim);

const fn call(name: &'static str, changes: bool) -> Call {
    Call { port: Port::Edge, name, changes }
}

/// Finds who answers at an endpoint.
fn answers(engine: &EngineState, endpoint: SocketAddr, now: Duration) -> TryAnswer {
    let IpAddr::V4(address) = endpoint.ip() else { return TryAnswer::Failed("refused".into()) };
    match engine.at(address) {
        Some(container) if container.runs() => {
            TryAnswer::Status(if container.serves(now) { 200 } else { 503 })
        }
        Some(_) | None => TryAnswer::Failed("refused the connection".into()),
    }
}

fn swap(world: &mut World, table: RouteTable) -> Result<(), EdgeError> {
    let now = world.now();
    let follows = table.generation == world.edge.table.generation + 1;
    if !follows && !planted(Mutation::EdgeIgnoresGeneration) {
        return Err(error(Effect::None, Retry::Later, true, "stale generation"));
    }
    if let Err(superseded) = world.edge.table.succeeded_by(&table)
        && !planted(Mutation::EdgeIgnoresGeneration)
    {
        return Err(error(Effect::None, Retry::Never, false, &superseded.to_string()));
    }
    if let Err(invalid) = table.validate() {
        return Err(error(Effect::None, Retry::Never, false, &invalid.to_string()));
    }
    let refused = !world.late
        && world.edge.refuses.as_ref().is_some_and(|(app, from)| {
            table.apps.get(app).is_some_and(|part| part.rollout >= *from)
        });
    if refused {
        return Err(error(Effect::None, Retry::Never, false, "cannot listen"));
    }
    world.swap_is_meant(&table);
    let mut retired = Vec::new();
    for (app, part) in &world.edge.table.apps {
        if table.apps.get(app).map(|next| next.rollout) != Some(part.rollout) {
            let routes = part.routes.iter().flat_map(|route| &route.upstream.endpoints);
            retired.push(InFlight {
                app: app.clone(),
                rollout: part.rollout,
                endpoints: routes.copied().collect(),
                until: now + Duration::from_millis(world.edge.requests_ms),
                patience: now + Duration::from_millis(world.store.drain_ms(app)),
            });
        }
    }
    world.edge.in_flight.retain(|left| left.until > now);
    world.edge.in_flight.extend(retired);
    world.edge.table = Arc::new(table);
    if !planted(Mutation::EdgeAcksBeforePersisting) {
        world.edge.disk = Arc::clone(&world.edge.table);
    }
    Ok(())
}

fn targets(world: &mut World) -> Vec<TargetStatus> {
    let now = world.now();
    let edge = &world.edge;
    let left = edge.in_flight.iter().filter(|left| left.until > now);
    let target = |left: &InFlight| TargetStatus {
        app: left.app.clone(),
        release: ReleaseNumber(1),
        rollout: left.rollout,
        service: "web".parse().expect("a valid name"),
        endpoint: SocketAddr::from(([10, 0, 0, 1], 80)),
        in_flight: 3,
        retired: true,
    };
    left.map(target).collect()
}

impl Edge for SimEdge {
    async fn table(&self) -> Result<RouteTable, EdgeError> {
        let work = |world: &mut World| Ok((*world.edge.table).clone());
        self.0.call(call("edge table", false), "", work).await
    }

    async fn swap(&self, table: &RouteTable) -> Result<(), EdgeError> {
        let table = table.clone();
        let work = move |world: &mut World| swap(world, table);
        if std::mem::take(&mut self.0.lock().edge.late_swap) {
            self.0.later(call("edge swap", true), work);
            return Err(EdgeError::lost());
        }
        self.0.call(call("edge swap", true), "", work).await?;
        let dies = self.0.lock().edge.dies_after_swap.take();
        let Some(away) = dies else { return Ok(()) };
        self.0.lock().edge.kill();
        self.0.revive_edge(away);
        Err(EdgeError::lost())
    }

    async fn try_endpoint(&self, request: &TryRequest) -> Result<TryAnswer, EdgeError> {
        let endpoint = request.endpoint;
        let work = move |world: &mut World| Ok(answers(&world.engine, endpoint, world.now()));
        self.0.call(call("edge try", false), "", work).await
    }

    async fn targets(&self) -> Result<Vec<TargetStatus>, EdgeError> {
        let work = |world: &mut World| Ok(targets(world));
        self.0.call(call("edge targets", false), "", work).await
    }

    async fn close(&self, app: &AppName, rollout: RolloutNumber) -> Result<(), EdgeError> {
        let app = app.clone();
        let work = move |world: &mut World| {
            let now = world.now();
            let hasty = |left: &InFlight| left.app == app && left.rollout == rollout;
            if world.edge.in_flight.iter().any(|left| hasty(left) && left.patience > now) {
                world.watch.broken("I1", format_args!("requests to {app} are cut off too early"));
            }
            world.edge.in_flight.retain(|left| !hasty(left));
            Ok(())
        };
        self.0.call(call("edge close", true), "", work).await
    }
}

impl EdgeProcess for SimEdge {
    async fn status(&self) -> Result<EdgeStatus, EdgeClientError> {
        let work = |world: &mut World| {
            Ok(EdgeStatus {
                version: "simulated".to_owned(),
                pid: 1,
                generation: world.edge.table.generation,
                listeners: Vec::new(),
                requests: 0,
            })
        };
        self.0.call(call("edge status", false), "", work).await
    }

    async fn listen_check(&self, _: &ListenCheck) -> Result<ListenChecked, EdgeClientError> {
        let work = |_: &mut World| Ok(ListenChecked { unusable: Vec::new() });
        self.0.call(call("edge listen check", false), "", work).await
    }
}
