//! The database lost or damaged: the agent refuses to start, and what is left is enough to go on.

use std::path::Path;

use landfall_agent::{AgentError, Labelled, RecoverOptions, Recovery, StoreError, recover};
use landfall_api::{ClientError, Outcome, ReleaseState};
use landfall_core::id::RolloutNumber;
use landfall_testing::fake::{Behaviour, Phase};

use crate::site::{Site, outcome, patiently, request, shop, shop_name};

const SHOW: RecoverOptions = RecoverOptions { apply: false, anew: false, clean_up: false };
const APPLY: RecoverOptions = RecoverOptions { apply: true, anew: false, clean_up: false };

async fn recovered(site: &Site, options: RecoverOptions) -> Recovery {
    recover(&site.config(), &site.platform, options).await.unwrap()
}

async fn refused(site: &Site) -> AgentError {
    let agent = landfall_agent::run(site.config(), site.platform.clone(), std::future::pending());
    patiently("it refuses to start", agent).await.unwrap_err()
}

fn lose_database(site: &Site) {
    let dir = site.database();
    for entry in std::fs::read_dir(dir.parent().unwrap()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

/// Names of all files below a folder, with their sizes.
fn files(dir: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), path.metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

fn containers(site: &Site) -> Vec<String> {
    let mut names: Vec<_> =
        site.world.lock().containers.values().map(|container| container.name.clone()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn without_its_database_the_agent_does_not_start_and_recover_brings_it_all_back() {
    let mut site = Site::new().await;
    for version in ["1", "2", "3"] {
        site.deploy(&shop(version)).await;
    }
    site.stop().await;
    lose_database(&site);
    let error = refused(&site).await;
    assert!(matches!(error, AgentError::Store(StoreError::Lost(_))), "{error}");
    let state = site.database();
    let state = state.parent().unwrap().parent().unwrap();
    let before = (files(state), containers(&site));

    let shown = recovered(&site, SHOW).await;
    assert!(!shown.applied);
    assert_eq!((files(state), containers(&site)), before, "showing changed something");
    let done = recovered(&site, APPLY).await;
    assert_eq!(done.apps, shown.apps);
    let app = &done.apps[0];
    assert_eq!(app.serving.map(|release| release.0), Some(3));
    assert_eq!(app.releases.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(app.next_rollout, RolloutNumber(4));
    assert!(app.leftovers.is_empty() && done.remarks.is_empty(), "{done:?}");

    site.start().await;
    let status = site.client.app(&shop_name()).await.unwrap();
    assert_eq!(status.serving.unwrap().release.0, 3);
    assert_eq!(status.problems, Vec::<String>::new());
    let releases = site.client.releases(&shop_name()).await.unwrap();
    assert!(releases.iter().all(|release| release.kept), "{releases:?}");
    assert_eq!(outcome(&site.roll_back(None).await), (&Outcome::Succeeded, Some(2)));
    assert_eq!(outcome(&site.deploy(&shop("4")).await), (&Outcome::Succeeded, Some(4)));
    assert_eq!(outcome(&site.down().await), (&Outcome::Succeeded, None));
}

#[tokio::test]
async fn a_recovered_app_gets_its_routes_back_from_the_synthetic_rollout() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.stop().await;
    lose_database(&site);
    recovered(&site, APPLY).await;
    let routes = site.world.lock().table.apps.remove(&shop_name()).unwrap();
    site.start().await;
    site.until("the routes are back", |world| {
        world.lock().table.apps.get(&shop_name()) == Some(&routes)
    })
    .await;
}

#[tokio::test]
async fn leftovers_of_an_open_rollout_are_listed_and_left_for_the_next_deploy() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    let slow = Behaviour { ready_after_ms: None, ..Behaviour::default() };
    site.world.lock().behaviours.insert((RolloutNumber(2), "web".parse().unwrap()), slow);
    site.start_deploy(&shop("2")).await;
    let has_new = |names: &[String]| names.iter().any(|name| name.contains("web-d2"));
    site.until("the new web is there", |world| {
        world.lock().containers.values().any(|c| c.name.contains("web-d2"))
    })
    .await;
    site.stop().await;
    lose_database(&site);
    let before = containers(&site);
    assert!(has_new(&before));
    let done = recovered(&site, APPLY).await;
    assert_eq!(done.apps[0].serving.map(|release| release.0), Some(1));
    assert!(has_new(&done.apps[0].leftovers), "{done:?}");
    assert_eq!(containers(&site), before, "nothing is removed");
    site.start().await;
    let releases = site.client.releases(&shop_name()).await.unwrap();
    let second = releases.iter().find(|release| release.number.0 == 2).unwrap();
    assert_eq!((second.state, second.kept), (ReleaseState::Failed, false));
    assert_eq!(outcome(&site.deploy(&shop("3")).await), (&Outcome::Succeeded, Some(3)));
    assert!(!has_new(&containers(&site)), "the sweep took them");
}

#[tokio::test]
async fn leftovers_go_at_once_when_that_is_asked_for() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    let slow = Behaviour { ready_after_ms: None, ..Behaviour::default() };
    site.world.lock().behaviours.insert((RolloutNumber(2), "web".parse().unwrap()), slow);
    site.start_deploy(&shop("2")).await;
    site.until("the new web is there", |world| {
        world.lock().containers.values().any(|c| c.name.contains("web-d2"))
    })
    .await;
    site.stop().await;
    lose_database(&site);
    recovered(&site, RecoverOptions { clean_up: true, ..APPLY }).await;
    assert!(!containers(&site).iter().any(|name| name.contains("-d2-")));
    assert!(containers(&site).iter().any(|name| name.contains("web-d1")));
}

#[tokio::test]
async fn with_the_whole_state_folder_gone_it_says_what_cannot_be_had_back() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.deploy(&shop("2")).await;
    site.stop().await;
    let state = site.database();
    std::fs::remove_dir_all(state.parent().unwrap().parent().unwrap()).unwrap();
    // Nothing tells a new agent from the first one, until it is asked to touch what runs.
    site.start().await;
    let refused = site.deploy(&shop("3")).await;
    let (Outcome::Refused { problem }, _) = outcome(&refused) else { panic!("{refused:?}") };
    assert!(problem.message.contains("rollout d2, which this agent has never begun"), "{problem}");
    site.stop().await;
    let done = recovered(&site, APPLY).await;
    let app = &done.apps[0];
    assert_eq!((app.serving.map(|r| r.0), app.releases.len()), (Some(2), 0));
    assert!(app.remarks[0].contains("cannot be rolled back to"), "{app:?}");
    site.start().await;
    assert!(!site.world.lock().table.apps.is_empty(), "it serves on");
    let events = site.deploy(&shop("3")).await;
    assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(3)));
    assert!(!containers(&site).iter().any(|name| name.contains("web-d2")), "the old one went");
}

// I13
#[tokio::test]
async fn what_is_not_understood_is_reported_and_left_alone() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.deploy(&shop("2")).await;
    site.stop().await;
    lose_database(&site);
    let labels = [("landfall.app".to_owned(), "shop".to_owned())].into();
    let (id, name) = ("1".to_owned(), "half-ours".to_owned());
    let stranger = Labelled { id, name, running: true, labels };
    site.platform.set(|knobs| knobs.strangers.push(stranger));
    let copy = site.database().parent().unwrap().with_file_name("sealed/shop/r1.json");
    std::fs::write(&copy, "torn").unwrap();
    // The containers of what the edge says serves are all down.
    for container in site.world.lock().containers.values_mut() {
        container.phase = Phase::Stopped;
    }
    let clean_up = RecoverOptions { clean_up: true, ..APPLY };
    let before = containers(&site);
    let done = recovered(&site, clean_up).await;
    assert!(done.remarks.iter().any(|remark| remark.contains("half-ours")), "{done:?}");
    assert!(done.remarks.iter().any(|remark| remark.contains("r1.json")), "{done:?}");
    assert!(done.apps[0].remarks[0].contains("no container runs"), "{done:?}");
    assert_eq!(done.apps[0].serving, None);
    assert_eq!(containers(&site), before);
    site.start().await;
    assert_eq!(std::fs::read(&copy).unwrap(), b"torn");
    assert_eq!(outcome(&site.deploy(&shop("3")).await), (&Outcome::Succeeded, Some(3)));
}

#[tokio::test]
async fn a_damaged_database_is_kept_aside() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.stop().await;
    // Its thread may still be closing the file, and would write the rest of it into the damage.
    let rest = site.database().with_extension("db-wal");
    site.until("the database is closed", |_| !rest.exists()).await;
    std::fs::write(site.database(), vec![7; 20_000]).unwrap();
    let error = refused(&site).await;
    assert!(matches!(error, AgentError::Store(StoreError::Damaged(_))), "{error}");
    let done = recovered(&site, APPLY).await;
    let aside = done.kept_aside.unwrap().join("landfall.db");
    let kept = std::fs::read(aside).unwrap();
    assert!(kept == vec![7; 20_000], "it was changed, and has {} bytes", kept.len());
    site.start().await;
    assert_eq!(outcome(&site.deploy(&shop("2")).await), (&Outcome::Succeeded, Some(2)));
}

#[tokio::test]
async fn an_older_copy_of_the_store_never_plans_over_what_it_has_not_begun() {
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.stop().await;
    let older = std::fs::read(site.database()).unwrap();
    site.start().await;
    site.deploy(&shop("2")).await;
    site.stop().await;
    lose_database(&site);
    std::fs::write(site.database(), older).unwrap();
    site.start().await;
    let error = site.client.deploy(&request(&shop("3"))).await;
    // It is told once it has looked.
    let refused = match error {
        Err(ClientError::Problem(problem)) => problem.message,
        Err(other) => panic!("{other}"),
        Ok(answer) => {
            let events = site.all_events(&crate::site::started(answer)).await;
            let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
            problem.message.clone()
        }
    };
    assert!(refused.contains("has never begun"), "{refused}");
    site.stop().await;
    let done = recovered(&site, RecoverOptions { anew: true, ..APPLY }).await;
    assert_eq!(done.apps[0].serving.map(|release| release.0), Some(2));
    site.start().await;
    assert_eq!(outcome(&site.roll_back(Some(1)).await), (&Outcome::Succeeded, Some(1)));
}
