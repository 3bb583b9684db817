//! Many schedules: every single fault, and random combinations from a printed seed.

use std::collections::BTreeMap;

use super::run::{Outcome, run};
use super::scenarios::Scenario;
use super::terminal::problems;
use crate::fake::Fault;

/// What a sweep found.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Schedules run.
    pub schedules: u64,
    /// Calls made in all of them.
    pub points: u64,
    /// Schedules that broke a promise, the first ten.
    pub failures: Vec<Failure>,
}

/// Failures kept in full.
const FAILURES_MAX: usize = 10;

/// A schedule that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which scenario.
    pub scenario: &'static str,
    /// Which faults, each with the call it hit.
    pub faults: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was broken.
    pub problems: Vec<String>,
}

impl Sweep {
    /// Runs one schedule; returns the number of points it passed.
    pub fn schedule(&mut self, scenario: &Scenario, faults: &BTreeMap<u64, Fault>) -> u64 {
        let (outcome, world) = run(scenario, faults.clone());
        let inner = world.lock();
        self.schedules += 1;
        self.points += inner.points;
        let problems = problems(scenario, &outcome, &inner);
        if !problems.is_empty() && self.failures.len() < FAILURES_MAX {
            let called = |point: &u64| {
                let index = usize::try_from(point.saturating_sub(1)).unwrap_or(usize::MAX);
                inner.trace.get(index).map_or("nothing", String::as_str)
            };
            let faults =
                faults.iter().map(|(p, fault)| format!("{fault:?} at {p} ({})", called(p)));
            let (scenario, faults) = (scenario.name, faults.collect());
            self.failures.push(Failure { scenario, faults, outcome, problems });
        }
        inner.points
    }
}

/// Every fault at every point, one at a time.
pub fn exhaustive(scenario: &Scenario, sweep: &mut Sweep) {
    let points = sweep.schedule(scenario, &BTreeMap::new());
    for point in 1..=points {
        for fault in Fault::ALL {
            sweep.schedule(scenario, &BTreeMap::from([(point, fault)]));
        }
    }
}

/// Random combinations: which kinds, how many and where are all drawn from the seed.
pub fn random(scenarios: &[Scenario], seed: u64, schedules: u64, sweep: &mut Sweep) {
    let mut random = SplitMix(seed);
    for _ in 0..schedules {
        let scenario = &scenarios[random.below(scenarios.len() as u64)];
        let points = 1 + random.below(400) as u64;
        // Few kinds a schedule, so that rare combinations are not drowned by common ones.
        let kinds: Vec<_> = Fault::ALL.into_iter().filter(|_| random.below(2) == 0).collect();
        let count = random.below(4);
        let mut faults = BTreeMap::new();
        for _ in 0..count {
            if !kinds.is_empty() {
                let point = 1 + random.below(points) as u64;
                faults.insert(point, kinds[random.below(kinds.len() as u64)]);
            }
        }
        sweep.schedule(scenario, &faults);
    }
}

/// Sebastiano Vigna's `SplitMix64`: the same seed gives the same schedules everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> usize {
        usize::try_from(self.next() % limit.max(1)).unwrap_or(0)
    }
}
