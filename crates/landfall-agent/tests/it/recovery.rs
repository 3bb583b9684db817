//! Restarts of the agent and of the engine, at awkward moments.

use landfall_agent::AgentError;
use landfall_api::{ClientError, EventKind, OpenPhase, Outcome, ProblemCode, RolloutId};
use landfall_core::id::{RolloutNumber, ServiceName};
use landfall_testing::fake::{Behaviour, Container, Phase, World};

use crate::site::{Site, outcome, patiently, request, shop, shop_name};

/// A web that is not ready for a long time.
fn slow(site: &Site, rollout: u32) {
    let slow = Behaviour { ready_after_ms: None, ..Behaviour::default() };
    let key = (RolloutNumber(rollout), "web".parse().unwrap());
    site.world.lock().behaviours.insert(key, slow);
}

fn quick(site: &Site, rollout: u32) {
    site.world.lock().behaviours.remove(&(RolloutNumber(rollout), "web".parse().unwrap()));
}

fn web_runs(world: &World, rollout: u32) -> bool {
    let is_it = |container: &Container| {
        container.labels.as_ref().is_some_and(|labels| {
            let service = labels.service.as_ref().map(ServiceName::as_str);
            labels.rollout.0 == rollout && service == Some("web")
        })
    };
    let runs = |container: &Container| matches!(container.phase, Phase::Running(_));
    world.lock().containers.values().any(|container| is_it(container) && runs(container))
}

#[tokio::test]
async fn a_rollout_outlives_the_agent_and_its_events_go_on_where_they_were() {
    let mut site = Site::new().await;
    slow(&site, 1);
    let of = site.start_deploy(&shop("1")).await;
    site.until("web starts", |world| web_runs(world, 1)).await;
    let mut lines = site.client.events(&of.app, of.rollout, 0).await.unwrap();
    let mut last = 0;
    while let Some(event) = patiently("an event", lines.next()).await.unwrap() {
        last = event.seq;
        if matches!(&event.kind, EventKind::StepStarted { name, .. } if name == "start replicas") {
            break;
        }
    }
    site.stop().await;
    // The stream ends without an end: the viewer knows that it has to ask again.
    while let Ok(Some(event)) = patiently("the stream ends", lines.next()).await {
        assert!(!matches!(event.kind, EventKind::Ended { .. }), "{event:?}");
        last = event.seq;
    }
    quick(&site, 1);
    site.start().await;
    let events = site.events_after(&of, last).await;
    assert!(events[0].seq > last);
    assert!(matches!(events[0].kind, EventKind::Resumed), "{:?}", events[0]);
    assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(1)));
    let status = site.client.app(&shop_name()).await.unwrap();
    assert_eq!(status.serving.unwrap().release.0, 1);
}

#[tokio::test]
async fn events_of_ended_rollouts_are_rebuilt_from_the_journal() {
    let mut site = Site::new().await;
    let live = site.deploy(&shop("1")).await;
    site.stop().await;
    site.start().await;
    let app = shop_name();
    let mut lines = site.client.events(&app, RolloutId::Latest, 0).await.unwrap();
    let mut rebuilt = Vec::new();
    while let Some(event) = lines.next().await.unwrap() {
        rebuilt.push(event);
    }
    let told = |event: &&landfall_api::Event| {
        !matches!(
            event.kind,
            EventKind::Preparing { .. } | EventKind::Pulling { .. } | EventKind::Progress { .. }
        )
    };
    let live: Vec<_> = live.iter().filter(told).cloned().collect();
    assert_eq!(rebuilt, live);
    let history = site.client.rollouts(&app).await.unwrap();
    assert_eq!(history[0].outcome, Some(Outcome::Succeeded));
}

#[tokio::test]
async fn the_lease_of_an_open_rollout_is_held_again_after_a_restart() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    slow(&site, 2);
    site.start_deploy(&shop("2")).await;
    site.until("web starts", |world| web_runs(world, 2)).await;
    site.stop().await;
    site.start().await;
    let error = site.client.deploy(&request(&shop("3"))).await.unwrap_err();
    let ClientError::Problem(problem) = error else { panic!("{error:?}") };
    assert_eq!(problem.code, ProblemCode::Busy);
    assert!(problem.message.contains("rollout d2 of shop is open: started by ann@laptop"));
    let app = shop_name();
    site.client.cancel(&app, RolloutId::Latest).await.unwrap();
    let of = landfall_api::RolloutRef { app, rollout: RolloutNumber(2) };
    let events = site.all_events(&of).await;
    assert!(matches!(outcome(&events), (Outcome::RolledBack { .. }, Some(1))), "{events:?}");
}

#[tokio::test]
async fn a_rollout_that_only_prepares_can_be_called_off_and_leaves_nothing() {
    let site = Site::new().await;
    site.platform.set(|knobs| {
        knobs.to_pull.push("nginx:1".to_owned());
        knobs.pulls_hang = true;
    });
    let of = site.start_deploy(&shop("1")).await;
    let status = site.client.app(&of.app).await.unwrap();
    assert_eq!(status.open.unwrap().phase, OpenPhase::Preparing);
    site.client.cancel(&of.app, of.rollout).await.unwrap();
    let events = site.all_events(&of).await;
    let (Outcome::Refused { problem }, None) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(problem.code, ProblemCode::Cancelled);
    site.platform.set(|knobs| knobs.pulls_hang = false);
    assert_eq!(outcome(&site.deploy(&shop("1")).await), (&Outcome::Succeeded, Some(1)));
}

#[tokio::test]
async fn a_rollout_that_had_not_begun_when_the_agent_stopped_says_so_afterwards() {
    let mut site = Site::new().await;
    site.platform.set(|knobs| {
        knobs.to_pull.push("nginx:1".to_owned());
        knobs.pulls_hang = true;
    });
    let of = site.start_deploy(&shop("1")).await;
    site.stop().await;
    site.start().await;
    let events = site.events_after(&of, 3).await;
    let (Outcome::Refused { problem }, None) = outcome(&events) else { panic!("{events:?}") };
    assert!(problem.message.contains("restarted before it began"), "{problem}");
    site.platform.set(|knobs| knobs.pulls_hang = false);
    assert_eq!(outcome(&site.deploy(&shop("1")).await), (&Outcome::Succeeded, Some(1)));
}

#[tokio::test]
async fn when_the_engine_comes_back_what_should_run_is_started() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.platform.set(|knobs| knobs.away = true);
    let asked = || site.platform.set(|knobs| knobs.asked_while_away) > 0;
    site.until("the absence is seen", |_| asked()).await;
    for container in site.world.lock().containers.values_mut() {
        container.phase = Phase::Stopped;
    }
    site.world.lock().table.apps.clear();
    site.platform.set(|knobs| knobs.away = false);
    let runs = |phase: Phase| matches!(phase, Phase::Running(_));
    let is_one_off = |name: &str| name.contains("migrate");
    site.until("all run again, and the routes are back", |world| {
        let world = world.lock();
        let mut containers = world.containers.values().filter(|c| !is_one_off(&c.name));
        containers.all(|c| runs(c.phase)) && !world.table.apps.is_empty()
    })
    .await;
    let world = site.world.lock();
    assert!(!world.containers.values().any(|c| is_one_off(&c.name) && runs(c.phase)));
}

#[tokio::test]
async fn a_second_agent_and_a_torn_journal_are_told_clearly() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    let second = landfall_agent::run(site.config(), site.platform.clone(), std::future::pending());
    let error = patiently("it is refused", second).await.unwrap_err();
    assert!(matches!(error, AgentError::Lock(_)), "{error}");
    slow(&site, 2);
    site.start_deploy(&shop("2")).await;
    site.until("web starts", |world| web_runs(world, 2)).await;
    site.stop().await;
    let vandal = rusqlite::Connection::open(site.database()).unwrap();
    vandal.execute_batch("DROP TRIGGER records_stay_as_written").unwrap();
    vandal.execute_batch("UPDATE records SET at_ms = 7 WHERE rollout = 2 AND seq = 2").unwrap();
    drop(vandal);
    site.start().await;
    let status = site.client.app(&shop_name()).await.unwrap();
    let OpenPhase::Stuck { reason } = status.open.unwrap().phase else { panic!("not stuck") };
    assert!(reason.message.contains("record 2 of shop d2 is not what was written"), "{reason}");
    assert_eq!(status.serving.unwrap().release.0, 1, "what serves is still known");
    let error = site.client.deploy(&request(&shop("3"))).await.unwrap_err();
    assert!(matches!(&error, ClientError::Problem(p) if p.code == ProblemCode::Stuck), "{error:?}");
}

#[tokio::test]
async fn a_stuck_rollout_blocks_its_app_until_it_is_resumed() {
    let site = Site::new().await;
    site.edge.set_disk_full(true);
    let of = site.start_deploy(&shop("1")).await;
    let events = site.all_events(&of).await;
    let last = events.last().unwrap();
    assert!(matches!(last.kind, EventKind::Stuck { .. }), "{last:?}");
    let status = site.client.app(&of.app).await.unwrap();
    assert!(matches!(status.open.unwrap().phase, OpenPhase::Stuck { .. }));
    let error = site.client.deploy(&request(&shop("2"))).await.unwrap_err();
    assert!(matches!(&error, ClientError::Problem(p) if p.code == ProblemCode::Stuck), "{error:?}");
    site.edge.set_disk_full(false);
    site.client.resume(&of.app, RolloutId::Latest).await.unwrap();
    let events = site.events_after(&of, last.seq).await;
    assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(1)));
}
