//! How what was is told: rollouts, one of them step by step, and the history of what served.

use landfall_api::{
    Attempt, AttemptOutcome, HistoryEntry, OpenPhase, Outcome, Problem, ProblemCode, RolloutReport,
    RolloutView, StepReport, StepState, Turn,
};
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::plan::{RolloutKind, Serving};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::Action;

use crate::canned::Answers;
use crate::stage::{Stage, same_as_transcript};

/// 2026-10-04 09:30 UTC.
const MORNING_MS: u64 = 1_791_106_200_000;
const MINUTE_MS: u64 = 60_000;

fn stage() -> Stage {
    let stage = Stage::new(&[("compose.yaml", "name: shop\nservices: {web: {image: nginx}}\n")]);
    std::fs::create_dir(stage.path("run")).unwrap();
    stage
}

/// A rollout that took 6.2 seconds, one a minute.
fn view(number: u32, kind: RolloutKind, release: u32, outcome: Option<Outcome>) -> RolloutView {
    let opened_at_ms = MORNING_MS + u64::from(number) * MINUTE_MS;
    RolloutView {
        rollout: RolloutNumber(number),
        kind,
        release: Some(ReleaseNumber(release)).filter(|release| release.0 > 0),
        by: "ann@laptop".to_owned(),
        opened_at_ms,
        ended_at_ms: outcome.as_ref().map(|_| opened_at_ms + 6_240),
        outcome,
        phase: None,
        message: None,
        commit: None,
    }
}

fn crash() -> Reason {
    Reason::new(ReasonKind::Crashed, "it exited 3 times, exit code 1")
        .of(&"web".parse().unwrap())
        .with_logs(vec!["listening".into(), String::new(), "no such \u{1b}[2Jtable".into()])
}

fn rollouts() -> Vec<RolloutView> {
    let undone = Outcome::RolledBack { reason: crash() };
    let mut first = view(1, RolloutKind::Deploy, 1, Some(Outcome::Succeeded));
    first.message = Some("the beginning".to_owned());
    first.commit = Some("0123456789abcdef".to_owned());
    vec![
        view(5, RolloutKind::Down, 0, Some(Outcome::Succeeded)),
        view(4, RolloutKind::RollBack, 1, Some(Outcome::Succeeded)),
        view(3, RolloutKind::Deploy, 3, Some(undone)),
        view(2, RolloutKind::Deploy, 2, Some(Outcome::Succeeded)),
        first,
    ]
}

#[test]
fn rollouts_are_listed_with_their_ends_and_reasons() {
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop/rollouts", 200, &rollouts())
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["rollouts"])
        + &stage.transcript(&["rollouts", "-n", "2"])
        + &stage.transcript(&["rollouts", "-n", "1", "--format", "json"]);
    same_as_transcript("rollouts", &text);
}

#[test]
fn history_says_who_brought_what_and_how_long_it_served() {
    // R29, R137, R235
    let served = |number: u64| MORNING_MS + number * MINUTE_MS + 6_240;
    let entry = |rollout: RolloutView, from: Option<u64>, until: Option<u64>| HistoryEntry {
        rollout,
        served_from_ms: from,
        served_until_ms: until,
    };
    let spans = [
        (None, None),
        (Some(served(4)), Some(served(5))),
        (None, None),
        (Some(served(2)), Some(served(4))),
        (Some(served(1)), Some(served(2))),
    ];
    let history = rollouts().into_iter().zip(spans).map(|(r, (from, until))| entry(r, from, until));
    let history: Vec<_> = history.collect();
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop/history", 200, &history)
        .serve(&stage.path("run/agent.sock"));
    same_as_transcript("history", &stage.transcript(&["history"]));
}

fn attempt(action: Action, at_ms: u64, took_ms: Option<u64>, outcome: AttemptOutcome) -> Attempt {
    let at_ms = MORNING_MS + 3 * MINUTE_MS + at_ms;
    Attempt { action, at_ms, took_ms, outcome }
}

fn step(
    index: usize,
    (name, subject): (&str, &str),
    state: StepState,
    attempts: Vec<Attempt>,
) -> StepReport {
    let (name, subject) = (name.to_owned(), subject.to_owned());
    StepReport { index, name, subject, state, attempts }
}

/// The third rollout, undone because web crashed.
fn undone() -> RolloutReport {
    let done = || AttemptOutcome::Done;
    let failed = || AttemptOutcome::Failed { reason: crash() };
    let mut rollout =
        view(3, RolloutKind::Deploy, 3, Some(Outcome::RolledBack { reason: crash() }));
    rollout.message = Some("gift notes".to_owned());
    rollout.commit = Some("0123456789abcdef".to_owned());
    RolloutReport {
        app: "shop".parse().unwrap(),
        rollout,
        previous: Some(Serving { release: ReleaseNumber(2), rollout: RolloutNumber(2) }),
        serving: Some(ReleaseNumber(2)),
        began_at_ms: Some(MORNING_MS + 3 * MINUTE_MS + 400),
        pivot: Some(2),
        steps: vec![
            step(
                0,
                ("write files", ""),
                StepState::Undone,
                vec![
                    attempt(Action::Do, 500, Some(20), done()),
                    attempt(Action::Undo, 6_100, Some(40), done()),
                ],
            ),
            step(
                1,
                ("start replicas", "web ×2"),
                StepState::Undone,
                vec![
                    attempt(Action::Do, 600, Some(2_000), failed()),
                    attempt(Action::Do, 2_900, Some(2_100), failed()),
                    attempt(Action::Undo, 5_100, Some(900), done()),
                ],
            ),
            step(2, ("cutover", "1 route"), StepState::Pending, vec![]),
            step(3, ("stop old", ""), StepState::Pending, vec![]),
        ],
        turned: Some(Turn { at_ms: MORNING_MS + 3 * MINUTE_MS + 5_000, reason: crash() }),
        resumed_at_ms: vec![MORNING_MS + 3 * MINUTE_MS + 2_800],
        held_at_ms: None,
        promoted: None,
        notes: vec!["migrate runs while the old release serves".to_owned()],
    }
}

/// One that cut over and cannot stop what was.
fn stuck() -> RolloutReport {
    let reason = Reason::new(ReasonKind::Engine, "`stop old` failed 5 times: it does not answer");
    let mut report = undone();
    report.rollout = view(3, RolloutKind::Deploy, 3, None);
    report.rollout.opened_at_ms = MORNING_MS + 3 * MINUTE_MS;
    report.rollout.phase = Some(OpenPhase::Stuck { reason: reason.clone() });
    report.serving = Some(ReleaseNumber(3));
    (report.turned, report.resumed_at_ms, report.notes) = (None, vec![], vec![]);
    let done = || AttemptOutcome::Done;
    for (index, name) in ["write files", "start replicas", "cutover"].into_iter().enumerate() {
        let begun = 500 + index as u64 * 100;
        let attempts = vec![attempt(Action::Do, begun, Some(90), done())];
        report.steps[index] = step(index, (name, ""), StepState::Done, attempts);
    }
    let last = AttemptOutcome::Failed { reason };
    let attempts = vec![attempt(Action::Do, 1_000, Some(30_000), last)];
    report.steps[3] = step(3, ("stop old", ""), StepState::Doing, attempts);
    report
}

#[test]
fn a_rollout_is_told_step_by_step_with_the_logs_of_what_failed() {
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop/rollouts/3", 200, &undone())
        .json("GET /v1/apps/shop/rollouts/latest", 200, &stuck())
        .problem(
            "GET /v1/apps/shop/rollouts/9",
            &Problem::new(ProblemCode::NotFound, "shop has no rollout d9")
                .hint("`landfall rollouts` lists them; one that never began is not kept"),
        )
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["show", "d3"])
        + &stage.transcript(&["show"])
        + &stage.transcript(&["show", "d9"])
        + &stage.transcript(&["show", "three"]);
    same_as_transcript("show", &text);
}

#[test]
fn a_difference_is_told_by_key_and_a_secret_by_its_name_only() {
    // R30
    use landfall_api::ReleaseDiff;
    use landfall_core::diff::{Change, Difference};
    let difference = |of: &str, key: &str, change, before: Option<&str>, after: Option<&str>| {
        let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
        Difference { of: of.to_owned(), key: key.to_owned(), change, before, after }
    };
    let diff = |differences| ReleaseDiff {
        from: ReleaseNumber(1),
        to: ReleaseNumber(2),
        serving: Some(ReleaseNumber(2)),
        differences,
    };
    let some = diff(vec![
        difference("service cache", "", Change::Removed, None, None),
        difference("service web", "image", Change::Changed, Some("app:1"), Some("app:2")),
        difference("service web", "environment.TOKEN", Change::Changed, None, None),
        difference("service web", "environment.DEBUG", Change::Added, None, None),
        difference("service web", "replicas", Change::Changed, Some("2"), Some("4")),
        difference(
            "file nginx.conf",
            "sha256",
            Change::Changed,
            Some("0011aabb"),
            Some("2233ccdd"),
        ),
        difference("volume static", "", Change::Added, None, None),
    ]);
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop/diff?", 200, &some)
        .json("GET /v1/apps/shop/diff?from=1&to=2", 200, &diff(vec![]))
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["diff"])
        + &stage.transcript(&["diff", "r1", "r2"])
        + &stage.transcript(&["diff", "one"]);
    same_as_transcript("diff", &text);
}

#[test]
fn the_audit_record_says_who_did_what_and_what_came_of_it() {
    use landfall_api::{AuditAction, AuditEntry, AuditFact, AuditResult, Who};
    let ann = || Who::Peer {
        uid: 1000,
        gid: 1000,
        pid: Some(77),
        user: Some("ann".to_owned()),
        claimed: Some("bob@laptop".to_owned()),
    };
    let nobody = || Who::Peer { uid: 4242, gid: 1, pid: None, user: None, claimed: None };
    let entry = |seq: u64, who, action, rollout, result| AuditEntry {
        seq,
        at_ms: MORNING_MS + seq * MINUTE_MS,
        fact: AuditFact {
            who,
            action,
            app: Some("shop".parse().unwrap()),
            rollout: Some(RolloutNumber(rollout)),
            release: None,
            message: None,
            commit: None,
            result,
        },
    };
    let problem = Problem::new(ProblemCode::NotFound, "rollout d3 of shop is not open");
    let undone = Outcome::RolledBack { reason: crash() };
    let mut deploy = entry(1, ann(), AuditAction::Deploy, 3, AuditResult::Accepted);
    deploy.fact.message = Some("gift notes".to_owned());
    deploy.fact.commit = Some("0123456789abcdef".to_owned());
    let mut start = entry(4, Who::Agent, AuditAction::Start, 1, AuditResult::Done);
    (start.fact.app, start.fact.rollout) = (None, None);
    start.fact.message = Some("landfall 0.1.0".to_owned());
    let entries = vec![
        start,
        entry(3, nobody(), AuditAction::Cancel, 3, AuditResult::Refused { problem }),
        entry(2, Who::Agent, AuditAction::Deploy, 3, AuditResult::Ended { outcome: undone }),
        deploy,
    ];
    let stage = stage();
    Answers::default()
        .json("GET /v1/audit?app=shop&max=50", 200, &entries)
        .json("GET /v1/audit?max=4", 200, &entries)
        .json("GET /v1/audit?app=blog&max=50", 200, &Vec::<AuditEntry>::new())
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["audit"])
        + &stage.transcript(&["audit", "--all", "-n", "4"])
        + &stage.transcript(&["audit", "-p", "blog"])
        + &stage.transcript(&["audit", "--since", "yesterday"]);
    same_as_transcript("audit", &text);
}

#[test]
fn abandoning_says_what_is_left_and_asks_for_consent() {
    use landfall_api::{Abandoned, RolloutRef};
    let abandoned = |ended| Abandoned {
        rollout: RolloutRef { app: "shop".parse().unwrap(), rollout: RolloutNumber(3) },
        reason: Reason::new(ReasonKind::Edge, "`cutover` failed 5 times: no space left"),
        serving: Some(ReleaseNumber(2)),
        left: vec![
            "container shop-web-d3-1 (runs)".to_owned(),
            "network landfall-shop-default-d3".to_owned(),
        ],
        ended,
    };
    let stage = stage();
    let calls = Answers::default()
        .json("POST /v1/apps/shop/rollouts/latest/abandon", 200, &abandoned(false))
        .json("POST /v1/apps/shop/rollouts/3/abandon", 200, &abandoned(true))
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["abandon"])
        + &stage.transcript(&["abandon", "--plan"])
        + &stage.transcript(&["abandon", "d3", "--yes", "-m", "the disk is full"]);
    same_as_transcript("abandon", &text);
    let body = calls.bodies("POST /v1/apps/shop/rollouts/3/abandon").remove(0);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["message"], &body["plan_only"]), (&"the disk is full".into(), &false.into()));
}

#[test]
fn drift_and_what_a_repair_did_are_told_with_what_should_be() {
    use landfall_api::{Drift, DriftKind, DriftReport, Mend, Repaired};
    let finding = |kind, what: &str, is: &str, should: &str, mend| Drift {
        kind,
        what: what.to_owned(),
        is: is.to_owned(),
        should: should.to_owned(),
        mend,
    };
    let report = |findings, unknown| DriftReport {
        app: "shop".parse().unwrap(),
        serving: Some(ReleaseNumber(2)),
        rollout: Some(RolloutNumber(7)),
        findings,
        unknown,
    };
    let extra = || {
        let (is, should) = ("there, of r1 by d3", "not there");
        finding(DriftKind::Extra, "container shop-web-d3-1", is, should, Mend::Deploy)
    };
    let missing =
        finding(DriftKind::Missing, "container shop-web-d7-1", "missing", "running", Mend::Repair);
    let unknown = vec!["the edge does not answer: refused".to_owned()];
    let repaired = Repaired {
        done: vec!["made container shop-web-d7-1".to_owned()],
        failed: vec!["joined shop-db-d1-1 to landfall-shop-default-d7: busy".to_owned()],
        left: report(vec![extra()], vec![]),
    };
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop/drift", 200, &report(vec![missing, extra()], unknown))
        .json("GET /v1/apps/blog/drift", 200, &report(vec![], vec![]))
        .json("POST /v1/apps/shop/repair", 200, &repaired)
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["drift"])
        + &stage.transcript(&["drift", "-p", "blog"])
        + &stage.transcript(&["repair"]);
    same_as_transcript("drift", &text);
}

#[test]
fn the_doctor_says_what_is_amiss_and_what_to_do() {
    use landfall_api::{Check, Level};
    let checks = vec![
        Check::new("engine", Level::Ok, "28.5.2 (API 1.51), overlay2"),
        Check::new("live-restore", Level::Warning, "off").hint("switch it on"),
        Check::new("leftovers", Level::Error, "10 things")
            .details((1..=10).map(|n| format!("container {n}")).collect()),
    ];
    let stage = stage();
    Answers::default()
        .json("GET /v1/doctor", 200, &checks)
        .json("GET /v1/doctor", 200, &checks[..2].to_vec())
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["doctor"])
        + &stage.transcript(&["doctor", "--color", "never"])
        + &stage.transcript(&["doctor", "--strict", "--format", "json"]);
    same_as_transcript("doctor", &text);
}
