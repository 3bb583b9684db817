//! One run: a host, its clients, the weather; then calm, and everything must come to rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use landfall_core::id::AppName;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::fault::Chance;
use crate::host::Host;
use crate::scenario::Scenario;
use crate::storm::Weather;
use crate::world::{Sim, World};

/// What the wall clock says all the time, where nobody said otherwise: nothing may depend on it.
const WALL_CLOCK_MS: u64 = 1_700_000_000_000;
/// Everything ends by then, or never will.
const END: Duration = Duration::from_hours(1);
/// After the last fault every rollout ends within this time.
const CALM_MAX: Duration = Duration::from_mins(15);
/// Time in which the agent puts right what it can.
const REST: Duration = Duration::from_secs(20);

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// The world as it was left.
    pub world: World,
}

impl Report {
    /// What did not hold.
    pub fn violations(&self) -> &[String] {
        &self.world.watch.violations
    }
}

/// How a run differs from a scenario's plain one.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What goes wrong.
    pub chance: Chance,
    /// What else happens to the host.
    pub weather: Option<Weather>,
    /// How long calls take.
    pub latency: Option<u64>,
    /// Keep words.
    pub verbose: bool,
}

impl Terms {
    /// Nothing goes wrong.
    pub fn quiet() -> Self {
        Self { chance: Chance::Quiet, weather: None, latency: None, verbose: false }
    }
}

/// Runs a scenario from a world.
pub fn run(start: &World, scenario: &Scenario, terms: Terms) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O can be built");
    if landfall_agent::simulation::wall_clock_ms().is_none() {
        landfall_agent::simulation::set_wall_clock_ms(Some(WALL_CLOCK_MS));
    }
    let mut world = start.clone();
    prepare(&mut world, scenario, &terms);
    let world = runtime.block_on(async move {
        // From here on time goes in whole milliseconds.
        sleep(Duration::from_millis(1)).await;
        world.thaw();
        let sim = Sim::new(world);
        live(&sim, scenario, &terms).await;
        sim
    });
    // Tasks hold the world: they go first.
    drop(runtime);
    let world = world.lock().clone();
    Report { world }
}

fn prepare(world: &mut World, scenario: &Scenario, terms: &Terms) {
    for (app, service, image, behaviour) in &scenario.behaviours {
        world.engine.behaviours.set(app, service, image, *behaviour);
    }
    for stranger in &scenario.strangers {
        world.engine.add(crate::engine::Container::stranger(stranger));
        world.watch.add_stranger(stranger);
    }
    world.edge.requests_ms = scenario.requests_ms;
    world.edge.refuses.clone_from(&scenario.edge_refuses);
    world.edge.dies_after_swap = scenario.edge_dies_after_swap.map(Duration::from_millis);
    world.edge.late_swap = scenario.edge_late_swap;
    world.engine.taken_at_cutover = scenario.taken_at_cutover;
    for (like, name) in &scenario.leftovers {
        world.engine.leave(like, name);
    }
    world.engine.live_restore = scenario.live_restore;
    world.chance = terms.chance.clone();
    let latency = terms.latency.or(scenario.slow);
    world.latency = latency.map(crate::random::SplitMix::new);
    if terms.verbose {
        world.trace.speak();
    }
}

async fn live(sim: &Sim, scenario: &Scenario, terms: &Terms) {
    let host = Host::new(sim.clone());
    let mut others = JoinSet::new();
    let supervised = host.clone();
    others.spawn(async move { supervised.supervise().await });
    let over = Arc::new(AtomicBool::new(false));
    if let Some(weather) = terms.weather.clone() {
        let (host, over) = (host.clone(), Arc::clone(&over));
        others.spawn(async move { weather.blow(&host, &over).await });
    }
    let mut clients = JoinSet::new();
    for (number, acts) in scenario.clients.iter().enumerate() {
        let client = Client::new(host.clone(), number);
        let acts = acts.clone();
        clients.spawn(async move { client.play(acts).await });
    }
    let all = async { while clients.join_next().await.is_some() {} };
    if timeout(END, all).await.is_err() {
        sim.lock().watch.broken("I18", format_args!("a client still waits after {END:?}"));
    }
    over.store(true, Ordering::Relaxed);
    {
        let mut world = sim.lock();
        world.chance = Chance::Quiet;
        world.full_until = Duration::ZERO;
    }
    if timeout(CALM_MAX, calm(&host)).await.is_err() {
        let open = open_apps(sim);
        sim.lock().watch.broken("I18", format_args!("{open:?} never come to an end"));
        return;
    }
    sleep(REST).await;
    if timeout(CALM_MAX, calm(&host)).await.is_err() {
        sim.lock().watch.broken("I18", format_args!("the host never comes to rest"));
    }
    let mut world = sim.lock();
    world.nothing_acknowledged_is_lost();
    world.rests_well();
    let now = world.now();
    world.trace.note(now, "rest", format_args!(""));
}

/// Waits until nothing is open, and helps what is stuck.
async fn calm(host: &Host) {
    loop {
        let open = open_apps(&host.sim);
        let up = {
            let world = host.sim.lock();
            world.engine.up && world.edge.up && world.death.is_none()
        };
        if let Some((life, agent)) = host.agent().await
            && up
        {
            let leases = agent.open();
            if open.is_empty() && leases.is_empty() {
                return;
            }
            for (app, _, resting) in leases {
                let id = landfall_api::RolloutId::Latest;
                if resting && host.sim.lock().holds(&app) {
                    drop(agent.cancel(&app, id));
                } else if resting {
                    tokio::select! {
                        biased;
                        () = host.death_of(life) => {}
                        _ = agent.resume(&app, id) => {}
                    }
                }
            }
        }
        sleep(Duration::from_secs(2)).await;
    }
}

fn open_apps(sim: &Sim) -> Vec<AppName> {
    let world = sim.lock();
    let open = world.store.apps.iter().filter(|(_, stored)| stored.open().is_some());
    open.map(|(app, _)| app.clone()).collect()
}
