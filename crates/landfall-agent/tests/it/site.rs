//! One host for a test: state folder, sockets, world, and an agent that can be stopped and started.

use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_agent::{AgentConfig, AgentError};
use landfall_api::{
    AgentClient, DeployRequest, DownRequest, Event, EventKind, Outcome, RollbackRequest,
    RolloutAnswer, RolloutId, RolloutRef,
};
use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::spec::AppSpec;
use landfall_testing::fake::World;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::edge::{self, FaultyEdge};
use crate::platform::TestPlatform;

/// A test that hangs fails after this.
const PATIENCE: Duration = Duration::from_secs(30);

/// For benchmarks between networks: no engine's.
const TEST_POOL: &str = "198.18.0.0/16";

/// What gets stuck does so at once.
const PAUSE_MAX: Duration = Duration::from_millis(20);

type Running = (oneshot::Sender<()>, JoinHandle<Result<(), AgentError>>);

pub(crate) struct Site {
    /// Removed with the site.
    own: Option<tempfile::TempDir>,
    dir: PathBuf,
    pub(crate) world: World,
    pub(crate) platform: TestPlatform,
    pub(crate) edge: FaultyEdge,
    pub(crate) client: AgentClient,
    running: Option<Running>,
    helpers: Vec<JoinHandle<()>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        for helper in &self.helpers {
            helper.abort();
        }
        drop(self.own.take());
    }
}

impl Site {
    /// With an agent and an edge that run, in a folder of its own.
    pub(crate) async fn new() -> Self {
        let own = tempfile::tempdir().unwrap();
        let mut site = Self::at(own.path()).await;
        site.own = Some(own);
        site
    }

    /// In a given folder.
    pub(crate) async fn at(dir: &Path) -> Self {
        let world = World::default();
        let platform = TestPlatform::new(&world);
        let client = AgentClient::new(&dir.join("agent.sock"));
        let edge = FaultyEdge::new(&world);
        let served = edge::serve(edge.clone(), &dir.join("edge.sock"));
        let helpers = vec![served, tick(&world)];
        let mut site = Self {
            dir: dir.to_owned(),
            own: None,
            world,
            platform,
            edge,
            client,
            running: None,
            helpers,
        };
        site.start().await;
        site
    }

    pub(crate) fn config(&self) -> AgentConfig {
        let path = |name: &str| self.dir.join(name);
        let mut config = AgentConfig::new(path("state"), path("agent.sock"), path("edge.sock"));
        // A real engine on the same host, as other tests have it, routes subnets of the default pool.
        config.subnet_pool = TEST_POOL.parse().unwrap();
        config.pause_max = PAUSE_MAX;
        config
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join("state/store/landfall.db")
    }

    pub(crate) async fn start(&mut self) {
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let agent = landfall_agent::run(self.config(), self.platform.clone(), shutdown);
        self.running = Some((stop, tokio::spawn(agent)));
        patiently("the agent answers", async {
            while self.client.info().await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    pub(crate) async fn stop(&mut self) {
        let (stop, running) = self.running.take().unwrap();
        drop(stop);
        patiently("the agent stops", running).await.unwrap().unwrap();
        // A thread may still be closing the database, which takes this file away at last.
        let log = self.dir.join("state/store/landfall.db-wal");
        let closed = async {
            while log.exists() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        patiently("the database is closed", closed).await;
    }

    pub(crate) async fn deploy(&self, spec: &AppSpec) -> Vec<Event> {
        let of = self.start_deploy(spec).await;
        self.all_events(&of).await
    }

    pub(crate) async fn start_deploy(&self, spec: &AppSpec) -> RolloutRef {
        started(self.client.deploy(&request(spec)).await.unwrap())
    }

    pub(crate) async fn roll_back(&self, to: Option<u32>) -> Vec<Event> {
        let request = RollbackRequest {
            to: to.map(ReleaseNumber),
            by: "ann".to_owned(),
            hold: false,
            preview: None,
            plan_only: false,
        };
        let of = started(self.client.rollback(&shop_name(), &request).await.unwrap());
        self.all_events(&of).await
    }

    pub(crate) async fn down(&self) -> Vec<Event> {
        let request = DownRequest { by: "ann".to_owned(), plan_only: false };
        let of = started(self.client.down(&shop_name(), &request).await.unwrap());
        self.all_events(&of).await
    }

    pub(crate) async fn all_events(&self, of: &RolloutRef) -> Vec<Event> {
        self.events_after(of, 0).await
    }

    pub(crate) async fn events_after(&self, of: &RolloutRef, after: u64) -> Vec<Event> {
        let id = RolloutId::Number(of.rollout);
        let mut lines = self.client.events(&of.app, id, after).await.unwrap();
        let mut events = Vec::new();
        patiently("the events end", async {
            while let Some(event) = lines.next().await.unwrap() {
                events.push(event);
            }
        })
        .await;
        events
    }

    /// Waits until something holds of the world.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) {
        patiently(what, async {
            while !holds(&self.world) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// Virtual time runs faster than real time.
fn tick(world: &World) -> JoinHandle<()> {
    let world = world.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            world.lock().now += Duration::from_millis(20);
        }
    })
}

pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

pub(crate) fn started(answer: RolloutAnswer) -> RolloutRef {
    match answer {
        RolloutAnswer::Started(of) => of,
        other => panic!("not started: {other:?}"),
    }
}

pub(crate) fn request(spec: &AppSpec) -> DeployRequest {
    DeployRequest {
        spec: spec.clone(),
        images: std::collections::BTreeMap::new(),
        by: "ann@laptop".to_owned(),
        message: Some("because".to_owned()),
        commit: None,
        force: false,
        hold: None,
        preview: None,
        plan_only: false,
    }
}

pub(crate) fn shop_name() -> AppName {
    "shop".parse().unwrap()
}

/// The shop, fast to drain, with a marker that makes each version another release.
pub(crate) fn shop(version: &str) -> AppSpec {
    app("shop", version)
}

/// The same under another name.
pub(crate) fn app(name: &str, version: &str) -> AppSpec {
    let mut spec = landfall_core::testkit::shop();
    spec.name = name.parse().unwrap();
    spec.settings.drain_ms = 50;
    for (name, service) in &mut spec.services {
        service.health.stay_up_ms = 20;
        if name.as_str() == "web" {
            let version = landfall_core::secret::Secret::new(version.to_owned());
            service.container.environment.insert("VERSION".to_owned(), version);
        }
    }
    spec
}

pub(crate) fn outcome(events: &[Event]) -> (&Outcome, Option<u32>) {
    match events.last().map(|event| &event.kind) {
        Some(EventKind::Ended { outcome, serving, .. }) => (outcome, serving.map(|r| r.0)),
        other => panic!("it has not ended: {other:?}"),
    }
}
