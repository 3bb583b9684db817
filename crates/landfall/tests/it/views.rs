//! What is shown of what is: status, releases, plans, logs.

use std::collections::BTreeMap;

use landfall_api::{
    AppStatus, LogLine, LogStream, OpenPhase, OpenRollout, PlanView, ReleaseState, ReleaseView,
    ReplicaState, ReplicaView, RolloutAnswer, ServiceChange, ServiceStatus, ServingView,
    WhatChanges,
};
use landfall_core::control::TargetStatus;
use landfall_core::gate::GateSpec;
use landfall_core::id::{ReleaseNumber, Revision, RolloutNumber, ServiceName};
use landfall_core::plan::{Plan, PlannedReplica, RolloutKind, Serving, Step};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::route::{Route, Upstream};
use landfall_core::spec::Workload;

use crate::canned::Answers;
use crate::stage::{Stage, same_as_transcript};

fn stage() -> Stage {
    let stage = Stage::new(&[("compose.yaml", "name: shop\nservices: {web: {image: nginx}}\n")]);
    std::fs::create_dir(stage.path("run")).unwrap();
    stage
}

fn service(name: &str) -> ServiceName {
    name.parse().unwrap()
}

fn replica(name: &str, status: ReplicaState, exits: u32, exit_code: Option<i64>) -> ReplicaView {
    ReplicaView {
        index: 1,
        name: name.to_owned(),
        id: "abc".to_owned(),
        release: ReleaseNumber(2),
        rollout: RolloutNumber(7),
        status,
        exits,
        exit_code,
        address: Some("10.201.0.2".parse().unwrap()),
    }
}

fn status_of(name: &str, workload: Workload, replicas: Vec<ReplicaView>) -> ServiceStatus {
    ServiceStatus {
        service: service(name),
        workload: Some(workload),
        image: format!("{name}:1"),
        image_id: None,
        wanted: 1,
        replicas,
    }
}

fn app() -> AppStatus {
    let endpoint = "10.201.0.2:80".parse().unwrap();
    AppStatus {
        app: "shop".parse().unwrap(),
        // So long ago that its age does not change any more.
        serving: Some(ServingView {
            release: ReleaseNumber(2),
            rollout: RolloutNumber(7),
            since_ms: 951_782_400_000,
        }),
        open: Some(OpenRollout {
            rollout: RolloutNumber(8),
            kind: RolloutKind::Deploy,
            release: Some(ReleaseNumber(3)),
            by: "bob@desk".to_owned(),
            since_ms: u64::MAX,
            phase: OpenPhase::Back {
                reason: Reason::new(ReasonKind::Crashed, "it exited").of(&service("web")),
            },
        }),
        services: vec![
            status_of(
                "web",
                Workload::Replicated,
                vec![replica("shop-web-d7-1", ReplicaState::Running, 0, None)],
            ),
            status_of(
                "worker",
                Workload::Replicated,
                vec![replica("shop-worker-d7-1", ReplicaState::Restarting, 4, Some(137))],
            ),
            status_of(
                "migrate",
                Workload::OneOff,
                vec![replica("shop-migrate-d7-1", ReplicaState::Exited, 1, Some(0))],
            ),
        ],
        routes: vec![Route {
            listen: "127.0.0.1:80".parse().unwrap(),
            host: None,
            path: "/".to_owned(),
            upstream: Upstream { service: service("web"), endpoints: vec![endpoint] },
        }],
        targets: vec![TargetStatus {
            app: "shop".parse().unwrap(),
            release: ReleaseNumber(2),
            rollout: RolloutNumber(7),
            service: service("web"),
            endpoint,
            in_flight: 3,
            retired: false,
        }],
        problems: vec!["the engine is slow".to_owned()],
    }
}

/// Without the age of what began long ago.
fn ageless(text: &str) -> String {
    let cut = |line: &str| match (line.find(" UTC ("), line.find(" d)")) {
        (Some(start), Some(end)) => format!("{} UTC ([AGE]{}", &line[..start], &line[end + 2..]),
        _ => line.to_owned(),
    };
    text.lines().map(cut).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn status_shows_what_serves_and_what_goes_on() {
    let stage = stage();
    Answers::default().json("GET /v1/apps/shop", 200, &app()).serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["status"]) + &stage.transcript(&["status", "-v"]);
    same_as_transcript("status", &ageless(&text));
}

#[test]
fn status_tells_a_held_rollout_and_its_preview() {
    let mut app = app();
    let preview =
        vec![Route { listen: "127.0.0.1:15000".parse().unwrap(), ..app.routes[0].clone() }];
    let until_ms = Some(951_782_400_000);
    if let Some(open) = &mut app.open {
        open.phase = OpenPhase::Held { since_ms: u64::MAX, until_ms, preview };
    }
    let stage = stage();
    Answers::default().json("GET /v1/apps/shop", 200, &app).serve(&stage.path("run/agent.sock"));
    same_as_transcript("status-held", &ageless(&stage.transcript(&["status"])));
}

#[test]
fn releases_are_listed_newest_first() {
    let release = |number, state, kept, message: Option<&str>| ReleaseView {
        number: ReleaseNumber(number),
        hash: "0".repeat(64),
        created_at_ms: 1_791_106_200_000,
        by: "ann@laptop".to_owned(),
        message: message.map(str::to_owned),
        commit: Some("0123456789abcdef".to_owned()),
        state,
        kept,
        images: BTreeMap::new(),
    };
    let releases = vec![
        release(4, ReleaseState::Failed, false, None),
        release(3, ReleaseState::Serving, true, Some("gift notes")),
        release(2, ReleaseState::Stable, true, None),
        release(1, ReleaseState::Stable, false, None),
    ];
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop/releases", 200, &releases)
        .serve(&stage.path("run/agent.sock"));
    same_as_transcript("releases", &stage.transcript(&["releases"]));
}

#[test]
fn a_plan_marks_the_pivot_and_what_is_replaced_in_place() {
    let planned = |name: &str, workload| PlannedReplica {
        service: service(name),
        index: 1,
        name: format!("shop-{name}-d8-1"),
        workload,
        revision: Revision("r".to_owned()),
        attachments: Vec::new(),
        gate: GateSpec { probe: None, successes: 1, stay_up_ms: 1, timeout_ms: 1, exits_max: 1 },
        peers: std::collections::BTreeMap::new(),
        reached_at: None,
    };
    let change = |name: &str, workload, change| ServiceChange {
        service: service(name),
        workload,
        change,
        image: format!("{name}:2"),
    };
    let plan = Plan {
        app: "shop".parse().unwrap(),
        rollout: RolloutNumber(8),
        kind: RolloutKind::Deploy,
        previous: Some(Serving { release: ReleaseNumber(2), rollout: RolloutNumber(7) }),
        release: Some(ReleaseNumber(3)),
        steps: vec![
            Step::StartStateful {
                replica: planned("db", Workload::Stateful),
                replaces: vec!["shop-db-d1-1".to_owned()],
                within: Vec::new(),
            },
            Step::RunOneOff { replica: planned("migrate", Workload::OneOff) },
            Step::StartReplicas { replicas: vec![planned("web", Workload::Replicated)] },
            Step::HandOver {
                replica: planned("beat", Workload::Singleton),
                from: None,
                within: Vec::new(),
            },
            Step::Cutover { routes: None },
        ],
        pivot: 4,
        hold: None,
        step_deadline_ms: 1,
        notes: vec!["what migrate does to data has no undo".to_owned()],
    };
    let changes = vec![
        change("beat", Workload::Singleton, WhatChanges::Changed),
        change("cache", Workload::Stateful, WhatChanges::Unchanged),
        change("cron", Workload::Replicated, WhatChanges::Removed),
        change("db", Workload::Stateful, WhatChanges::Changed),
        change("migrate", Workload::OneOff, WhatChanges::Changed),
        change("web", Workload::Replicated, WhatChanges::Changed),
    ];
    let stage = stage();
    let answer = RolloutAnswer::Planned(Box::new(PlanView { plan, changes }));
    Answers::default()
        .json("POST /v1/apps/shop/rollouts", 200, &answer)
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["plan"]) + &stage.transcript(&["plan", "--color", "always"]);
    same_as_transcript("plan", &text.replace('\u{1b}', "<esc>"));
}

#[test]
fn logs_stand_behind_their_service_and_replica() {
    let line = |name: &str, text: &str| LogLine {
        at: None,
        service: service(name),
        replica: 1,
        release: ReleaseNumber(2),
        stream: LogStream::Stdout,
        text: text.to_owned(),
    };
    let stage = stage();
    Answers::default()
        .json("GET /v1/apps/shop", 200, &app())
        .lines(
            "GET /v1/apps/shop/logs?follow=false&timestamps=false&tail=100",
            &[line("web", "one"), line("worker", "two"), line("web", "three")],
        )
        .serve(&stage.path("run/agent.sock"));
    let text = stage.transcript(&["logs"]) + &stage.transcript(&["logs", "wbe"]);
    same_as_transcript("logs", &text);
}
