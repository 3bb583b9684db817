//! What happens to a host at random, and what people do on it at random.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use landfall_core::id::AppName;
use landfall_core::label::Scope;
use landfall_core::spec::AppSpec;
use tokio::time::sleep;

use crate::apps::{app, name, new_database, service, shop, small, sociable};
use crate::behaviour::Behaviour;
use crate::fault::{Chance, Storm};
use crate::host::Host;
use crate::random::SplitMix;
use crate::run::Terms;
use crate::scenario::{Act, Held, Scenario, Want, deploy};
use crate::world::Death;

/// Happenings that no call brings about.
#[derive(Debug, Clone)]
pub struct Weather {
    random: SplitMix,
    kinds: Vec<Kind>,
    left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AgentDies,
    PowerGoes,
    EngineTerm,
    EngineKill,
    EdgeDies,
    DiskFull,
    StrangerTakesContainer,
    StrangerTakesNetwork,
}

const KINDS: [Kind; 8] = [
    Kind::AgentDies,
    Kind::PowerGoes,
    Kind::EngineTerm,
    Kind::EngineKill,
    Kind::EdgeDies,
    Kind::DiskFull,
    Kind::StrangerTakesContainer,
    Kind::StrangerTakesNetwork,
];

impl Weather {
    fn draw(random: &mut SplitMix) -> Option<Self> {
        let left = random.below(5);
        let kinds: Vec<_> = KINDS.into_iter().filter(|_| random.percent(35)).collect();
        let random = SplitMix::new(random.draw());
        (left > 0 && !kinds.is_empty()).then_some(Self { random, kinds, left })
    }

    /// Happens, until it is over.
    pub(crate) async fn blow(mut self, host: &Host, over: &AtomicBool) {
        while self.left > 0 {
            let longest = self.random.pick(&[50, 300, 1_000, 5_000]);
            sleep(Duration::from_millis(self.random.below(longest))).await;
            if over.load(Ordering::Relaxed) {
                return;
            }
            self.left -= 1;
            let kind = self.random.pick(&self.kinds);
            self.happen(kind, host);
        }
    }

    fn happen(&mut self, kind: Kind, host: &Host) {
        let sim = &host.sim;
        let away = Duration::from_millis(self.random.pick(&[50, 700, 5_000, 30_000]));
        {
            let mut world = sim.lock();
            if world.death.is_some() {
                return;
            }
            let now = world.now();
            world.watch.faults += 1;
            world.trace.note(now, "weather", format_args!("{kind:?}"));
        }
        match kind {
            Kind::AgentDies => sim.lock().kill(Death::Process),
            Kind::PowerGoes => sim.lock().kill(Death::Power),
            Kind::EngineTerm => sim.restart_engine(false, away),
            Kind::EngineKill => sim.restart_engine(true, away),
            Kind::EdgeDies => {
                sim.lock().edge.kill();
                sim.revive_edge(away);
            }
            Kind::DiskFull => {
                let mut world = sim.lock();
                world.full_until = world.now() + away;
            }
            Kind::StrangerTakesContainer => self.take_container(host),
            Kind::StrangerTakesNetwork => self.take_network(host),
        }
    }

    /// The app and the number of an open rollout that has not begun to cut over.
    fn candidate(&mut self, host: &Host) -> Option<(AppName, landfall_core::id::RolloutNumber)> {
        let world = host.sim.lock();
        let open = world.store.apps.iter().filter_map(|(app, stored)| {
            let open = stored.open().filter(|open| !open.cutover_intended())?;
            Some((app.clone(), open.plan.rollout))
        });
        let open: Vec<_> = open.collect();
        let at = usize::try_from(self.random.below(open.len() as u64)).unwrap_or(0);
        open.get(at).cloned()
    }

    fn take_container(&mut self, host: &Host) {
        let Some((app, rollout)) = self.candidate(host) else { return };
        let mut world = host.sim.lock();
        let of = world.engine.containers.iter().filter(|(_, container)| {
            container
                .labels
                .as_ref()
                .is_some_and(|l| l.app == app && l.rollout == rollout && l.scope == Scope::Release)
        });
        let ids: Vec<_> = of.map(|(id, _)| id.clone()).collect();
        let at = usize::try_from(self.random.below(ids.len() as u64)).unwrap_or(0);
        let Some(id) = ids.get(at) else { return };
        if let Some(container) = world.engine.containers.remove(id) {
            let addresses = container.networks.values().flatten().copied();
            world.engine.taken_away.extend(addresses);
            // One that lives in another has no address of its own.
            world.engine.taken_away.insert(std::net::Ipv4Addr::UNSPECIFIED);
            // Who takes a one-off takes the only proof that it ran.
            world.engine.runs.remove(&container.name);
            world.watch.disturb(&app);
        }
    }

    fn take_network(&mut self, host: &Host) {
        let Some((app, rollout)) = self.candidate(host) else { return };
        let mut world = host.sim.lock();
        let mut names = world.engine.networks.iter().filter(|(_, network)| {
            network
                .labels
                .as_ref()
                .is_some_and(|l| l.app == app && l.rollout == rollout && l.scope == Scope::Release)
        });
        let Some(name) = names.next().map(|(name, _)| name.clone()) else { return };
        let engine = &mut world.engine;
        for container in engine.containers.values_mut() {
            engine.taken_away.extend(container.networks.remove(&name).flatten());
        }
        engine.networks.remove(&name);
        world.watch.disturb(&app);
    }
}

const APPS: [&str; 2] = ["shop", "blog2"];
const TAGS: [&str; 4] = ["1", "2", "3", "4"];

/// Which app is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Small,
    Shop,
    Sociable,
}

impl Shape {
    fn draw(random: &mut SplitMix) -> Self {
        match random.below(10) {
            0..7 => Self::Small,
            7..9 => Self::Shop,
            _ => Self::Sociable,
        }
    }

    fn spec(self, of: &str, tag: &str) -> AppSpec {
        match self {
            Self::Small => small(of, tag),
            Self::Shop => shop(of, tag),
            Self::Sociable => sociable(of, tag),
        }
    }
}

fn spec(random: &mut SplitMix, of: &str, shape: Shape) -> AppSpec {
    let mut spec = shape.spec(of, random.pick(&TAGS));
    if random.percent(15) {
        spec = new_database(spec);
    }
    if random.percent(10) {
        spec.services.remove(&name("beat"));
        spec.services.remove(&name("clock"));
    }
    if random.percent(15) {
        service(&mut spec, "nginx").replicas = u32::try_from(1 + random.below(3)).unwrap_or(1);
    }
    spec
}

fn behaviour(random: &mut SplitMix) -> (&'static str, Behaviour) {
    let fine = Behaviour::default();
    match random.below(9) {
        0 => ("nginx", Behaviour { ready_after_ms: None, ..fine }),
        1 => ("nginx", Behaviour { good_answers: Some(2), ..fine }),
        2 => ("nginx", Behaviour { exits: Some((15, 1)), ..fine }),
        3 => ("nginx", Behaviour { bad_at_edge: true, ..fine }),
        4 => ("migrate", Behaviour { one_off: (40, 1), ..fine }),
        5 => ("migrate", Behaviour { one_off: (100_000_000, 0), ..fine }),
        6 => ("beat", Behaviour { exits: Some((15, 1)), ..fine }),
        7 => ("nginx", Behaviour { ready_after_ms: Some(150), ..fine }),
        _ => ("migrate", Behaviour { one_off: (220, 0), ..fine }),
    }
}

fn act(random: &mut SplitMix, of: &str, shape: Shape) -> Act {
    match random.below(20) {
        0..11 => deploy(spec(random, of, shape), Want::Any),
        11 => Act::Leave(Box::new(spec(random, of, shape))),
        12 => {
            let held = Held { down: vec!["nginx"], promote: random.percent(60) };
            Act::Hold(Box::new(spec(random, of, shape)), held, Want::Any)
        }
        13..15 => Act::RollBack(app(of), Want::Any),
        15 => Act::Down(app(of), Want::Any),
        16 | 17 => Act::Cancel(app(of)),
        18 => Act::Attach(app(of)),
        _ => Act::Pause(random.below(400)),
    }
}

/// The story of one seed.
pub fn story(seed: u64) -> (Scenario, Terms) {
    let mut random = SplitMix::new(seed);
    let count = if random.percent(30) { 2 } else { 1 };
    let shape = Shape::draw(&mut random);
    let mut start = Vec::new();
    for of in APPS.iter().take(count) {
        for tag in TAGS.iter().take(usize::try_from(random.below(3)).unwrap_or(0)) {
            start.push(shape.spec(of, tag));
        }
    }
    let mut scenario = Scenario::new(&format!("seed {seed}"), start, Vec::new());
    scenario.clients.clear();
    for of in APPS.iter().take(count) {
        for _ in 0..=random.below(2) {
            let mut acts = Vec::new();
            if random.percent(40) {
                acts.push(Act::Pause(random.below(300)));
            }
            for _ in 0..=random.below(2) {
                acts.push(act(&mut random, of, shape));
            }
            scenario.clients.push(acts);
        }
        if random.percent(20) {
            scenario.clients.push(vec![Act::Pause(random.below(500)), Act::Cancel(app(of))]);
        }
        if random.percent(30) {
            let (service, behaviour) = behaviour(&mut random);
            let tag = if service == "nginx" && shape != Shape::Small {
                "nginx:1".to_owned()
            } else {
                format!("app:{}", random.pick(&TAGS[1..]))
            };
            scenario.behaviours.push((app(of), service, tag, behaviour));
        }
    }
    scenario.requests_ms = random.pick(&[0, 20, 55, 1_000_000_000]);
    scenario.live_restore = random.percent(40);
    let chance = match random.below(10) {
        0 => Chance::Quiet,
        _ => Chance::Random(Box::new(Storm::new(&mut random))),
    };
    let weather = Weather::draw(&mut random);
    let latency = random.percent(70).then(|| random.draw());
    (scenario, Terms { chance, weather, latency, verbose: false })
}
