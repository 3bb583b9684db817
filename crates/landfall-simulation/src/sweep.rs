//! Many runs: every single fault of every scenario, and seeds, on all cores.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use landfall_core::mutation::{Mutation, plant};

use crate::corpus::Case;
use crate::coverage::Coverage;
use crate::engine::Container;
use crate::fault::{Chance, Fault};
use crate::run::{Report, Terms, run};
use crate::scenario::{self, Scenario, Start, Want, deploy};
use crate::storm;
use crate::world::World;

/// Failures kept in full.
const FAILURES_MAX: usize = 5;

/// A run that broke a promise.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Which one.
    pub case: Case,
    /// What did not hold.
    pub violations: Vec<String>,
}

/// What many runs came to.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    /// Runs.
    pub runs: u64,
    /// Calls in all of them.
    pub points: u64,
    /// Faults met, by [`Fault::index`].
    pub met: [u64; 12],
    /// Agents that died.
    pub deaths: u64,
    /// Runs made twice.
    pub twice: u64,
    /// Which steps were hit.
    pub coverage: Coverage,
    /// Runs that broke a promise, the first few.
    pub failed: Vec<Failed>,
}

impl Sum {
    fn add(&mut self, case: impl FnOnce() -> Case, report: &Report) {
        let world = &report.world;
        self.runs += 1;
        self.points += world.points;
        self.deaths += world.life;
        for (sum, met) in self.met.iter_mut().zip(world.met) {
            *sum += u64::from(met);
        }
        self.coverage.merge(&world.coverage);
        if !report.violations().is_empty() && self.failed.len() < FAILURES_MAX {
            self.failed.push(Failed { case: case(), violations: report.violations().to_vec() });
        }
    }

    fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.points += other.points;
        self.deaths += other.deaths;
        self.twice += other.twice;
        for (sum, met) in self.met.iter_mut().zip(other.met) {
            *sum += met;
        }
        self.coverage.merge(&other.coverage);
        self.failed.extend(other.failed);
        self.failed.truncate(FAILURES_MAX);
    }
}

thread_local! {
    static STARTS: RefCell<BTreeMap<String, World>> = const { RefCell::new(BTreeMap::new()) };
}

/// The world at the beginning of a scenario.
pub fn start(of: &Start) -> World {
    let key: Vec<String> = of
        .iter()
        .map(|spec| {
            let images = spec.services.iter().map(|(n, s)| format!("{n}:{}", s.image));
            format!("{} {}", spec.name, images.collect::<Vec<_>>().join(","))
        })
        .collect();
    let key = key.join("\n");
    if let Some(world) = STARTS.with_borrow(|starts| starts.get(&key).cloned()) {
        return world;
    }
    let world = build(of);
    STARTS.with_borrow_mut(|starts| starts.insert(key, world.clone()));
    world
}

fn build(of: &Start) -> World {
    let mut world = World::new();
    world.engine.add(Container::stranger("stranger"));
    world.engine.add_strange_network(crate::apps::SHARED);
    world.engine.tags.insert(
        "landfall/other:r1-web".to_owned(),
        landfall_core::id::ImageId("sha256:other".to_owned()),
    );
    for name in ["stranger", crate::apps::SHARED, "landfall/other:r1-web"] {
        world.watch.add_stranger(name);
    }
    let acts = of.iter().map(|spec| deploy(spec.clone(), Want::Succeeded)).collect();
    let before = Scenario::new("before", Vec::new(), acts);
    let report = run(&world, &before, Terms::quiet());
    assert!(report.violations().is_empty(), "before: {:?}", report.violations());
    let mut world = report.world;
    world.freeze();
    world.forget_the_past();
    world
}

/// Runs one case.
pub fn replay(case: &Case, verbose: bool) -> Option<Report> {
    match case {
        Case::Seed(seed) => {
            let (scenario, mut terms) = storm::story(*seed);
            terms.verbose = verbose;
            Some(run(&start(&scenario.start), &scenario, terms))
        }
        Case::Single(name, fault) => {
            let scenario = scenario::all().into_iter().find(|s| s.name == *name)?;
            let chance = match fault {
                Some((point, fault)) => Chance::Single { point: *point, fault: *fault },
                None => Chance::Quiet,
            };
            let terms = Terms { chance, verbose, ..Terms::quiet() };
            Some(run(&start(&scenario.start), &scenario, terms))
        }
    }
}

fn single(scenario: &Scenario, from: &World, point: u64, fault: Fault) -> Report {
    let terms = Terms { chance: Chance::Single { point, fault }, ..Terms::quiet() };
    run(from, scenario, terms)
}

/// Scenario by scenario, fails the n-th call for n = 1, 2, 3 … until a run meets no fault. One of
/// `jobs` threads takes every `jobs`-th call.
fn exhaust(scenario: &Scenario, mine: (u64, u64), sum: &mut Sum, stop: &dyn Fn(&Sum) -> bool) {
    let from = start(&scenario.start);
    let (job, jobs) = mine;
    if job == 0 {
        let report = run(&from, scenario, Terms::quiet());
        sum.add(|| Case::Single(scenario.name.clone(), None), &report);
    }
    for point in (1 + job..).step_by(usize::try_from(jobs).unwrap_or(1)) {
        let mut met = 0;
        for fault in Fault::ALL {
            // Both ways of restarting an engine are the same to a single call.
            if fault == Fault::EngineTerm || stop(sum) {
                continue;
            }
            let report = single(scenario, &from, point, fault);
            let here = report.world.met.iter().sum::<u32>();
            if here > 0 {
                sum.add(|| Case::Single(scenario.name.clone(), Some((point, fault))), &report);
            }
            met += here;
        }
        if met == 0 {
            return;
        }
    }
}

fn on_threads(jobs: u64, work: impl Fn(u64) -> Sum + Sync) -> Sum {
    let sums = std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..jobs).map(|job| scope.spawn(move || work(job))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
    });
    assert_eq!(sums.len() as u64, jobs, "a thread of the simulation panicked");
    let mut all = Sum::default();
    for sum in sums {
        all.merge(sum);
    }
    all
}

/// Every single fault at every call of every scenario.
pub fn exhaustive(jobs: u64) -> Sum {
    on_threads(jobs, |job| {
        let mut sum = Sum::default();
        for scenario in scenario::all() {
            exhaust(&scenario, (job, jobs), &mut sum, &|_| false);
        }
        sum
    })
}

/// So many seeds; one in a hundred is run twice and must leave the same trace.
pub fn seeds(first: u64, count: u64, jobs: u64, tell: &(dyn Fn(u64) + Sync)) -> Sum {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    on_threads(jobs, |_| {
        let mut sum = Sum::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count || failed.load(Ordering::Relaxed) {
                return sum;
            }
            tell(at);
            let seed = first + at;
            let report = seed_once(seed);
            sum.add(|| Case::Seed(seed), &report);
            if at.is_multiple_of(100) {
                go_twice(seed, &report, &mut sum);
            }
            if sum.failed.len() >= FAILURES_MAX {
                failed.store(true, Ordering::Relaxed);
            }
        }
    })
}

fn seed_once(seed: u64) -> Report {
    let (scenario, terms) = storm::story(seed);
    run(&start(&scenario.start), &scenario, terms)
}

/// Runs a seed once more: it must leave the same trace.
fn go_twice(seed: u64, first: &Report, sum: &mut Sum) {
    sum.twice += 1;
    if seed_again(seed).world.trace.hash() != first.world.trace.hash() {
        let violations = vec!["I24: the same seed went another way".to_owned()];
        sum.failed.push(Failed { case: Case::Seed(seed), violations });
    }
}

/// The same seed under a wall clock that is ten years off: nothing may depend on it (I22).
fn seed_again(seed: u64) -> Report {
    const TEN_YEARS_MS: u64 = 315_576_000_000;
    let off = if seed.is_multiple_of(2) { 1_700_000_000_000 + TEN_YEARS_MS } else { TEN_YEARS_MS };
    landfall_agent::simulation::set_wall_clock_ms(Some(off));
    let report = seed_once(seed);
    landfall_agent::simulation::set_wall_clock_ms(None);
    report
}

/// Replays the corpus.
pub fn corpus() -> Sum {
    let mut sum = Sum::default();
    for case in crate::corpus::all() {
        if let Some(report) = replay(&case, false) {
            sum.add(|| case.clone(), &report);
            if let Case::Seed(seed) = case {
                go_twice(seed, &report, &mut sum);
            }
        }
    }
    sum
}

/// How a planted bug was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The bug.
    pub mutation: Mutation,
    /// By which run, and what did not hold; `None`: not at all.
    pub by: Option<Failed>,
    /// Runs until then.
    pub runs: u64,
    /// How long it took.
    pub took: Duration,
}

/// Whether a case passes when nothing is planted.
fn is_clean(case: &Case) -> bool {
    replay(case, false).is_some_and(|report| report.violations().is_empty())
}

/// A run that fails without the bug too has not found it.
fn only_if_found(sum: &mut Sum, mutation: Mutation) {
    plant(None);
    sum.failed.retain(|failed| is_clean(&failed.case));
    plant(Some(mutation));
}

/// Plants one bug and looks for it: plain runs first, then single faults, then seeds.
fn hunt(mutation: Mutation, limit: Duration) -> Found {
    let began = Instant::now();
    let scenarios = scenario::all();
    // Made before the bug is there.
    for scenario in &scenarios {
        drop(start(&scenario.start));
    }
    for seed in 1..200 {
        drop(start(&storm::story(seed).0.start));
    }
    plant(Some(mutation));
    let mut sum = Sum::default();
    let over = |sum: &Sum| !sum.failed.is_empty() || began.elapsed() > limit;
    for scenario in &scenarios {
        if !over(&sum) {
            let report = run(&start(&scenario.start), scenario, Terms::quiet());
            sum.add(|| Case::Single(scenario.name.clone(), None), &report);
            only_if_found(&mut sum, mutation);
        }
    }
    // Seeds find most within a few hundred; a race of four calls needs many thousands.
    for seed in 1..25_000 {
        if !over(&sum) {
            let report = seed_once(seed);
            sum.add(|| Case::Seed(seed), &report);
            only_if_found(&mut sum, mutation);
        }
    }
    for scenario in &scenarios {
        if !over(&sum) {
            exhaust(scenario, (0, 1), &mut sum, &over);
            only_if_found(&mut sum, mutation);
        }
    }
    plant(None);
    Found { mutation, by: sum.failed.into_iter().next(), runs: sum.runs, took: began.elapsed() }
}

/// Plants each bug and looks for it.
pub fn mutations(of: &[Mutation], jobs: usize, limit: Duration) -> Vec<Found> {
    let queue = Mutex::new(of.iter().rev().copied().collect::<Vec<_>>());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(mutation) = next else { return };
                    let one = hunt(mutation, limit);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|found| found.mutation);
    found
}
