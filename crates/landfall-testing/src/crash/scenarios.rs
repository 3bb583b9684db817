//! Scenarios: a world in which something serves (or nothing yet), and a rollout to be run in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use landfall_core::id::{ImageId, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::label::Scope;
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::planner::{
    HoldWish, PlanInput, PresentNetwork, PresentStateful, ServingRelease, plan,
};
use landfall_core::record::{Record, Verdict};
use landfall_core::release::{Release, SealedImage};
use landfall_core::rollout::Mutation;
use landfall_core::spec::{AppSpec, SealedFile, SealedKind, SealedTree, VolumeScope, Workload};
use landfall_core::subnet;
use landfall_core::testkit::shop;

use super::neighbours;
use super::run::{Outcome, run};
use crate::fake::{Behaviour, Container, Inner, Phase};

/// One rollout in one world.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows.
    pub name: &'static str,
    /// The world before.
    pub before: Inner,
    /// The rollout.
    pub plan: Plan,
    /// Its target.
    pub release: Option<Release>,
    /// How it ends when nothing is planted.
    pub expect: Expect,
    /// Called off after so many points.
    pub cancel_at: Option<u64>,
    /// What happens while it is held; `None`: it never is.
    pub held: Option<Held>,
    /// A planted protocol bug.
    pub mutation: Option<Mutation>,
}

/// What happens while a rollout is held.
#[derive(Debug, Clone)]
pub struct Held {
    /// Services whose candidates stop meanwhile.
    pub down: Vec<ServiceName>,
    /// What a person then says.
    pub then: Then,
}

/// What becomes of a held rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is let through.
    Promote,
    /// It is called off.
    Cancel,
}

/// How a scenario ends without faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The new release serves.
    Succeeded,
    /// The old one does.
    RolledBack,
}

pub(super) fn name(name: &str) -> ServiceName {
    name.parse().expect("a test's own name")
}

pub(super) fn seal(spec: AppSpec, number: u32) -> Release {
    let image = |service: &str| SealedImage {
        id: ImageId(format!("sha256:{service}")),
        exposed: vec![],
        healthcheck: None,
        volumes: vec![],
    };
    let images = spec.services.iter().map(|(n, s)| (n.clone(), image(&s.image)));
    let images: BTreeMap<_, _> = images.collect();
    Release::seal(ReleaseNumber(number), spec, images).expect("every service has an image")
}

pub(super) fn version(tag: &str) -> AppSpec {
    let mut spec = shop();
    for service in spec.services.values_mut().filter(|s| s.image.starts_with("app:")) {
        service.image = format!("app:{tag}");
    }
    let file = SealedFile {
        mode: 0o644,
        uid: None,
        gid: None,
        content: landfall_core::secret::Secret::new("aGk=".to_owned()),
    };
    let entries = BTreeMap::from([(String::new(), file)]);
    spec.files.insert("conf".to_owned(), SealedTree { kind: SealedKind::File, entries });
    spec.settings.keep = 2;
    // Short waits: every look is a point at which something may go wrong.
    spec.settings.drain_ms = 60;
    spec.settings.progress_deadline_ms = 300;
    for service in spec.services.values_mut() {
        service.health.timeout_ms = 200;
        service.health.stay_up_ms = 30;
    }
    spec
}

/// A world with strangers in it and nothing of ours.
fn empty() -> Inner {
    let mut inner = Inner::default();
    let stranger = Container {
        name: "stranger".to_owned(),
        labels: None,
        restart: true,
        phase: Phase::Running(Duration::ZERO),
        networks: BTreeMap::new(),
        answered: 0,
        starts: 1,
        hooks: 0,
        peers: Vec::new(),
    };
    inner.containers.insert("s1".to_owned(), stranger);
    inner.tags.insert("postgres:15".to_owned(), ImageId("sha256:pg".to_owned()));
    neighbours::add_network(&mut inner);
    let strangers = ["s1", "postgres:15", neighbours::NETWORK].map(str::to_owned);
    inner.rules.strangers = BTreeSet::from(strangers);
    inner
}

/// A rollout to `release` in `before`, in which `serving` serves.
pub(super) fn scenario(
    name: &'static str,
    before: Inner,
    kind: RolloutKind,
    release: Option<Release>,
    serving: Option<&Serving>,
    number: u32,
) -> Scenario {
    planned(name, before, kind, release, serving, number, None)
}

/// The same, held before its cutover.
pub(super) fn held(
    name: &'static str,
    before: Inner,
    release: Release,
    serving: Option<&Serving>,
    number: u32,
    held: Held,
) -> Scenario {
    let preview = SocketAddr::from(([127, 0, 0, 1], 15_000));
    let wish = Some(HoldWish { preview, max_ms: None });
    let kind = RolloutKind::Deploy;
    let expect = match held.then {
        Then::Promote => Expect::Succeeded,
        Then::Cancel => Expect::RolledBack,
    };
    let it = planned(name, before, kind, Some(release), serving, number, wish);
    Scenario { held: Some(held), expect, ..it }
}

fn planned(
    name: &'static str,
    mut before: Inner,
    kind: RolloutKind,
    release: Option<Release>,
    serving: Option<&Serving>,
    number: u32,
    hold: Option<HoldWish>,
) -> Scenario {
    let rollout = RolloutNumber(number);
    let stateful: Vec<_> = before.containers.values().filter_map(present_stateful).collect();
    let ours = before.networks.iter().filter(|(_, n)| n.labels.is_some());
    let networks: Vec<_> = ours
        .map(|(name, n)| PresentNetwork { name: name.clone(), subnet: Some(n.subnet) })
        .collect();
    let taken: Vec<_> = before.networks.values().map(|n| n.subnet).collect();
    let releases = release.iter().map(|r| r.number).chain(serving.map(|s| s.release.number));
    let plan = plan(&PlanInput {
        kind,
        rollout,
        release: release.as_ref(),
        serving: serving.map(|s| ServingRelease { release: &s.release, rollout: s.rollout }),
        stateful: &stateful,
        networks: &networks,
        taken: &taken,
        pool: subnet::default_pool(),
        keep: releases.collect(),
        hold,
    })
    .expect("a scenario has a plan");
    let specs = release.iter().chain(serving.map(|s| &s.release)).map(|r| &r.spec);
    set_rules(&mut before, specs.collect(), serving, rollout, kind);
    before.journal = vec![Record::Began { plan: Box::new(plan.clone()) }];
    before.points = 0;
    before.trace.clear();
    let (expect, cancel_at, held, mutation) = (Expect::Succeeded, None, None, None);
    Scenario { name, before, plan, release, expect, cancel_at, held, mutation }
}

fn present_stateful(container: &Container) -> Option<PresentStateful> {
    let labels = container.labels.as_ref().filter(|l| l.scope == Scope::App)?;
    Some(PresentStateful {
        service: labels.service.clone()?,
        name: container.name.clone(),
        revision: labels.revision.clone()?,
        running: matches!(container.phase, Phase::Running(_)),
    })
}

fn set_rules(
    before: &mut Inner,
    specs: Vec<&AppSpec>,
    serving: Option<&Serving>,
    rollout: RolloutNumber,
    kind: RolloutKind,
) {
    let mut rules = std::mem::take(&mut before.rules);
    for spec in specs {
        for (name, service) in &spec.services {
            match service.workload {
                Workload::Singleton | Workload::Stateful => rules.alone.insert(name.clone()),
                Workload::OneOff => rules.one_offs.insert(name.clone()),
                Workload::Replicated => false,
            };
        }
        let data = spec.volumes.values().filter(|v| v.scope == VolumeScope::App);
        rules.data.extend(data.map(|v| v.name.clone()));
    }
    rules.data.retain(|volume| before.volumes.contains_key(volume));
    rules.rollout = rollout;
    rules.must_serve = serving.is_some() && kind != RolloutKind::Down;
    before.rules = rules;
    before.rules.previous =
        serving.map(|serving| super::terminal::previous(before, serving.rollout));
}

/// A release that serves after a clean rollout.
pub(super) struct Serving {
    pub(super) release: Release,
    pub(super) rollout: RolloutNumber,
}

/// A world in which release 1 serves, brought by rollout 1.
pub(super) fn serving(spec: AppSpec) -> (Inner, Serving) {
    let release = seal(spec, 1);
    let first = scenario("first", empty(), RolloutKind::Deploy, Some(release.clone()), None, 1);
    let (outcome, world) = run(&first, BTreeMap::new());
    let Outcome::Ended(Verdict::Succeeded) = outcome else {
        panic!("the first deploy must work: {outcome:?} {:?}", world.lock().violations)
    };
    let mut inner = world.lock().clone();
    inner.now += Duration::from_mins(1);
    (inner, Serving { release, rollout: RolloutNumber(1) })
}

fn broken(label: &'static str, service: &str, behaviour: Behaviour) -> Scenario {
    let (before, old) = serving(version("1"));
    let next = Some(seal(version("2"), 2));
    let mut it = scenario(label, before, RolloutKind::Deploy, next, Some(&old), 2);
    it.before.behaviours.insert((RolloutNumber(2), name(service)), behaviour);
    it.expect = Expect::RolledBack;
    it
}

/// Upgrades that work, each from release 1 as a whole.
fn upgrades() -> Vec<Scenario> {
    let upgrade = |label: &'static str, spec: AppSpec| {
        let (before, old) = serving(version("1"));
        scenario(label, before, RolloutKind::Deploy, Some(seal(spec, 2)), Some(&old), 2)
    };
    let mut new_database = version("2");
    "postgres:16".clone_into(
        &mut new_database.services.get_mut(&name("db")).expect("the shop has one").image,
    );
    let mut without = version("2");
    for gone in ["beat", "worker"] {
        without.services.remove(&name(gone));
    }
    let mut scaled = version("1");
    scaled.services.get_mut(&name("web")).expect("the shop has one").replicas = 4;
    let mut rewritten = version("1");
    let tree = rewritten.files.get_mut("conf").expect("the shop has one");
    tree.entries.get_mut("").expect("one file").mode = 0o600;
    let mut busy = upgrade("requests are in flight", version("2"));
    busy.before.in_flight_until = Some(busy.before.now + Duration::from_millis(180));
    let mut endless = upgrade("requests never end", version("2"));
    endless.before.in_flight_until = Some(Duration::from_secs(1_000_000));
    vec![
        upgrade("upgrade", version("2")),
        upgrade("the database changes", new_database),
        upgrade("services go away", without),
        upgrade("scale", scaled),
        upgrade("only a file changes", rewritten),
        busy,
        endless,
    ]
}

/// Candidates that must not serve.
fn failures() -> Vec<Scenario> {
    let fine = Behaviour::default;
    let mut bad_database = {
        let (before, old) = serving(version("1"));
        let mut spec = version("2");
        spec.services.get_mut(&name("db")).expect("the shop has one").image = "postgres:16".into();
        scenario(
            "the new database crashes",
            before,
            RolloutKind::Deploy,
            Some(seal(spec, 2)),
            Some(&old),
            2,
        )
    };
    let crash = Behaviour { exits: Some((15, 1)), ..fine() };
    bad_database.before.behaviours.insert((RolloutNumber(2), name("db")), crash.clone());
    bad_database.expect = Expect::RolledBack;
    let mut cancelled = broken("it is called off", "web", fine());
    cancelled.cancel_at = Some(25);
    vec![
        broken("a worker crashes", "worker", crash.clone()),
        broken("web is never ready", "web", Behaviour { ready_after_ms: None, ..fine() }),
        broken(
            "nginx is ready once and then not",
            "nginx",
            Behaviour { good_answers: Some(2), ..fine() },
        ),
        broken("the migration fails", "migrate", Behaviour { one_off: (40, 1), ..fine() }),
        broken(
            "the migration never ends",
            "migrate",
            Behaviour { one_off: (100_000_000, 0), ..fine() },
        ),
        broken("the singleton crashes", "beat", crash),
        bad_database,
        cancelled,
    ]
}

/// Rollouts that wait for a person before their cutover.
fn holds() -> Vec<Scenario> {
    let upgrade = |label: &'static str, down: &[&str], then: Then| {
        let (before, old) = serving(version("1"));
        let down = down.iter().map(|service| name(service)).collect();
        held(label, before, seal(version("2"), 2), Some(&old), 2, Held { down, then })
    };
    let promote = Held { down: Vec::new(), then: Then::Promote };
    let first = held("a first deploy is held", empty(), seal(version("1"), 1), None, 1, promote);
    let mut worn = upgrade("what is held is not good any more", &[], Then::Promote);
    let tired = Behaviour { good_answers: Some(7), ..Behaviour::default() };
    worn.before.behaviours.insert((RolloutNumber(2), name("nginx")), tired);
    worn.expect = Expect::RolledBack;
    vec![
        first,
        upgrade("held, then promoted", &[], Then::Promote),
        upgrade("held, then called off", &[], Then::Cancel),
        upgrade("candidates stop while they are held", &["web", "worker", "nginx"], Then::Promote),
        upgrade("they stop, and it is called off", &["nginx"], Then::Cancel),
        worn,
    ]
}

/// All scenarios.
pub fn all() -> Vec<Scenario> {
    let mut scenarios = vec![scenario(
        "first deploy",
        empty(),
        RolloutKind::Deploy,
        Some(seal(version("1"), 1)),
        None,
        1,
    )];
    let mut first_fails = scenarios[0].clone();
    first_fails.name = "a first deploy that fails";
    let never = Behaviour { ready_after_ms: None, ..Behaviour::default() };
    first_fails.before.behaviours.insert((RolloutNumber(1), name("nginx")), never);
    first_fails.expect = Expect::RolledBack;
    scenarios.push(first_fails);
    scenarios.extend(upgrades());
    scenarios.extend(failures());
    scenarios.extend(holds());
    scenarios.extend(neighbours::scenarios());

    let (before, old) = serving(version("1"));
    scenarios.push(scenario("down", before, RolloutKind::Down, None, Some(&old), 2));

    let (before, old) = serving(version("1"));
    let second = seal(version("2"), 2);
    let upgrade =
        scenario("second", before, RolloutKind::Deploy, Some(second.clone()), Some(&old), 2);
    let (_, world) = run(&upgrade, BTreeMap::new());
    let inner = world.lock().clone();
    let now = Serving { release: second, rollout: RolloutNumber(2) };
    let back = Some(old.release.clone());
    scenarios.push(scenario("roll back", inner, RolloutKind::RollBack, back, Some(&now), 3));
    scenarios
}
