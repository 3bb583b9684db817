//! Every promise, under every single fault and under random combinations.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use landfall_core::record::Verdict;
use landfall_core::rollout::Mutation;
use landfall_testing::crash::{Expect, Outcome, Sweep, all, exhaustive, random, run};

fn report(sweep: &Sweep) -> String {
    let mut text = format!("{} schedules, {} calls\n", sweep.schedules, sweep.points);
    for failure in &sweep.failures {
        let problems: Vec<_> = failure.problems.iter().take(4).collect();
        writeln!(
            text,
            "{}: {:?}\n  → {:?}\n  {problems:#?}",
            failure.scenario, failure.faults, failure.outcome
        )
        .expect("writing to a String cannot fail");
    }
    text
}

#[test]
fn every_scenario_ends_as_it_should_when_nothing_is_planted() {
    for scenario in all() {
        let (outcome, world) = run(&scenario, BTreeMap::new());
        let violations = world.lock().violations.clone();
        assert!(violations.is_empty(), "{}: {violations:#?}", scenario.name);
        let succeeded = outcome == Outcome::Ended(Verdict::Succeeded);
        let expected = scenario.expect == Expect::Succeeded;
        assert_eq!(succeeded, expected, "{}: {outcome:?}", scenario.name);
    }
}

#[test]
fn every_single_fault_at_every_point_keeps_every_promise() {
    let mut sweep = Sweep::default();
    for scenario in all() {
        exhaustive(&scenario, &mut sweep);
    }
    assert!(sweep.failures.is_empty(), "{}", report(&sweep));
    println!("exhaustive: {}", report(&sweep));
    assert!(sweep.schedules >= 10_000, "{}", report(&sweep));
}

#[test]
fn random_combinations_of_faults_keep_every_promise() {
    let seed = std::env::var("LANDFALL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut sweep = Sweep::default();
    random(&all(), seed, 10_000, &mut sweep);
    assert!(sweep.failures.is_empty(), "seed {seed}: {}", report(&sweep));
    println!("random, seed {seed}: {}", report(&sweep));
}

/// Mutation checks: with a protocol bug planted, the same sweep must fail.
fn finds(mutation: Mutation) {
    let mut sweep = Sweep::default();
    for mut scenario in all() {
        scenario.mutation = Some(mutation);
        exhaustive(&scenario, &mut sweep);
        if !sweep.failures.is_empty() {
            return;
        }
    }
    panic!("{mutation:?} was not found in {} schedules", sweep.schedules);
}

#[test]
fn the_harness_finds_a_rollout_without_a_pivot() {
    finds(Mutation::NoPivot);
}

#[test]
fn the_harness_finds_a_failed_step_that_is_not_undone() {
    finds(Mutation::SkipFailedStepUndo);
}
