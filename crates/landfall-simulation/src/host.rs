//! One host: the agent that lives on it now, and whoever starts the next one when it dies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landfall_agent::simulation::SimulatedAgent;
use landfall_agent::{AgentConfig, Ground, Neighbours};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::edge::SimEdge;
use crate::engine::SimPlatform;
use crate::files::{SimClock, SimFiles, SimHost};
use crate::store::SimStore;
use crate::world::Sim;

/// The simulated ground.
pub(crate) struct SimGround;

impl Ground for SimGround {
    type Platform = SimPlatform;
    type Edge = SimEdge;
    type Store = SimStore;
    type Files = SimFiles;
    type Clock = SimClock;
    type Host = SimHost;
}

/// An agent that lives, and its number.
pub(crate) type Alive = (u64, SimulatedAgent<SimGround>);

/// A host.
#[derive(Clone)]
pub(crate) struct Host {
    /// Its world.
    pub sim: Sim,
    alive: Arc<Mutex<Option<Alive>>>,
    /// Rung when an agent starts, and when it dies. Wakes in the order of waiting: a watch channel
    /// wakes in a random one.
    changed: Arc<Notify>,
}

/// Time that a client waits for an agent.
const PATIENCE: Duration = Duration::from_mins(20);
/// Time until a dead agent is started again.
const RESTART: Duration = Duration::from_millis(300);

impl Host {
    /// Nobody lives on it yet.
    pub(crate) fn new(sim: Sim) -> Self {
        Self { sim, alive: Arc::default(), changed: Arc::default() }
    }

    /// The agent that lives now, or the next one.
    pub(crate) async fn agent(&self) -> Option<Alive> {
        let lives = async {
            loop {
                let changed = self.changed.notified();
                let alive = self.lock().clone();
                if let Some(alive) = alive {
                    return alive;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, lives).await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Alive>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, alive: Option<Alive>) -> Option<Alive> {
        let old = std::mem::replace(&mut *self.lock(), alive);
        self.changed.notify_waiters();
        old
    }

    /// Waits until the agent of this number is dead.
    pub(crate) async fn death_of(&self, life: u64) {
        loop {
            let changed = self.changed.notified();
            if self.lock().as_ref().is_none_or(|(now, _)| *now != life) {
                return;
            }
            changed.await;
        }
    }

    /// Keeps an agent alive for ever.
    pub(crate) async fn supervise(&self) {
        loop {
            let bell = self.sim.lock().bell.clone();
            tokio::select! {
                biased;
                () = bell.notified() => {}
                () = self.start() => bell.notified().await,
            }
            let old = self.set(None);
            if let Some((_, agent)) = old {
                agent.stop().await;
            }
            self.after_death().await;
        }
    }

    async fn after_death(&self) {
        sleep(RESTART).await;
        loop {
            let order = {
                let mut world = self.sim.lock();
                if !std::mem::take(&mut world.dark) {
                    world.death = None;
                    world.nothing_acknowledged_is_lost();
                    return;
                }
                // In any order: here by the number of the life that ended.
                world.life % 3
            };
            let ms = |at: u64| Duration::from_millis(200 + 400 * ((at + order) % 3));
            self.sim.start_engine(ms(0));
            self.sim.revive_edge(ms(1));
            sleep(ms(2)).await;
        }
    }

    /// Starts an agent; one that cannot read its store tries again, as a supervisor would.
    async fn start(&self) {
        loop {
            let sim = self.sim.of_this_life();
            let life = sim.lock().life;
            let neighbours = Neighbours {
                platform: SimPlatform(sim.clone()),
                edge: SimEdge(sim.clone()),
                store: SimStore(sim.clone()),
                files: SimFiles(sim.clone()),
                clock: SimClock(sim),
                host: SimHost,
            };
            let config = AgentConfig::new("/state", "/agent.sock", "/edge.sock");
            if let Ok(agent) = SimulatedAgent::start(config, neighbours).await {
                self.set(Some((life, agent)));
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}
