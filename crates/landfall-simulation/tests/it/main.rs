//! The simulation itself: the simulated engine obeys the port's rules, a run is decided by its seed,
//! and what is planted is found.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as their assertions do")]

use landfall_core::id::ImageId;
use landfall_core::mutation::{Mutation, plant};
use landfall_simulation::behaviour::Behaviour;
use landfall_simulation::corpus::Case;
use landfall_simulation::engine::SimPlatform;
use landfall_simulation::fault::Fault;
use landfall_simulation::files::SimClock;
use landfall_simulation::scenario;
use landfall_simulation::sweep::replay;
use landfall_simulation::world::{Sim, World};
use landfall_testing::conformance::{self, CRASH, CRASH_CODE, ConformanceWorld, JOB, JOB_CODE};

#[tokio::test(start_paused = true)]
async fn the_simulated_engine_obeys_the_ports_rules() {
    let tried = ConformanceWorld {
        app: "conformance".parse().unwrap(),
        image: ImageId("sha256:any".into()),
        web: vec![],
        crash: vec![],
        job: vec![],
        subnet: "10.202.0.0/24".parse().unwrap(),
    };
    let mut world = World::new();
    let behaviours = &mut world.engine.behaviours;
    let crash = Behaviour { exits: Some((20, CRASH_CODE)), ..Behaviour::default() };
    behaviours.set(&tried.app, CRASH, "any", crash);
    let job = Behaviour { one_off: (20, JOB_CODE), ..Behaviour::default() };
    behaviours.set(&tried.app, JOB, "any", job);
    world.thaw();
    let sim = Sim::new(world);
    conformance::engine(&SimPlatform(sim.clone()), &SimClock(sim), &tried).await;
}

fn hash(case: &Case) -> u64 {
    replay(case, false).unwrap().world.trace.hash()
}

#[test]
fn the_same_case_goes_the_same_way_twice() {
    for case in [
        Case::Seed(3),
        Case::Seed(8),
        Case::Single("two apps at once".to_owned(), Some((40, Fault::CrashAfter))),
    ] {
        assert_eq!(hash(&case), hash(&case), "{case}");
    }
    assert_ne!(hash(&Case::Seed(3)), hash(&Case::Seed(8)));
}

#[test]
fn every_scenario_ends_as_it_should_when_nothing_goes_wrong() {
    let scenarios = scenario::all();
    assert!(scenarios.len() >= 76, "{}", scenarios.len());
    for scenario in scenarios {
        let report = replay(&Case::Single(scenario.name.clone(), None), false).unwrap();
        assert!(report.violations().is_empty(), "{}: {:#?}", scenario.name, report.violations());
    }
}

#[test]
fn a_planted_bug_is_found() {
    let case = Case::Single("a worker crashes".to_owned(), None);
    drop(replay(&case, false));
    plant(Some(Mutation::SkipFailedStepUndo));
    let report = replay(&case, false).unwrap();
    plant(None);
    assert!(!report.violations().is_empty());
}
