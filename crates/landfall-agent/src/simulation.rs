//! An agent without a socket, for simulations: the same services over any [`Ground`].
//!
//! Dropping the runtime it lives in is a crash, and legal.

use std::cell::Cell;
use std::time::Duration;

use landfall_api::{
    DeployRequest, DownRequest, Event, OpenRollout, Problem, PromoteRequest, RollbackRequest,
    RolloutAnswer, RolloutId, RolloutRef,
};
use landfall_core::id::AppName;

use crate::agent::Agent;
use crate::config::AgentConfig;
use crate::ground::{Ground, Neighbours};
use crate::store::StoreError;
use crate::wish::Wish;

/// Pauses of whoever watches, growing.
const WATCH_EVERY: Duration = Duration::from_millis(8);
const WATCH_EVERY_MAX: Duration = Duration::from_millis(512);

thread_local! {
    static WALL_CLOCK_MS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Sets this thread's wall clock; `None`: the machine's.
pub fn set_wall_clock_ms(now: Option<u64>) {
    WALL_CLOCK_MS.set(now);
}

/// This thread's simulated wall clock.
pub fn wall_clock_ms() -> Option<u64> {
    WALL_CLOCK_MS.get()
}

/// What the API would ask of an agent.
pub struct SimulatedAgent<G: Ground>(Agent<G>);

impl<G: Ground> Clone for SimulatedAgent<G> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<G: Ground> SimulatedAgent<G> {
    /// Starts one, as `run` does: open rollouts are taken up, neighbours are watched over.
    pub async fn start(config: AgentConfig, neighbours: Neighbours<G>) -> Result<Self, StoreError> {
        let agent = Agent::new(config, neighbours);
        agent.start().await?;
        Ok(Self(agent))
    }

    /// Stops all its tasks where they stand.
    pub async fn stop(&self) {
        self.0.stop().await;
    }

    /// Asks for a new release.
    pub async fn deploy(
        &self,
        app: &AppName,
        request: DeployRequest,
    ) -> Result<RolloutAnswer, Problem> {
        self.0.accept(app, Wish::Deploy(Box::new(request))).await
    }

    /// Asks for an older one.
    pub async fn roll_back(
        &self,
        app: &AppName,
        request: RollbackRequest,
    ) -> Result<RolloutAnswer, Problem> {
        self.0.accept(app, Wish::RollBack(request)).await
    }

    /// Asks for none.
    pub async fn down(
        &self,
        app: &AppName,
        request: DownRequest,
    ) -> Result<RolloutAnswer, Problem> {
        self.0.accept(app, Wish::Down(request)).await
    }

    /// Calls a rollout off.
    pub fn cancel(&self, app: &AppName, id: RolloutId) -> Result<RolloutRef, Problem> {
        self.0.call_off(app, id)
    }

    /// Lets a held rollout through.
    pub async fn promote(
        &self,
        app: &AppName,
        id: RolloutId,
        request: PromoteRequest,
    ) -> Result<RolloutRef, Problem> {
        self.0.promote(app, id, request).await
    }

    /// Lets a rollout that rests try again.
    pub async fn resume(&self, app: &AppName, id: RolloutId) -> Result<RolloutRef, Problem> {
        self.0.resume(app, id).await
    }

    /// A rollout's events after `seq`, and whether no more need be waited for.
    pub async fn events(
        &self,
        app: &AppName,
        id: RolloutId,
        seq: u64,
        max: usize,
    ) -> Result<(Vec<Event>, bool), Problem> {
        Ok(self.0.events(app, id).await?.after(seq, max))
    }

    /// Waits until a rollout is at rest: over, or in need of a person.
    pub async fn watch(&self, app: &AppName, id: RolloutId) -> Result<(), Problem> {
        let feed = self.0.events(app, id).await?;
        // The feed's own channel wakes its viewers in a random order.
        let mut pause = WATCH_EVERY;
        while !feed.after(u64::MAX, 1).1 {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(WATCH_EVERY_MAX);
        }
        Ok(())
    }

    /// The rollouts that hold leases, and whether nobody drives them now.
    pub fn open(&self) -> Vec<(AppName, OpenRollout, bool)> {
        let leases = self.0.leases.all().into_iter();
        leases.map(|lease| (lease.of.app.clone(), lease.view(), lease.is_resting())).collect()
    }
}
