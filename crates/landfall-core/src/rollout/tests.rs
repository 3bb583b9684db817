//! Tables over the fold: which records may follow which, and what comes next.

use super::*;
use crate::plan::{RolloutKind, Step};

fn plan() -> Plan {
    Plan {
        app: "shop".parse().unwrap(),
        rollout: crate::id::RolloutNumber(1),
        kind: RolloutKind::Deploy,
        previous: None,
        release: Some(crate::id::ReleaseNumber(1)),
        steps: vec![
            Step::WriteFiles,
            Step::StartReplicas { replicas: vec![] },
            Step::Cutover { routes: None },
            Step::StopOld { keep: vec![], grace_ms: std::collections::BTreeMap::new() },
        ],
        pivot: 2,
        hold: None,
        step_deadline_ms: 1_000,
        notes: vec![],
    }
}

fn reason() -> Reason {
    Reason::new(ReasonKind::Crashed, "it exited")
}

fn fail(step: usize, action: Action, effect: Effect, retry: Retry) -> Record {
    Record::Failed { step, action, reason: reason(), effect, retry }
}

/// Applies `Intended` and the outcome; returns what comes next.
fn run(rollout: &mut Rollout, step: usize, action: Action, outcome: Option<Record>) -> Next {
    rollout.apply(&Record::Intended { step, action }).unwrap();
    rollout.apply(&outcome.unwrap_or(Record::Succeeded { step, action })).unwrap();
    rollout.next()
}

#[test]
fn a_clean_run_ends_succeeded() {
    let mut rollout = Rollout::begin(plan());
    for step in 0..4 {
        assert_eq!(rollout.next(), Next::Do(step));
        run(&mut rollout, step, Action::Do, None);
    }
    assert_eq!(rollout.next(), Next::End(Verdict::Succeeded));
}

#[test]
fn a_failure_before_the_pivot_unwinds_the_failed_step_first() {
    let mut rollout = Rollout::begin(plan());
    run(&mut rollout, 0, Action::Do, None);
    let failure = fail(1, Action::Do, Effect::Unknown, Retry::Never);
    assert_eq!(run(&mut rollout, 1, Action::Do, Some(failure)), Next::Undo(1));
    assert_eq!(run(&mut rollout, 1, Action::Undo, None), Next::Undo(0));
    let end = Next::End(Verdict::RolledBack { reason: reason() });
    assert_eq!(run(&mut rollout, 0, Action::Undo, None), end);
}

#[test]
fn an_unknown_cutover_is_asked_again_and_never_unwound() {
    let mut rollout = Rollout::begin(plan());
    run(&mut rollout, 0, Action::Do, None);
    run(&mut rollout, 1, Action::Do, None);
    for n in 1..=FAILURES_MAX {
        let failure = fail(2, Action::Do, Effect::Unknown, Retry::Later);
        let next = run(&mut rollout, 2, Action::Do, Some(failure));
        if n < FAILURES_MAX {
            assert_eq!(next, Next::Do(2));
        } else {
            assert!(matches!(next, Next::Stick(_)), "{next:?}");
        }
    }
}

#[test]
fn a_cutover_that_surely_did_not_happen_unwinds() {
    let mut rollout = Rollout::begin(plan());
    run(&mut rollout, 0, Action::Do, None);
    run(&mut rollout, 1, Action::Do, None);
    let failure = fail(2, Action::Do, Effect::None, Retry::Never);
    assert_eq!(run(&mut rollout, 2, Action::Do, Some(failure)), Next::Undo(2));
}

#[test]
fn past_the_pivot_there_is_no_way_back() {
    let mut rollout = Rollout::begin(plan());
    for step in 0..3 {
        run(&mut rollout, step, Action::Do, None);
    }
    let failure = fail(3, Action::Do, Effect::None, Retry::Never);
    assert_eq!(run(&mut rollout, 3, Action::Do, Some(failure)), Next::Do(3));
    assert!(rollout.apply(&Record::Turned { reason: reason() }).is_err());
}

#[test]
fn interrupted_steps_are_done_again_but_not_for_ever() {
    let mut rollout = Rollout::begin(plan());
    for _ in 0..ATTEMPTS_BEFORE_PIVOT_MAX {
        assert_eq!(rollout.next(), Next::Do(0));
        rollout.apply(&Record::Intended { step: 0, action: Action::Do }).unwrap();
    }
    assert!(matches!(rollout.next(), Next::Turn(_)));
}

#[test]
fn illegal_histories_are_refused() {
    let mut rollout = Rollout::begin(plan());
    assert!(rollout.apply(&Record::Succeeded { step: 0, action: Action::Do }).is_err());
    assert!(rollout.apply(&Record::Intended { step: 0, action: Action::Undo }).is_err());
    assert!(rollout.apply(&Record::Intended { step: 9, action: Action::Do }).is_err());
    assert!(Rollout::replay([Record::Resumed]).is_err());
    rollout.apply(&Record::Ended { verdict: Verdict::Succeeded }).unwrap();
    assert!(rollout.apply(&Record::Resumed).is_err());
}

/// The plan, held before its cutover, with a first step behind the hold.
fn held_plan() -> Plan {
    let mut plan = plan();
    plan.steps.insert(2, Step::GateAgain { replicas: vec![] });
    plan.hold = Some(crate::plan::Hold { before: 2, max_ms: None });
    plan.pivot = 3;
    plan
}

fn held() -> Rollout {
    let mut rollout = Rollout::begin(held_plan());
    for step in 0..2 {
        run(&mut rollout, step, Action::Do, None);
    }
    assert_eq!(rollout.next(), Next::Hold);
    rollout.apply(&Record::Held).unwrap();
    rollout
}

fn promoted() -> Record {
    Record::Promoted { by: "ann".into() }
}

#[test]
fn a_held_rollout_waits_until_it_is_promoted() {
    let mut rollout = held();
    assert_eq!(rollout.next(), Next::Held);
    // Any number of restarts of the agent leave it so, and wear nothing out.
    for _ in 0..10 {
        rollout.apply(&Record::Resumed).unwrap();
        assert!(rollout.is_held() && rollout.is_cancellable());
    }
    assert!(rollout.apply(&Record::Intended { step: 2, action: Action::Do }).is_err());
    rollout.apply(&promoted()).unwrap();
    assert!(rollout.is_promoted() && rollout.is_cancellable());
    for step in 2..5 {
        assert_eq!(rollout.next(), Next::Do(step));
        run(&mut rollout, step, Action::Do, None);
    }
    assert_eq!(rollout.next(), Next::End(Verdict::Succeeded));
}

#[test]
fn a_held_rollout_is_called_off_newest_step_first() {
    let mut rollout = held();
    rollout.apply(&Record::Turned { reason: reason() }).unwrap();
    assert!(!rollout.is_held());
    assert!(rollout.apply(&promoted()).is_err(), "it is too late");
    assert_eq!(rollout.next(), Next::Undo(1));
}

#[test]
fn what_fails_once_it_was_promoted_unwinds() {
    let mut rollout = held();
    rollout.apply(&promoted()).unwrap();
    let failure = fail(2, Action::Do, Effect::None, Retry::Never);
    assert_eq!(run(&mut rollout, 2, Action::Do, Some(failure)), Next::Undo(2));
}

#[test]
fn nothing_is_held_or_promoted_out_of_turn() {
    let mut early = Rollout::begin(held_plan());
    assert!(early.apply(&Record::Held).is_err() && early.apply(&promoted()).is_err());
    let mut twice = held();
    assert!(twice.apply(&Record::Held).is_err());
    twice.apply(&promoted()).unwrap();
    assert!(twice.apply(&promoted()).is_err() && twice.apply(&Record::Held).is_err());
    let mut never = Rollout::begin(plan());
    for step in 0..2 {
        run(&mut never, step, Action::Do, None);
    }
    assert_eq!(never.next(), Next::Do(2));
    assert!(never.apply(&Record::Held).is_err() && never.apply(&promoted()).is_err());
}

fn abandoned(serving: Option<crate::plan::Serving>) -> Record {
    let verdict = Verdict::Abandoned { reason: reason(), by: "ann".into(), serving, left: vec![] };
    Record::Ended { verdict }
}

fn release_one() -> Option<crate::plan::Serving> {
    plan().target()
}

#[test]
fn only_what_is_stuck_can_be_abandoned_and_then_it_is_over() {
    let mut rollout = Rollout::begin(plan());
    run(&mut rollout, 0, Action::Do, None);
    assert!(rollout.apply(&abandoned(None)).is_err(), "it goes on by itself");
    rollout.apply(&Record::Stuck { reason: reason() }).unwrap();
    assert!(rollout.apply(&abandoned(release_one())).is_err(), "it never cut over");
    rollout.apply(&abandoned(None)).unwrap();
    assert!(matches!(rollout.next(), Next::Ended(Verdict::Abandoned { .. })));
    assert!(rollout.apply(&Record::Resumed).is_err());
}

#[test]
fn what_serves_after_an_abandoned_rollout_is_what_the_cutover_says() {
    let mut rollout = Rollout::begin(plan());
    for step in 0..2 {
        run(&mut rollout, step, Action::Do, None);
    }
    assert_eq!(rollout.serves(), Serves::Previous);
    rollout.apply(&Record::Intended { step: 2, action: Action::Do }).unwrap();
    assert_eq!(rollout.serves(), Serves::InDoubt);
    let mut in_doubt = rollout.clone();
    in_doubt.apply(&Record::Stuck { reason: reason() }).unwrap();
    for serving in [None, release_one()] {
        in_doubt.clone().apply(&abandoned(serving)).unwrap();
    }
    rollout.apply(&Record::Succeeded { step: 2, action: Action::Do }).unwrap();
    assert_eq!(rollout.serves(), Serves::Target);
    rollout.apply(&Record::Stuck { reason: reason() }).unwrap();
    assert!(rollout.apply(&abandoned(None)).is_err(), "the new release serves");
    rollout.apply(&abandoned(release_one())).unwrap();
}
