//! Stores that the first version of the format wrote, taken up by the agent of today. Whatever the
//! record at which the older binary was replaced, its rollout ends as it would have.

use landfall_api::{EventKind, Outcome, RolloutId, RolloutRef};
use landfall_core::id::RolloutNumber;
use landfall_testing::fake::Behaviour;

use crate::histories::{dump, import};
use crate::site::{Site, outcome, patiently, request, shop, shop_name};

const SUCCEEDED: &str = include_str!("../golden/deploy.jsonl");
const UNDONE: &str = include_str!("../golden/undone.jsonl");
const IN_DOUBT: &str = include_str!("../golden/in-doubt.jsonl");
const STUCK: &str = include_str!("../golden/stuck.jsonl");
const ROLLED_BACK: &str = include_str!("../golden/rolled-back.jsonl");
const DOWN: &str = include_str!("../golden/down.jsonl");

fn crashes(site: &Site, rollout: u32) {
    let crashing = Behaviour { exits: Some((1, 1)), ..Behaviour::default() };
    let key = (RolloutNumber(rollout), "web".parse().unwrap());
    site.world.lock().behaviours.insert(key, crashing);
}

/// Records of one rollout in a history.
fn records(history: &str, rollout: u32) -> Vec<serde_json::Value> {
    let rows = history.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.filter(|row| row["table"] == "records" && row["rollout"] == rollout).collect()
}

/// An agent of today on the store of a history, of which the last rollout has `kept` records.
async fn replace_store(site: &mut Site, history: &str, rollout: u32, kept: u64) {
    site.stop().await;
    std::fs::remove_dir_all(site.database().parent().unwrap()).unwrap();
    import(history, &site.database(), |of, seq| {
        of < u64::from(rollout) || of == u64::from(rollout) && seq <= kept
    });
    site.start().await;
}

async fn end_of(site: &Site, rollout: u32) -> (Outcome, Option<u32>) {
    let of = RolloutRef { app: shop_name(), rollout: RolloutNumber(rollout) };
    let events = site.all_events(&of).await;
    let (outcome, serving) = outcome(&events);
    (outcome.clone(), serving)
}

// I23
#[tokio::test]
async fn a_binary_replaced_at_any_record_of_a_deploy_ends_it_well() {
    let count = records(SUCCEEDED, 1).len() as u64;
    assert!(count > 20, "the history is cut");
    let mut site = Site::new().await;
    // The first time over nothing, then over a world in which all of it happened already.
    for kept in 1..=count {
        replace_store(&mut site, SUCCEEDED, 1, kept).await;
        assert_eq!(end_of(&site, 1).await, (Outcome::Succeeded, Some(1)), "after record {kept}");
    }
    // And it goes on from there.
    assert_eq!(outcome(&site.deploy(&shop("2")).await), (&Outcome::Succeeded, Some(2)));
    assert_eq!(outcome(&site.roll_back(Some(1)).await), (&Outcome::Succeeded, Some(1)));
}

// I23
#[tokio::test]
async fn a_binary_replaced_at_any_record_of_a_failing_deploy_leaves_the_old_release() {
    let of = records(UNDONE, 2);
    let count = of.len() as u64;
    let mut site = Site::new().await;
    crashes(&site, 2);
    replace_store(&mut site, UNDONE, 1, 1).await;
    assert_eq!(end_of(&site, 1).await, (Outcome::Succeeded, Some(1)));
    for kept in 1..=count {
        replace_store(&mut site, UNDONE, 2, kept).await;
        let (outcome, serving) = end_of(&site, 2).await;
        assert!(matches!(outcome, Outcome::RolledBack { .. }), "after record {kept}: {outcome:?}");
        assert_eq!(serving, Some(1), "after record {kept}");
        let status = site.client.app(&shop_name()).await.unwrap();
        assert_eq!(status.serving.unwrap().release.0, 1);
    }
}

// I23: what is in doubt at the pivot is asked again, never unwound.
#[tokio::test]
async fn a_binary_replaced_at_a_pivot_in_doubt_goes_forward() {
    let kept = records(IN_DOUBT, 2).len() as u64;
    let mut site = Site::new().await;
    replace_store(&mut site, IN_DOUBT, 1, 1).await;
    assert_eq!(end_of(&site, 1).await, (Outcome::Succeeded, Some(1)));
    replace_store(&mut site, IN_DOUBT, 2, 1).await;
    assert_eq!(end_of(&site, 2).await, (Outcome::Succeeded, Some(2)));
    replace_store(&mut site, IN_DOUBT, 2, kept).await;
    assert_eq!(end_of(&site, 2).await, (Outcome::Succeeded, Some(2)));
}

// I23: stuck at the cutover in the older binary, resumed by a person in the newer one.
#[tokio::test]
async fn a_rollout_that_an_older_binary_got_stuck_is_resumed_by_a_newer_one() {
    let of = records(STUCK, 1);
    let stuck = of.iter().position(|row| row["record"].as_str().unwrap().contains("\"stuck\""));
    let mut site = Site::new().await;
    replace_store(&mut site, STUCK, 1, 1).await;
    assert_eq!(end_of(&site, 1).await, (Outcome::Succeeded, Some(1)));
    site.edge.set_disk_full(true);
    replace_store(&mut site, STUCK, 1, stuck.unwrap() as u64 + 1).await;
    site.edge.set_disk_full(false);
    let app = shop_name();
    patiently("it ends", async {
        while site.client.app(&app).await.unwrap().open.is_some() {
            // It may be under way already: an edge that is back takes it up too.
            drop(site.client.resume(&app, RolloutId::Latest).await);
        }
    })
    .await;
    assert_eq!(end_of(&site, 1).await, (Outcome::Succeeded, Some(1)));
}

#[tokio::test]
async fn ended_histories_are_told_as_they_were() {
    for (history, rollouts, serving) in [(ROLLED_BACK, 3, Some(1)), (DOWN, 2, None)] {
        let mut site = Site::new().await;
        site.platform.set(|knobs| knobs.away = true);
        replace_store(&mut site, history, rollouts, u64::MAX).await;
        let told = site.client.rollouts(&shop_name()).await.unwrap();
        assert_eq!(told.len(), rollouts as usize);
        assert!(told.iter().all(|rollout| rollout.outcome == Some(Outcome::Succeeded)));
        let status = site.client.app(&shop_name()).await.unwrap();
        assert_eq!(status.serving.map(|serving| serving.release.0), serving);
    }
}

// I23: nothing of a newer journal is changed, its app is blocked and says why, the others go on.
#[tokio::test]
async fn an_older_reader_refuses_a_newer_journal_and_leaves_it_as_it_is() {
    let mut site = Site::new().await;
    site.stop().await;
    let newer = SUCCEEDED.replace(
        "{\\\"v\\\":1,\\\"record\\\":\\\"ended\\\"",
        "{\\\"v\\\":99,\\\"record\\\":\\\"closed\\\"",
    );
    assert_ne!(newer, SUCCEEDED);
    std::fs::remove_dir_all(site.database().parent().unwrap()).unwrap();
    import(&newer, &site.database(), |_, _| true);
    let before = dump(&site.database());
    site.start().await;
    let status = site.client.app(&shop_name()).await.unwrap();
    assert!(status.open.is_some(), "the app is blocked");
    let refused = site.client.deploy(&request(&shop("2"))).await.unwrap_err().to_string();
    assert!(refused.contains("format 99") && refused.contains("newer"), "{refused}");
    let blog = crate::site::app("blog", "1");
    assert_eq!(outcome(&site.deploy(&blog).await), (&Outcome::Succeeded, Some(1)));
    site.stop().await;
    let after = dump(&site.database());
    let of_shop = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains(r#""app":"shop""#)).map(str::to_owned).collect()
    };
    assert_eq!(of_shop(&before), of_shop(&after));
}

/// `cargo test -p landfall-agent --test it -- --ignored record_the_histories`, for a new format only:
/// the histories of an older one stay as they are.
#[tokio::test]
#[ignore = "writes golden files"]
async fn record_the_histories() {
    let keep = |name: &str, text: &str| {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
        std::fs::write(format!("{dir}{name}.jsonl"), text).unwrap();
    };
    let mut site = Site::new().await;
    site.deploy(&shop("1")).await;
    keep("deploy", &dump(&site.database()));
    site.deploy(&shop("2")).await;
    let both = dump(&site.database());
    site.roll_back(Some(1)).await;
    keep("rolled-back", &dump(&site.database()));
    // As a kill leaves it right after the intent of the second cutover.
    let at = records(&both, 2).iter().position(|row| {
        let record: serde_json::Value =
            serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
        let began: serde_json::Value =
            serde_json::from_str(records(&both, 2)[0]["record"].as_str().unwrap()).unwrap();
        record["record"] == "intended" && record["step"] == began["plan"]["pivot"]
    });
    let kept = at.unwrap() as u64 + 1;
    site.stop().await;
    std::fs::remove_dir_all(site.database().parent().unwrap()).unwrap();
    import(&both, &site.database(), |of, seq| of == 1 || seq <= kept);
    keep("in-doubt", &dump(&site.database()));

    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    crashes(&site, 2);
    site.deploy(&shop("2")).await;
    keep("undone", &dump(&site.database()));

    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    site.down().await;
    keep("down", &dump(&site.database()));

    let site = Site::new().await;
    site.edge.set_disk_full(true);
    let of = site.start_deploy(&shop("1")).await;
    let events = site.all_events(&of).await;
    assert!(matches!(events.last().unwrap().kind, EventKind::Stuck { .. }));
    site.edge.set_disk_full(false);
    site.client.resume(&of.app, RolloutId::Latest).await.unwrap();
    site.events_after(&of, events.last().unwrap().seq).await;
    keep("stuck", &dump(&site.database()));
}
