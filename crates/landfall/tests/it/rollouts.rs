//! How a rollout looks to the one who watches it, and with which exit code it ends.

use landfall_api::{
    Event, EventKind, NothingToDo, Outcome, PlanSummary, Problem, ProblemCode, ProgressKind,
    RolloutAnswer, RolloutRef, StepSummary,
};
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::plan::{RolloutKind, Serving};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::Action;
use landfall_core::route::{Route, Upstream};

use crate::canned::Answers;
use crate::stage::{Stage, same_as_transcript};

const FILES: [(&str, &str); 1] =
    [("compose.yaml", "name: shop\nservices:\n  web:\n    image: nginx\n")];
const DEPLOY: &str = "POST /v1/apps/shop/rollouts";
const EVENTS: &str = "GET /v1/apps/shop/rollouts/7/events?after=0";

fn stage() -> Stage {
    let stage = Stage::new(&FILES);
    std::fs::create_dir(stage.path("run")).unwrap();
    stage
}

fn started() -> RolloutAnswer {
    RolloutAnswer::Started(RolloutRef { app: "shop".parse().unwrap(), rollout: RolloutNumber(7) })
}

/// Events at one, two, three … tenths of a second.
fn events(kinds: Vec<EventKind>) -> Vec<Event> {
    let event = |(seq, kind): (u64, EventKind)| Event {
        seq: seq + 1,
        at_ms: 1_000 + seq * 100,
        app: "shop".parse().unwrap(),
        rollout: RolloutNumber(7),
        kind,
    };
    (0..).zip(kinds).map(event).collect()
}

fn planned() -> EventKind {
    let steps = [("run one-off", "migrate"), ("start replicas", "web"), ("cutover", "1 routes")];
    let summary = |(index, (name, subject)): (usize, (&str, &str))| StepSummary {
        index,
        name: name.to_owned(),
        subject: subject.to_owned(),
    };
    EventKind::Planned {
        plan: PlanSummary {
            kind: RolloutKind::Deploy,
            release: Some(ReleaseNumber(2)),
            previous: Some(Serving { release: ReleaseNumber(1), rollout: RolloutNumber(6) }),
            steps: steps.into_iter().enumerate().map(summary).collect(),
            pivot: 2,
            hold: None,
            notes: vec!["migrate runs while the old release serves".to_owned()],
        },
    }
}

fn begun(step: usize, name: &str, subject: &str, action: Action) -> EventKind {
    EventKind::StepStarted { step, name: name.to_owned(), subject: subject.to_owned(), action }
}

fn done(step: usize, action: Action) -> EventKind {
    EventKind::StepDone { step, action, after_ms: 1_400 }
}

fn ended(outcome: Outcome, serving: u32) -> EventKind {
    let serving = Some(ReleaseNumber(serving)).filter(|number| number.0 > 0);
    EventKind::Ended { outcome, serving, total_ms: 6_240 }
}

fn succeeds() -> Vec<EventKind> {
    let web = || "web".parse().unwrap();
    vec![
        EventKind::Preparing { what: "looking at images".to_owned() },
        planned(),
        begun(0, "run one-off", "migrate", Action::Do),
        EventKind::Progress {
            step: 0,
            progress: ProgressKind::Completed {
                service: "migrate".parse().unwrap(),
                after_ms: 900,
            },
        },
        done(0, Action::Do),
        begun(1, "start replicas", "web", Action::Do),
        EventKind::Progress {
            step: 1,
            progress: ProgressKind::Started { service: web(), replica: 1 },
        },
        EventKind::Progress {
            step: 1,
            progress: ProgressKind::Ready { service: web(), replica: 1, after_ms: 300 },
        },
        done(1, Action::Do),
        begun(2, "cutover", "1 routes", Action::Do),
        done(2, Action::Do),
        ended(Outcome::Succeeded, 2),
    ]
}

fn migration_fails() -> Vec<EventKind> {
    let reason = Reason::new(ReasonKind::OneOffFailed, "it ended with exit code 1")
        .of(&"migrate".parse().unwrap())
        .with_logs(vec!["Applying 0002…".into(), String::new(), "no such \u{1b}[2Jtable".into()]);
    vec![
        planned(),
        begun(0, "run one-off", "migrate", Action::Do),
        EventKind::StepFailed {
            step: 0,
            action: Action::Do,
            reason: reason.clone(),
            will_retry: false,
        },
        EventKind::TurnedBack { reason: reason.clone() },
        begun(0, "run one-off", "migrate", Action::Undo),
        done(0, Action::Undo),
        ended(Outcome::RolledBack { reason }, 1),
    ]
}

fn deploy(name: &str, kinds: Vec<EventKind>, args: &[&str]) {
    let stage = stage();
    let answers = Answers::default().json(DEPLOY, 202, &started()).events(EVENTS, &events(kinds));
    answers.serve(&stage.path("run/agent.sock"));
    let args = [&["deploy"], args].concat();
    same_as_transcript(&format!("deploy-{name}"), &stage.transcript(&args));
}

#[test]
fn a_deploy_tells_its_steps_and_what_serves() {
    deploy("succeeds", succeeds(), &[]);
    deploy("succeeds-quiet", succeeds(), &["-q"]);
    deploy("succeeds-verbose", succeeds(), &["-v"]);
    deploy("succeeds-json", succeeds(), &["--format", "json"]);
    deploy("detached", succeeds(), &["--detach"]);
}

#[test]
fn an_undone_deploy_shows_the_log_of_who_is_to_blame() {
    deploy("undone", migration_fails(), &[]);
    deploy("undone-quiet", migration_fails(), &["-q"]);
}

#[test]
fn a_refused_deploy_says_that_nothing_was_changed() {
    let problem = Problem::new(ProblemCode::PortTaken, "127.0.0.1:80 is taken by nginx")
        .hint("stop it, or publish another port");
    let refused = vec![
        EventKind::Preparing { what: "checking ports and routes".to_owned() },
        ended(Outcome::Refused { problem }, 0),
    ];
    deploy("refused", refused, &[]);
    deploy("nothing-to-do", vec![ended(Outcome::NothingToDo, 2)], &[]);
}

#[test]
fn a_stuck_deploy_says_what_serves_and_how_to_go_on() {
    let reason = Reason::new(ReasonKind::Engine, "the engine does not answer");
    let mut stuck = succeeds();
    stuck.pop();
    stuck.push(EventKind::Stuck { reason });
    deploy("stuck", stuck, &[]);
}

#[test]
fn another_rollout_of_the_app_is_exit_code_5() {
    let stage = stage();
    let problem = Problem::new(ProblemCode::Busy, "rollout d6 of shop is open: started by bob");
    Answers::default().problem(DEPLOY, &problem).serve(&stage.path("run/agent.sock"));
    same_as_transcript("deploy-busy", &stage.transcript(&["deploy"]));
}

fn held() -> Vec<EventKind> {
    let upstream = Upstream { service: "web".parse().unwrap(), endpoints: Vec::new() };
    let listen = "127.0.0.1:15000".parse().unwrap();
    let preview = vec![Route { listen, host: None, path: "/".to_owned(), upstream }];
    let mut held = succeeds();
    held.truncate(9);
    held.push(EventKind::Held { preview, until_ms: Some(951_782_400_000) });
    held
}

#[test]
fn a_held_deploy_says_where_to_look_and_what_comes_next() {
    deploy("held", held(), &["--hold"]);
    deploy("held-quiet", held(), &["-q"]);
    deploy("held-json", held(), &["--format", "json", "--preview", "127.0.0.1:15000"]);
}

#[test]
fn the_wish_to_hold_travels() {
    for (args, hold, preview) in [
        (&["deploy", "-d"][..], "null", "null"),
        (&["deploy", "-d", "--hold"], "true", "null"),
        (&["deploy", "-d", "--no-hold"], "false", "null"),
        (&["deploy", "-d", "--preview", "127.0.0.1:1"], "true", "\"127.0.0.1:1\""),
    ] {
        let stage = stage();
        let calls =
            Answers::default().json(DEPLOY, 202, &started()).serve(&stage.path("run/agent.sock"));
        stage.run(args);
        let body = calls.bodies(DEPLOY).remove(0);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["hold"].to_string(), hold, "{args:?}");
        assert_eq!(body["preview"].to_string(), preview, "{args:?}");
    }
}

#[test]
fn a_promotion_is_watched_from_there_on() {
    const PROMOTE: &str = "POST /v1/apps/shop/rollouts/latest/promote";
    let mut all = held();
    all.push(EventKind::Promoted { by: "bob@desk".to_owned() });
    all.extend(succeeds().split_off(9));
    let stage = stage();
    let of = RolloutRef { app: "shop".parse().unwrap(), rollout: RolloutNumber(7) };
    let answers = Answers::default().json(PROMOTE, 200, &of).events(EVENTS, &events(all));
    let calls = answers.serve(&stage.path("run/agent.sock"));
    same_as_transcript("promote", &stage.transcript(&["promote"]));
    assert!(calls.bodies(PROMOTE)[0].contains(r#""by":"ann@"#));
}

#[test]
fn what_is_not_held_cannot_be_promoted() {
    let stage = stage();
    let problem = Problem::new(ProblemCode::Invalid, "rollout d7 of shop is not held")
        .hint("`landfall attach` shows where it stands");
    Answers::default()
        .problem("POST /v1/apps/shop/rollouts/7/promote", &problem)
        .serve(&stage.path("run/agent.sock"));
    same_as_transcript("promote-not-held", &stage.transcript(&["promote", "d7"]));
}

#[test]
fn a_watcher_outlives_the_agent() {
    let stage = stage();
    let all = events(succeeds());
    let (before, after) = all.split_at(6);
    Answers::default()
        .json(DEPLOY, 202, &started())
        .events(EVENTS, before)
        .events("GET /v1/apps/shop/rollouts/7/events?after=6", after)
        .serve(&stage.path("run/agent.sock"));
    same_as_transcript("deploy-agent-restarts", &stage.transcript(&["deploy"]));
}

#[test]
fn a_restart_while_it_prepares_changes_nothing() {
    let stage = stage();
    let gone = Problem::new(ProblemCode::NotFound, "shop has no rollout d7");
    Answers::default()
        .json(DEPLOY, 202, &started())
        .events(EVENTS, &events(succeeds())[..1])
        .problem("GET /v1/apps/shop/rollouts/7/events?after=1", &gone)
        .problem("GET /v1/apps/shop", &Problem::new(ProblemCode::NotFound, "there is no app shop"))
        .serve(&stage.path("run/agent.sock"));
    same_as_transcript("deploy-lost", &stage.transcript(&["deploy"]));
}

#[test]
fn a_request_names_who_why_and_from_what() {
    let stage = stage();
    let calls = Answers::default()
        .json(DEPLOY, 202, &started())
        .events(EVENTS, &events(succeeds()))
        .serve(&stage.path("run/agent.sock"));
    stage.run(&["deploy", "-m", "gift notes", "--commit", "abc123", "--force"]);
    let body = calls.bodies(DEPLOY).remove(0);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(body["by"].as_str().unwrap().starts_with("ann@"), "{body}");
    assert_eq!(body["message"], "gift notes");
    assert_eq!(body["commit"], "abc123");
    assert_eq!((&body["force"], &body["plan_only"]), (&true.into(), &false.into()));
}

#[test]
fn a_missing_image_with_a_build_section_is_built() {
    use landfall_api::BuildEvent;
    use landfall_core::id::ImageId;
    let files = [
        ("compose.yaml", "name: shop\nservices: {web: {build: .}}\n"),
        ("Dockerfile", "FROM scratch\n"),
    ];
    let stage = Stage::new(&files);
    std::fs::create_dir(stage.path("run")).unwrap();
    let problem = Problem::new(ProblemCode::Image, "the engine has no image shop-web");
    let refused = events(vec![ended(Outcome::Refused { problem }, 1)]);
    let image = ImageId("sha256:abc".to_owned());
    let built = [
        BuildEvent::Output { line: "Step 1/1 : FROM scratch".to_owned() },
        BuildEvent::Done { image },
    ];
    let calls = Answers::default()
        .json(DEPLOY, 202, &started())
        .events(EVENTS, &refused)
        .lines("POST /v1/builds", &built)
        .events(EVENTS, &events(succeeds()))
        .serve(&stage.path("run/agent.sock"));
    let output = stage.run(&["deploy"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let bodies = calls.bodies(DEPLOY);
    assert_eq!(bodies.len(), 2);
    assert!(bodies[1].contains(r#""images":{"web":"sha256:abc"}"#), "{}", bodies[1]);
    assert!(calls.bodies("POST /v1/builds")[0].contains("Dockerfile"));
}

#[test]
fn down_does_not_ask_without_a_terminal() {
    let stage = stage();
    let down = RolloutAnswer::NothingToDo(NothingToDo { serving: None });
    let calls = Answers::default()
        .json("POST /v1/apps/shop/down", 200, &down)
        .serve(&stage.path("run/agent.sock"));
    same_as_transcript("down-nothing", &stage.transcript(&["down"]));
    assert_eq!(calls.bodies("POST /v1/apps/shop/down").len(), 1);
}
