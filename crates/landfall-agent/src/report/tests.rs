//! Records in, a report out.

use super::*;
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::plan::{Serving, Step};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Effect, Retry};

fn plan() -> Plan {
    Plan {
        app: "shop".parse().unwrap(),
        rollout: RolloutNumber(2),
        kind: RolloutKind::Deploy,
        previous: Some(Serving { release: ReleaseNumber(1), rollout: RolloutNumber(1) }),
        release: Some(ReleaseNumber(2)),
        steps: vec![
            Step::WriteFiles,
            Step::StartReplicas { replicas: vec![] },
            Step::Cutover { routes: None },
        ],
        pivot: 2,
        hold: None,
        step_deadline_ms: 1_000,
        notes: vec!["mind the gap".to_owned()],
    }
}

fn view() -> RolloutView {
    RolloutView {
        rollout: RolloutNumber(2),
        kind: RolloutKind::Deploy,
        release: Some(ReleaseNumber(2)),
        by: "ann".to_owned(),
        opened_at_ms: 500,
        ended_at_ms: None,
        outcome: None,
        phase: None,
        message: None,
        commit: None,
    }
}

fn of(records: Vec<Record>) -> RolloutReport {
    let entry = |(seq, record)| Entry { seq, at_ms: seq * 1_000, record };
    let entries: Vec<_> = (1..).zip(records).map(entry).collect();
    report(&"shop".parse().unwrap(), view(), &entries)
}

fn intended(step: usize, action: Action) -> Record {
    Record::Intended { step, action }
}

fn reason() -> Reason {
    Reason::new(ReasonKind::Crashed, "it exited").with_logs(vec!["boom".to_owned()])
}

#[test]
fn every_attempt_is_told_with_its_time_its_failure_and_its_undo() {
    let failed = Record::Failed {
        step: 1,
        action: Action::Do,
        reason: reason(),
        effect: Effect::Unknown,
        retry: Retry::Never,
    };
    let report = of(vec![
        Record::Began { plan: Box::new(plan()) },
        intended(0, Action::Do),
        Record::Succeeded { step: 0, action: Action::Do },
        intended(1, Action::Do),
        failed,
        intended(1, Action::Undo),
        Record::Succeeded { step: 1, action: Action::Undo },
    ]);
    let states: Vec<_> = report.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Undone, StepState::Pending]);
    let attempts: Vec<_> =
        report.steps[1].attempts.iter().map(|a| (a.action, a.at_ms, a.took_ms)).collect();
    let expected = [(Action::Do, 4_000, Some(1_000)), (Action::Undo, 6_000, Some(1_000))];
    assert_eq!(attempts, expected);
    let failure = AttemptOutcome::Failed { reason: reason() };
    assert_eq!(report.steps[1].attempts[0].outcome, failure);
    assert_eq!(report.turned, Some(Turn { at_ms: 5_000, reason: reason() }));
    assert_eq!((report.serving, report.began_at_ms), (Some(ReleaseNumber(1)), Some(1_000)));
}

#[test]
fn an_interrupted_attempt_stays_in_doubt_and_the_next_one_is_told_beside_it() {
    let report = of(vec![
        Record::Began { plan: Box::new(plan()) },
        intended(0, Action::Do),
        Record::Resumed,
        intended(0, Action::Do),
    ]);
    assert_eq!(report.resumed_at_ms, [3_000]);
    let outcomes: Vec<_> = report.steps[0].attempts.iter().map(|a| &a.outcome).collect();
    assert_eq!(outcomes, [&AttemptOutcome::InDoubt, &AttemptOutcome::InDoubt]);
    assert_eq!(report.steps[0].state, StepState::Doing);
}

#[test]
fn from_the_cutover_on_the_target_serves() {
    let mut records = vec![Record::Began { plan: Box::new(plan()) }];
    for step in 0..3 {
        records.push(intended(step, Action::Do));
        assert_eq!(of(records.clone()).serving, Some(ReleaseNumber(1)));
        records.push(Record::Succeeded { step, action: Action::Do });
    }
    assert_eq!(of(records).serving, Some(ReleaseNumber(2)));
}
