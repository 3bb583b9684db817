//! Deploys, rollbacks and downs, as their viewers see them.

use std::sync::{Arc, Mutex};

use landfall_api::{
    AttemptOutcome, Event, EventKind, OpenPhase, Outcome, ProblemCode, ReleaseState, RolloutAnswer,
    StepState, WhatChanges,
};
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::record::Action;
use landfall_testing::fake::{Behaviour, Container, Phase};

use crate::site::{Site, outcome, request, shop, shop_name};

#[tokio::test]
async fn a_deploy_serves_and_its_events_tell_it_in_order() {
    let site = Site::new().await;
    let events = site.deploy(&shop("1")).await;
    assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(1)));
    assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(matches!(events[0].kind, EventKind::Preparing { .. }));
    let planned = events.iter().find_map(|event| match &event.kind {
        EventKind::Planned { plan } => Some(plan.clone()),
        _ => None,
    });
    let steps = planned.unwrap().steps.len();
    let done = events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::StepDone { action: Action::Do, .. }));
    assert_eq!(done.count(), steps);
    let status = site.client.app(&shop_name()).await.unwrap();
    assert_eq!(status.serving.unwrap().release, ReleaseNumber(1));
    assert_eq!(status.open, None);
    assert_eq!(status.problems, Vec::<String>::new());
    let web = status.services.iter().find(|s| s.service.as_str() == "web").unwrap();
    assert_eq!((web.wanted, web.replicas.len()), (2, 2));
    assert!(!status.routes.is_empty());
}

#[tokio::test]
async fn the_intent_is_on_disk_before_the_first_effect() {
    let site = Site::new().await;
    let seen: Arc<Mutex<Vec<(String, i64)>>> = Arc::default();
    let (log, database) = (Arc::clone(&seen), site.database());
    site.platform.set(|knobs| {
        knobs.on_effect = Some(Box::new(move |name| {
            let reader = rusqlite::Connection::open(&database).unwrap();
            let sql = "SELECT count(*) FROM records WHERE record LIKE '%\"intended\"%'";
            let intents = reader.query_row(sql, [], |row| row.get(0)).unwrap();
            log.lock().unwrap().push((name.to_owned(), intents));
        }));
    });
    site.deploy(&shop("1")).await;
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|(_, intents)| *intents > 0), "{seen:?}");
}

#[tokio::test]
async fn what_serves_already_is_not_deployed_again_unless_forced() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let events = site.deploy(&shop("1")).await;
    assert_eq!(outcome(&events), (&Outcome::NothingToDo, Some(1)));
    let mut forced = request(&shop("1"));
    forced.force = true;
    let RolloutAnswer::Started(of) = site.client.deploy(&forced).await.unwrap() else {
        panic!("it must start")
    };
    assert_eq!(outcome(&site.all_events(&of).await), (&Outcome::Succeeded, Some(2)));
    assert_eq!(of.rollout, RolloutNumber(3), "numbers are never used twice");
}

#[tokio::test]
async fn a_replica_that_was_removed_by_hand_is_something_to_do() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    {
        let mut world = site.world.lock();
        let id = world.containers.iter().find(|(_, c)| c.name.contains("web")).unwrap().0.clone();
        world.containers.remove(&id);
    }
    assert_eq!(outcome(&site.deploy(&shop("1")).await), (&Outcome::Succeeded, Some(2)));
}

#[tokio::test]
async fn a_broken_release_is_rolled_back_and_the_old_one_serves() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let broken = Behaviour { exits: Some((5, 1)), ..Behaviour::default() };
    let key = (RolloutNumber(2), "web".parse().unwrap());
    site.world.lock().behaviours.insert(key, broken);
    let events = site.deploy(&shop("2")).await;
    let (ended, serving) = outcome(&events);
    assert!(matches!(ended, Outcome::RolledBack { reason } if reason.message.contains("exit")));
    assert_eq!(serving, Some(1));
    let releases = site.client.releases(&shop_name()).await.unwrap();
    let states: Vec<_> = releases.iter().map(|r| (r.number.0, r.state, r.kept)).collect();
    let expected = [(2, ReleaseState::Failed, false), (1, ReleaseState::Serving, true)];
    assert_eq!(states, expected);
    assert_eq!(releases[1].message.as_deref(), Some("because"));
}

#[tokio::test]
async fn a_database_that_a_dead_rollout_never_started_is_not_taken_over_but_swept() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let is_db = |c: &&Container| c.name.starts_with("shop-db-");
    let served = site.world.lock().containers.values().find(is_db).unwrap().clone();
    site.down().await;
    let broken = Behaviour { exits: Some((5, 1)), ..Behaviour::default() };
    for rollout in [3, 4] {
        let key = (RolloutNumber(rollout), "web".parse().unwrap());
        site.world.lock().behaviours.insert(key, broken.clone());
    }
    let undone = |events: &[Event]| matches!(outcome(events).0, Outcome::RolledBack { .. });
    assert!(undone(&site.deploy(&shop("1")).await));
    // The `create` of an agent that died comes when the undo is long done.
    let mut late = Container { phase: Phase::Created, starts: 0, ..served };
    late.name = "shop-db-d3-1".to_owned();
    late.networks.clear();
    late.labels.as_mut().unwrap().rollout = RolloutNumber(3);
    site.world.lock().containers.insert("late".to_owned(), late.clone());
    assert!(undone(&site.deploy(&shop("1")).await));
    assert_eq!(site.world.lock().containers.get("late"), Some(&late), "as it was before");
    assert_eq!(outcome(&site.deploy(&shop("1")).await).0, &Outcome::Succeeded);
    let world = site.world.lock();
    let left: Vec<_> = world.containers.values().filter(is_db).map(|c| c.name.as_str()).collect();
    assert_eq!(left, ["shop-db-d5-1"]);
}

#[tokio::test]
async fn rolling_back_goes_to_the_newest_stable_one_beside_what_serves() {
    let site = Site::new().await;
    for version in ["1", "2", "3"] {
        site.deploy(&shop(version)).await;
    }
    assert_eq!(outcome(&site.roll_back(None).await), (&Outcome::Succeeded, Some(2)));
    assert_eq!(outcome(&site.roll_back(Some(1)).await), (&Outcome::Succeeded, Some(1)));
    assert_eq!(outcome(&site.roll_back(Some(1)).await), (&Outcome::NothingToDo, Some(1)));
    let events = site.roll_back(Some(9)).await;
    let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(problem.code, ProblemCode::NotFound);
    site.platform.set(|knobs| knobs.missing.push("app:1".to_owned()));
    let events = site.roll_back(Some(3)).await;
    let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(problem.code, ProblemCode::Image);
    assert!(problem.details.iter().any(|line| line.starts_with("web: app:1")), "{problem:?}");
}

#[tokio::test]
async fn what_is_no_longer_kept_is_forgotten_but_still_listed() {
    let site = Site::new().await;
    for version in ["1", "2", "3", "4"] {
        let mut spec = shop(version);
        spec.settings.keep = 2;
        // All stateful containers stay those of r1: so does r1.
        site.deploy(&spec).await;
    }
    only_r2_is_not_kept(&site).await;
}

/// It is listed, and neither offered nor gone back to.
async fn only_r2_is_not_kept(site: &Site) {
    let releases = site.client.releases(&shop_name()).await.unwrap();
    let kept: Vec<_> = releases.iter().map(|r| (r.number.0, r.kept)).collect();
    assert_eq!(kept, [(4, true), (3, true), (2, false), (1, true)]);
    let events = site.roll_back(Some(2)).await;
    let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
    assert!(problem.message.contains("no longer kept"), "{problem:?}");
}

/// The content of release 2, as it is stored.
fn sealed(site: &Site) -> String {
    let database = rusqlite::Connection::open(site.database()).unwrap();
    let sql = "SELECT sealed FROM releases WHERE number = 2";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_should_have_been_forgotten_is_neither_offered_nor_gone_back_to() {
    let mut site = Site::new().await;
    let mut content = String::new();
    for version in ["1", "2", "3", "4"] {
        let mut spec = shop(version);
        spec.settings.keep = 2;
        site.deploy(&spec).await;
        if version == "3" {
            content = sealed(&site);
        }
    }
    // As if the store had failed when it was to forget: nothing holds its images any more.
    site.stop().await;
    let database = rusqlite::Connection::open(site.database()).unwrap();
    database.execute("UPDATE releases SET sealed = ?1 WHERE number = 2", [content]).unwrap();
    drop(database);
    site.start().await;
    only_r2_is_not_kept(&site).await;
}

#[tokio::test]
async fn down_leaves_nothing_but_data() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    assert_eq!(outcome(&site.down().await), (&Outcome::Succeeded, None));
    {
        let world = site.world.lock();
        assert_eq!(world.containers.len(), 0);
        assert!(!world.volumes.is_empty());
        assert!(world.table.apps.is_empty());
    }
    assert_eq!(outcome(&site.down().await), (&Outcome::NothingToDo, None));
    assert_eq!(outcome(&site.roll_back(None).await), (&Outcome::Succeeded, Some(1)));
}

#[tokio::test]
async fn a_plan_touches_nothing() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let before = site.world.lock().containers.clone();
    let mut wish = request(&shop("2"));
    wish.plan_only = true;
    let RolloutAnswer::Planned(view) = site.client.deploy(&wish).await.unwrap() else {
        panic!("a plan")
    };
    let change = |name: &str| {
        view.changes.iter().find(|c| c.service.as_str() == name).map(|c| c.change).unwrap()
    };
    assert_eq!((change("web"), change("db")), (WhatChanges::Changed, WhatChanges::Unchanged));
    assert_eq!(view.plan.rollout, RolloutNumber(2));
    assert_eq!(site.world.lock().containers, before);
    wish.spec = shop("1");
    let answer = site.client.deploy(&wish).await.unwrap();
    assert!(matches!(answer, RolloutAnswer::NothingToDo(_)), "{answer:?}");
}

#[tokio::test]
async fn missing_images_are_pulled_and_told_and_hopeless_ones_refused() {
    let site = Site::new().await;
    site.platform.set(|knobs| knobs.to_pull.push("nginx:1".to_owned()));
    let events = site.deploy(&shop("1")).await;
    assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(1)));
    let pulling = |event: &landfall_api::Event| matches!(&event.kind, EventKind::Pulling { image, .. } if image == "nginx:1");
    assert!(events.iter().any(pulling));
    let mut spec = shop("2");
    spec.services.values_mut().for_each(|service| service.image = "nowhere:1".to_owned());
    site.platform.set(|knobs| knobs.missing.push("nowhere:1".to_owned()));
    let events = site.deploy(&spec).await;
    let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(problem.code, ProblemCode::Image);
    let status = site.client.app(&shop_name()).await.unwrap();
    assert_eq!(status.serving.unwrap().release.0, 1);
}

#[tokio::test]
async fn what_was_is_told_step_by_step_and_as_a_history() {
    // R29, R235
    let site = Site::new().await;
    let mut first = request(&shop("1"));
    first.commit = Some("0123abcd".to_owned());
    let RolloutAnswer::Started(of) = site.client.deploy(&first).await.unwrap() else {
        panic!("it must start")
    };
    site.all_events(&of).await;
    let broken = Behaviour { exits: Some((5, 1)), ..Behaviour::default() };
    site.world.lock().behaviours.insert((RolloutNumber(2), "web".parse().unwrap()), broken);
    site.deploy(&shop("2")).await;
    site.down().await;

    let report = site.client.rollout(&shop_name(), RolloutNumber(2)).await.unwrap();
    assert_eq!(report.serving, Some(ReleaseNumber(1)));
    let turned = report.turned.expect("it turned back");
    assert_eq!(turned.reason.service.as_ref().unwrap().as_str(), "web");
    let failed = report.steps.iter().find(|step| step.name == "start replicas").unwrap();
    assert_eq!(failed.state, StepState::Undone);
    let outcomes: Vec<_> = failed.attempts.iter().map(|a| (a.action, &a.outcome)).collect();
    let (Action::Do, AttemptOutcome::Failed { reason }) = outcomes[0] else {
        panic!("{outcomes:?}")
    };
    assert!(reason.message.contains("exit"), "{reason}");
    assert_eq!(outcomes.last(), Some(&(Action::Undo, &AttemptOutcome::Done)));
    let cutover = &report.steps[report.pivot.unwrap()];
    assert_eq!((cutover.state, cutover.attempts.len()), (StepState::Pending, 0));

    let history = site.client.history(&shop_name()).await.unwrap();
    let told = history.iter().map(|e| (e.rollout.rollout.0, e.served_from_ms.is_some()));
    assert_eq!(told.collect::<Vec<_>>(), [(3, false), (2, false), (1, true)]);
    assert_eq!(history[2].served_until_ms, history[0].rollout.ended_at_ms);
    assert_eq!(history[2].rollout.message.as_deref(), Some("because"));
    assert_eq!(history[2].rollout.commit.as_deref(), Some("0123abcd"));

    let missing = site.client.rollout(&shop_name(), RolloutNumber(9)).await.unwrap_err();
    assert!(missing.to_string().contains("shop has no rollout d9"), "{missing}");
}

#[tokio::test]
async fn a_rollout_that_prepares_is_listed_before_anything_of_it_is_durable() {
    let site = Site::new().await;
    site.platform.set(|knobs| {
        knobs.to_pull.push("nginx:1".to_owned());
        knobs.pulls_hang = true;
    });
    let of = site.start_deploy(&shop("1")).await;
    let listed = site.client.rollouts(&of.app).await.unwrap();
    assert_eq!((listed.len(), listed[0].phase.clone()), (1, Some(OpenPhase::Preparing)));
    let report = site.client.rollout(&of.app, of.rollout).await.unwrap();
    assert!(report.steps.is_empty() && report.rollout.outcome.is_none());
    site.platform.set(|knobs| knobs.pulls_hang = false);
    site.all_events(&of).await;
    assert_eq!(site.client.rollouts(&of.app).await.unwrap()[0].phase, None);
}
