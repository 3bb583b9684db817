//! One schedule: run, crash, restart, until the rollout is settled.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use landfall_core::reason::Reason;
use landfall_core::record::{Record, Verdict};
use landfall_core::rollout::Rollout;
use landfall_deploy::ports::{JournalError, JournalStore};
use landfall_deploy::{Cancel, Driver, Settled};

use super::scenarios::{Scenario, Then};
use crate::fake::{
    FakeEdge, FakeEngine, FakeFiles, FakeJournal, Fault, SilentObserver, SimClock, World,
};

/// How a schedule ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With a verdict.
    Ended(Verdict),
    /// It calls for a person.
    Stuck(Reason),
    /// The journal it left cannot be folded, or it was restarted too often.
    Lost(String),
}

const RESTARTS_MAX: u32 = 40;

/// Runs a scenario under faults; returns how it ended and the world it left.
pub fn run(scenario: &Scenario, faults: BTreeMap<u64, Fault>) -> (Outcome, World) {
    let mut inner = scenario.before.clone();
    inner.faults = faults;
    inner.cancel_at = scenario.cancel_at;
    inner.cancel = Cancel::new();
    let world = World::new(inner);
    for life in 0..RESTARTS_MAX {
        if let Some(outcome) = live(scenario, &world, life > 0) {
            return (outcome, world);
        }
        world.lock().crashed = false;
    }
    (Outcome::Lost("it was restarted over and over".to_owned()), world)
}

/// One life of the agent; `None` when it died.
fn live(scenario: &Scenario, world: &World, again: bool) -> Option<Outcome> {
    if again {
        world.lock().journal.push(Record::Resumed);
    }
    let records = world.lock().journal.clone();
    if let Some(Record::Ended { verdict }) = records.iter().rev().find(|r| **r != Record::Resumed) {
        return Some(Outcome::Ended(verdict.clone()));
    }
    let rollout = match Rollout::replay(records) {
        Ok(rollout) => rollout.with_mutation(scenario.mutation),
        Err(illegal) => return Some(Outcome::Lost(illegal.to_string())),
    };
    let driver = Driver {
        engine: FakeEngine(world.clone()),
        edge: FakeEdge(world.clone()),
        journal: FakeJournal(world.clone()),
        clock: SimClock(world.clone()),
        files: FakeFiles(world.clone()),
    };
    let cancel = world.lock().cancel.clone();
    let mut rollout = rollout;
    loop {
        let run = driver.run(rollout, scenario.release.as_ref(), &SilentObserver, &cancel);
        match poll(run, world)? {
            Ok(Settled::Ended(verdict)) => return Some(Outcome::Ended(verdict)),
            Ok(Settled::Stuck(reason)) => return Some(Outcome::Stuck(reason)),
            Ok(Settled::Held) => {
                poll(decide(scenario, world, &driver.journal), world)?.ok()?;
                let records = world.lock().journal.clone();
                match Rollout::replay(records) {
                    Ok(again) => rollout = again.with_mutation(scenario.mutation),
                    Err(illegal) => return Some(Outcome::Lost(illegal.to_string())),
                }
            }
            // The journal could not be written: the agent gives up, and is started again.
            Err(_) => return None,
        }
    }
}

/// Days later a person decides.
async fn decide(
    scenario: &Scenario,
    world: &World,
    journal: &FakeJournal,
) -> Result<(), JournalError> {
    world.lock().now += Duration::from_hours(72);
    let Some(held) = &scenario.held else {
        // It should not have been: the mess shows at the end.
        world.lock().cancel.cancel();
        return Ok(());
    };
    for service in &held.down {
        world.lock().stop_all(scenario.plan.rollout, service);
    }
    match held.then {
        Then::Promote => {
            let record = Record::Promoted { by: "ann".to_owned() };
            journal.append(&scenario.plan.app, scenario.plan.rollout, &record).await
        }
        Then::Cancel => {
            world.lock().cancel.cancel();
            Ok(())
        }
    }
}

/// Polls until it is ready or the agent died. The fakes never wait for anything else.
fn poll<F: Future>(future: F, world: &World) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if world.lock().crashed => return None,
            Poll::Pending => {}
        }
    }
}
