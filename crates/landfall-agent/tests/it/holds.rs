//! Held rollouts: they wait, over restarts and for days, until somebody says what becomes of them.

use landfall_api::{
    ClientError, DeployRequest, Event, EventKind, OpenPhase, Outcome, Problem, ProblemCode,
    PromoteRequest, RolloutId, RolloutRef,
};
use landfall_core::id::RolloutNumber;
use landfall_core::reason::ReasonKind;
use landfall_core::route::AppRoutes;
use landfall_core::spec::AppSpec;
use landfall_testing::fake::{Container, Phase};

use crate::site::{Site, outcome, patiently, request, shop, shop_name, started};

fn by_bob() -> PromoteRequest {
    PromoteRequest { by: "bob@desk".to_owned() }
}

fn hold(spec: &AppSpec) -> DeployRequest {
    DeployRequest { hold: Some(true), ..request(spec) }
}

/// Deploys, held; returns the rollout and the events up to the hold.
async fn held(site: &Site, request: &DeployRequest) -> (RolloutRef, Vec<Event>) {
    let of = started(site.client.deploy(request).await.unwrap());
    let events = site.all_events(&of).await;
    let last = events.last().unwrap();
    assert!(matches!(last.kind, EventKind::Held { .. }), "{last:?}");
    (of, events)
}

fn problem<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Problem {
    match answer.unwrap_err() {
        ClientError::Problem(problem) => *problem,
        other @ ClientError::Transport(_) => panic!("{other:?}"),
    }
}

fn previews(site: &Site) -> Vec<RolloutNumber> {
    site.world.lock().table.previews.values().map(|part| part.rollout).collect()
}

async fn phase(site: &Site) -> Option<OpenPhase> {
    site.client.app(&shop_name()).await.unwrap().open.map(|open| open.phase)
}

#[tokio::test]
async fn a_held_deploy_waits_over_restarts_until_it_is_promoted() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    let (of, events) = held(&site, &hold(&shop("2"))).await;
    let EventKind::Held { preview, until_ms } = &events.last().unwrap().kind else { panic!() };
    assert!(preview[0].listen.ip().is_loopback(), "{preview:?}");
    let week = 7 * 24 * 60 * 60 * 1000;
    assert_eq!(*until_ms, Some(events.last().unwrap().at_ms + week));
    assert_eq!(previews(&site), [of.rollout]);

    site.stop().await;
    site.start().await;
    let last = events.last().unwrap().seq;
    assert_eq!(site.events_after(&of, last).await, [], "a restart is no news to it");
    let open = site.client.app(&shop_name()).await.unwrap().open.unwrap();
    assert!(matches!(open.phase, OpenPhase::Held { .. }), "{open:?}");
    assert_eq!(open.by, "ann@laptop");
    let refused = problem(site.client.deploy(&request(&shop("3"))).await);
    assert_eq!(refused.code, ProblemCode::Busy);
    assert!(refused.message.contains("is held since"), "{refused}");
    assert!(refused.hint.iter().any(|hint| hint.contains("promote")), "{refused:?}");
    let refused = problem(site.client.resume(&of.app, RolloutId::Latest).await);
    assert_eq!(refused.code, ProblemCode::Invalid);

    site.client.promote(&of.app, RolloutId::Latest, &by_bob()).await.unwrap();
    let events = site.events_after(&of, last).await;
    assert!(matches!(&events[0].kind, EventKind::Promoted { by } if by == "bob@desk"));
    assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(2)));
    assert_eq!(previews(&site), []);
    let again = problem(site.client.promote(&of.app, of.rollout, &by_bob()).await);
    assert_eq!(again.code, ProblemCode::NotFound, "it is over");
}

#[tokio::test]
async fn two_who_promote_do_it_once_and_nobody_promotes_what_is_not_held() {
    let site = Site::new().await;
    let (of, _) = held(&site, &hold(&shop("1"))).await;
    let (one, two) = (by_bob(), by_bob());
    let (one, two) = tokio::join!(
        site.client.promote(&of.app, of.rollout, &one),
        site.client.promote(&of.app, of.rollout, &two)
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
    let events = site.all_events(&of).await;
    let promoted = events.iter().filter(|e| matches!(e.kind, EventKind::Promoted { .. }));
    assert_eq!((promoted.count(), outcome(&events)), (1, (&Outcome::Succeeded, Some(1))));
    let refused = problem(site.client.promote(&of.app, RolloutId::Latest, &by_bob()).await);
    assert_eq!(refused.code, ProblemCode::NotFound);
}

#[tokio::test]
async fn a_held_deploy_that_is_called_off_leaves_nothing_even_after_a_restart() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    let names = |site: &Site| {
        let world = site.world.lock();
        let mut names: Vec<_> = world.containers.values().map(|c| c.name.clone()).collect();
        names.sort();
        (names, world.table.apps.clone())
    };
    let before = names(&site);
    let (of, _) = held(&site, &hold(&shop("2"))).await;
    site.stop().await;
    site.start().await;
    site.client.cancel(&of.app, of.rollout).await.unwrap();
    let events = site.all_events(&of).await;
    let (Outcome::RolledBack { reason }, Some(1)) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(reason.kind, ReasonKind::Cancelled);
    assert_eq!(names(&site), before);
    assert_eq!(previews(&site), []);
}

#[tokio::test]
async fn what_is_held_is_looked_after_like_what_serves() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let (of, _) = held(&site, &hold(&shop("2"))).await;
    site.platform.set(|knobs| knobs.away = true);
    let asked = || site.platform.set(|knobs| knobs.asked_while_away) > 0;
    site.until("the absence is seen", |_| asked()).await;
    {
        let mut world = site.world.lock();
        world.containers.values_mut().for_each(|container| container.phase = Phase::Stopped);
        world.table.apps.clear();
        world.table.previews.clear();
    }
    site.platform.set(|knobs| knobs.away = false);
    let should_run = |c: &&Container| !c.name.contains("migrate");
    site.until("both releases run again, with their routes", |world| {
        let world = world.lock();
        let mut all = world.containers.values().filter(should_run);
        let both = !world.table.apps.is_empty() && !world.table.previews.is_empty();
        both && all.all(|c| matches!(c.phase, Phase::Running(_)))
    })
    .await;
    let of_beat = |c: &&Container| c.name.contains("beat");
    assert_eq!(
        site.world.lock().containers.values().filter(of_beat).count(),
        1,
        "only the old one"
    );
    assert!(matches!(phase(&site).await, Some(OpenPhase::Held { .. })));
    site.client.promote(&of.app, of.rollout, &by_bob()).await.unwrap();
    assert_eq!(outcome(&site.all_events(&of).await), (&Outcome::Succeeded, Some(2)));
}

#[tokio::test]
async fn what_nobody_promotes_in_time_is_called_off() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let mut spec = shop("2");
    spec.settings.hold = true;
    spec.settings.hold_max_ms = 1;
    let (of, _) = held(&site, &request(&spec)).await;
    patiently("it is called off", async {
        while phase(&site).await.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let events = site.all_events(&of).await;
    let (Outcome::RolledBack { reason }, Some(1)) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(reason.kind, ReasonKind::Deadline);
    assert!(reason.message.contains("nobody promoted it within"), "{reason}");
    assert_eq!(previews(&site), []);
}

#[tokio::test]
async fn a_file_that_holds_can_be_overruled_and_going_back_does_not_wait() {
    let site = Site::new().await;
    let mut spec = shop("1");
    spec.settings.hold = true;
    let straight = DeployRequest { hold: Some(false), ..request(&spec) };
    let of = started(site.client.deploy(&straight).await.unwrap());
    assert_eq!(outcome(&site.all_events(&of).await), (&Outcome::Succeeded, Some(1)));
    site.deploy(&shop("2")).await;
    assert_eq!(outcome(&site.roll_back(Some(1)).await), (&Outcome::Succeeded, Some(1)));
}

#[tokio::test]
async fn a_preview_is_where_it_was_asked_for_or_nothing_begins() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let at = |hold, place: &str| DeployRequest {
        hold,
        preview: Some(place.parse().unwrap()),
        ..request(&shop("2"))
    };
    for (request, code) in [
        (at(Some(true), "127.0.0.1:8080"), ProblemCode::Invalid),
        (at(Some(true), "127.0.0.1:8081"), ProblemCode::PortTaken),
        (at(Some(true), "127.0.0.1:0"), ProblemCode::Invalid),
        (at(None, "127.0.0.1:9000"), ProblemCode::Invalid),
    ] {
        let of = started(site.client.deploy(&request).await.unwrap());
        let events = site.all_events(&of).await;
        let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
        assert_eq!(problem.code, code, "{problem}");
    }
    let (_, events) = held(&site, &at(Some(true), "127.0.0.1:9000")).await;
    let EventKind::Held { preview, .. } = &events.last().unwrap().kind else { panic!() };
    assert_eq!(preview[0].listen, "127.0.0.1:9000".parse().unwrap());
}

/// I12: a rollout that finds a newer one at its cutover is over.
#[tokio::test]
async fn a_rollout_never_takes_routes_from_a_newer_one() {
    let site = Site::new().await;
    let (of, events) = held(&site, &hold(&shop("1"))).await;
    let newer = AppRoutes {
        release: landfall_core::id::ReleaseNumber(9),
        rollout: RolloutNumber(9),
        routes: Vec::new(),
    };
    site.world.lock().table.apps.insert(shop_name(), newer.clone());
    site.client.promote(&of.app, of.rollout, &by_bob()).await.unwrap();
    let events = site.events_after(&of, events.last().unwrap().seq).await;
    let (Outcome::RolledBack { reason }, None) = outcome(&events) else { panic!("{events:?}") };
    assert!(reason.message.contains("rollout d9 has the routes"), "{reason}");
    assert_eq!(site.world.lock().table.apps[&shop_name()], newer);
}
