//! The operator's tools: the way out of a stuck rollout, the audit record, what differs.

use landfall_agent::LostContainer;
use landfall_api::{
    AbandonRequest, AuditAction, AuditEntry, AuditQuery, AuditResult, Check, ClientError,
    DriftKind, DriftReport, Level, Mend, Outcome, Problem, ProblemCode, RepairRequest, RolloutId,
    Who,
};
use landfall_core::diff::Change;
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_testing::fake::{Container, Phase};

use crate::site::{Site, app, outcome, request, shop, shop_name};

fn problem(error: ClientError) -> Problem {
    match error {
        ClientError::Problem(problem) => *problem,
        ClientError::Transport(error) => panic!("no problem: {error}"),
    }
}

fn wish(plan_only: bool) -> AbandonRequest {
    let message = Some("the disk is full until tomorrow".to_owned());
    AbandonRequest { by: "ann@laptop".to_owned(), message, plan_only }
}

/// A second deploy that is stuck at its cutover.
async fn stuck(site: &Site) {
    site.deploy(&shop("1")).await;
    site.edge.set_disk_full(true);
    let of = site.start_deploy(&shop("2")).await;
    site.all_events(&of).await;
}

#[tokio::test]
async fn an_abandoned_rollout_ends_where_it_stands_and_frees_its_app() {
    let site = Site::new().await;
    stuck(&site).await;
    let before = site.world.lock().containers.clone();
    let app = shop_name();
    let would = site.client.abandon(&app, RolloutId::Latest, &wish(true)).await.unwrap();
    assert!(!would.ended && would.serving == Some(ReleaseNumber(1)), "{would:?}");
    let runs =
        |line: &String| line.starts_with("container shop-web-d2-") && line.ends_with("(runs)");
    assert_eq!(would.left.iter().filter(|line| runs(line)).count(), 2, "{would:?}");
    assert!(would.left.iter().any(|line| line == "network landfall-shop-default-d2"), "{would:?}");
    assert!(would.left.iter().all(|line| !line.contains("shop_data")), "data is no leftover");
    let busy = problem(site.client.deploy(&request(&shop("3"))).await.unwrap_err());
    assert_eq!(busy.code, ProblemCode::Stuck, "only asking frees nothing");

    let done = site.client.abandon(&app, RolloutNumber(2), &wish(false)).await.unwrap();
    assert_eq!((done.ended, &done.left), (true, &would.left));
    assert_eq!(site.world.lock().containers, before, "nothing was touched");
    let events = site.all_events(&would.rollout).await;
    let (ended, serving) = outcome(&events);
    assert!(matches!(ended, Outcome::Abandoned { by, .. } if by == "ann@laptop"), "{ended:?}");
    assert_eq!(serving, Some(1));
    let status = site.client.app(&app).await.unwrap();
    assert_eq!((status.serving.unwrap().release.0, status.open), (1, None));
    let again =
        problem(site.client.abandon(&app, RolloutNumber(2), &wish(false)).await.unwrap_err());
    assert_eq!(again.message, "rollout d2 of shop is not open");

    site.edge.set_disk_full(false);
    assert_eq!(outcome(&site.deploy(&shop("3")).await), (&Outcome::Succeeded, Some(3)));
    let world = site.world.lock();
    let left: Vec<_> = world.containers.values().filter(|c| c.name.contains("-d2-")).collect();
    assert!(left.is_empty(), "the next deploy sweeps: {left:?}");
    assert!(!world.networks.keys().any(|name| name.ends_with("-d2")));
    assert!(world.volumes.contains_key("shop_data"));
}

#[tokio::test]
async fn an_abandoned_rollout_stays_ended_over_a_restart() {
    let mut site = Site::new().await;
    stuck(&site).await;
    site.client.abandon(&shop_name(), RolloutId::Latest, &wish(false)).await.unwrap();
    site.stop().await;
    site.start().await;
    let status = site.client.app(&shop_name()).await.unwrap();
    assert_eq!((status.serving.unwrap().release.0, status.open), (1, None));
    let report = site.client.rollout(&shop_name(), RolloutNumber(2)).await.unwrap();
    assert_eq!(report.serving, Some(ReleaseNumber(1)));
}

#[tokio::test]
async fn what_is_not_stuck_cannot_be_abandoned() {
    let site = Site::new().await;
    site.platform.set(|knobs| {
        knobs.to_pull.push("nginx:1".to_owned());
        knobs.pulls_hang = true;
    });
    let of = site.start_deploy(&shop("1")).await;
    let refused = site.client.abandon(&of.app, of.rollout, &wish(false)).await.unwrap_err();
    assert_eq!(problem(refused).message, "rollout d1 of shop is not stuck");
    site.platform.set(|knobs| knobs.pulls_hang = false);
    assert_eq!(outcome(&site.all_events(&of).await), (&Outcome::Succeeded, Some(1)));
    let none = site.client.abandon(&of.app, RolloutId::Latest, &wish(false)).await.unwrap_err();
    assert_eq!(problem(none).message, "shop has no open rollout");
}

async fn audit(site: &Site, app: &str) -> Vec<AuditEntry> {
    let query = AuditQuery { app: Some(app.parse().unwrap()), ..AuditQuery::default() };
    site.client.audit(&query).await.unwrap()
}

#[tokio::test]
async fn every_change_is_written_down_with_who_asked_and_what_came_of_it() {
    // R29, R235
    let mut site = Site::new().await;
    stuck(&site).await;
    let shop = shop_name();
    site.client.resume(&shop, RolloutId::Latest).await.unwrap();
    let of = landfall_api::RolloutRef { app: shop.clone(), rollout: RolloutNumber(2) };
    site.all_events(&of).await;
    site.client.abandon(&shop, RolloutId::Latest, &wish(false)).await.unwrap();
    let refused = site.client.cancel(&shop, RolloutNumber(2)).await.unwrap_err();
    site.stop().await;
    site.start().await;

    let entries = audit(&site, "shop").await;
    let asked = entries.iter().filter(|entry| entry.fact.who != Who::Agent);
    let asked: Vec<_> = asked.map(|e| (e.fact.action, e.fact.rollout.map(|r| r.0))).collect();
    let expected = [
        (AuditAction::Cancel, Some(2)),
        (AuditAction::Abandon, Some(2)),
        (AuditAction::Resume, Some(2)),
        (AuditAction::Deploy, Some(2)),
        (AuditAction::Deploy, Some(1)),
    ];
    assert_eq!(asked, expected);
    assert_eq!(entries[0].fact.result, AuditResult::Refused { problem: problem(refused) });
    let first = entries.iter().rev().find(|e| e.fact.action == AuditAction::Deploy).unwrap();
    let Who::Peer { uid, pid, claimed, .. } = &first.fact.who else { panic!("{first:?}") };
    // The truth is the kernel's; what the client says stands beside it.
    assert_eq!((*uid, *pid), (own_uid(), i32::try_from(std::process::id()).ok()));
    assert_eq!(claimed.as_deref(), Some("ann@laptop"));
    assert_eq!(first.fact.message.as_deref(), Some("because"));
    let ends: Vec<_> = entries
        .iter()
        .filter(|entry| entry.fact.who == Who::Agent)
        .map(|entry| matches!(entry.fact.result, AuditResult::Stuck { .. }))
        .collect();
    assert_eq!(ends, [true, true, false], "stuck twice, the first one ended well");

    let all = site.client.audit(&AuditQuery::default()).await.unwrap();
    let starts = all.iter().filter(|entry| entry.fact.action == AuditAction::Start).count();
    assert_eq!(starts, 2);
    assert!(all.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1));
}

/// Of this process, without asking anything unsafe.
fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid()
}

#[tokio::test]
async fn a_refusal_before_anything_began_is_written_down_too() {
    let site = Site::new().await;
    site.platform.set(|knobs| knobs.missing.push("nginx:1".to_owned()));
    site.deploy(&app("blog", "1")).await;
    let entries = audit(&site, "blog").await;
    let AuditResult::Ended { outcome: Outcome::Refused { problem } } = &entries[0].fact.result
    else {
        panic!("{entries:?}")
    };
    assert_eq!(problem.code, ProblemCode::Image);
}

#[tokio::test]
async fn two_releases_are_compared_without_telling_a_secret() {
    // R30
    let site = Site::new().await;
    site.deploy(&shop("hunter1")).await;
    site.deploy(&shop("hunter2")).await;
    let app = shop_name();
    let diff = site.client.diff(&app, None, None).await.unwrap();
    assert_eq!((diff.from.0, diff.to.0, diff.serving), (1, 2, Some(ReleaseNumber(2))));
    let told: Vec<_> =
        diff.differences.iter().map(|d| (d.of.as_str(), d.key.as_str(), d.change)).collect();
    assert_eq!(told, [("service web", "environment.VERSION", Change::Changed)]);
    assert!(!serde_json::to_string(&diff).unwrap().contains("hunter"));
    let back = site.client.diff(&app, Some(ReleaseNumber(2)), Some(ReleaseNumber(1))).await;
    assert_eq!(back.unwrap().differences.len(), 1);
    let missing = site.client.diff(&app, Some(ReleaseNumber(9)), None).await.unwrap_err();
    assert!(problem(missing).message.contains("r9 of shop is not kept"));
}

fn kinds(report: &DriftReport) -> Vec<(DriftKind, &str)> {
    report.findings.iter().map(|finding| (finding.kind, finding.what.as_str())).collect()
}

/// A shop with a sealed file.
fn shop_with_file() -> landfall_core::spec::AppSpec {
    use landfall_core::spec::{SealedFile, SealedKind, SealedTree};
    let content = landfall_core::secret::Secret::new("aGk=".to_owned());
    let file = SealedFile { mode: 0o644, uid: None, gid: None, content };
    let entries = std::collections::BTreeMap::from([(String::new(), file)]);
    let mut spec = shop("1");
    spec.files.insert("conf".to_owned(), SealedTree { kind: SealedKind::File, entries });
    spec
}

fn sealed_file(site: &Site) -> std::path::PathBuf {
    let dir = site.config().state_dir.join("files/shop/r1");
    let mut entries = std::fs::read_dir(dir).unwrap();
    entries.next().unwrap().unwrap().path()
}

#[tokio::test]
async fn what_drifted_is_told_and_mended_under_the_same_names_and_addresses() {
    // R38, R148
    let site = Site::new().await;
    site.deploy(&shop_with_file()).await;
    let app = shop_name();
    let report = site.client.drift(&app).await.unwrap();
    assert_eq!((kinds(&report), &report.unknown), (vec![], &vec![]));
    let before = site.world.lock().clone();

    let web = {
        let mut world = site.world.lock();
        let id =
            |name: &str| world.containers.iter().find(|(_, c)| c.name == name).unwrap().0.clone();
        let (web, worker, nginx) =
            (id("shop-web-d1-1"), id("shop-worker-d1-1"), id("shop-nginx-d1-1"));
        let gone = world.containers.remove(&web).unwrap();
        world.containers.get_mut(&worker).unwrap().phase = Phase::Stopped;
        let network = "landfall-shop-default-d1";
        world.containers.get_mut(&nginx).unwrap().networks.remove(network).unwrap();
        world.table.apps.clear();
        gone
    };
    std::fs::write(sealed_file(&site), "changed by hand").unwrap();
    let report = site.client.drift(&app).await.unwrap();
    let mut told = kinds(&report);
    told.sort_by_key(|(_, what)| (*what).to_owned());
    let expected = [
        (DriftKind::Network, "container shop-nginx-d1-1"),
        (DriftKind::Missing, "container shop-web-d1-1"),
        (DriftKind::Stopped, "container shop-worker-d1-1"),
        (DriftKind::Routes, "routes of shop"),
        (DriftKind::Files, "sealed file conf"),
    ];
    assert_eq!(told, expected);
    assert!(report.findings.iter().all(|finding| finding.mend == Mend::Repair), "{report:?}");

    let request = RepairRequest { by: "ann@laptop".to_owned() };
    let repaired = site.client.repair(&app, &request).await.unwrap();
    assert_eq!(repaired.failed, Vec::<String>::new());
    assert_eq!(kinds(&repaired.left), [], "{repaired:?}");
    let again = site.client.repair(&app, &request).await.unwrap();
    assert_eq!(again.done, Vec::<String>::new(), "there is nothing left to mend");
    {
        let world = site.world.lock();
        let made = world.containers.values().find(|c| c.name == "shop-web-d1-1").unwrap();
        assert_eq!((&made.labels, &made.networks), (&web.labels, &web.networks));
        assert_eq!(world.table.apps, before.table.apps);
        assert_eq!(world.volumes, before.volumes);
        assert_eq!(std::fs::read(sealed_file(&site)).unwrap(), b"hi");
    }
    let status = site.client.app(&app).await.unwrap();
    assert_eq!(status.serving.unwrap().rollout.0, 1, "a repair is no new release");
    let entries = audit(&site, "shop").await;
    let repairs: Vec<_> = entries.iter().filter(|e| e.fact.action == AuditAction::Repair).collect();
    assert_eq!(repairs.len(), 4, "each is written down before and after");
    assert!(repairs[2].fact.message.as_ref().unwrap().contains("made container shop-web-d1-1"));
}

#[tokio::test]
async fn a_repair_starts_again_what_the_engine_has_lost_the_networks_of() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    repairs_what_is_cut_off(&site, ["shop-db-d1-1", "shop-web-d1-1"]).await;
    site.deploy(&shop("2")).await;
    // What an earlier rollout made is not of this plan, and is needed by it.
    repairs_what_is_cut_off(&site, ["shop-db-d1-1", "shop-web-d2-1"]).await;
}

async fn repairs_what_is_cut_off(site: &Site, names: [&str; 2]) {
    let app = shop_name();
    site.platform.set(|knobs| knobs.cut_off = names.map(str::to_owned).to_vec());
    let report = site.client.drift(&app).await.unwrap();
    for what in names.map(|name| format!("container {name}")) {
        assert!(kinds(&report).contains(&(DriftKind::Network, &what)), "{report:?}");
    }
    let request = RepairRequest { by: "ann".to_owned() };
    let repaired = site.client.repair(&app, &request).await.unwrap();
    let again = names.map(|name| format!("started {name} again, for its networks"));
    assert_eq!(repaired.done, again, "each once, and what others need first");
    assert_eq!((repaired.failed, kinds(&repaired.left)), (vec![], vec![]));
}

#[tokio::test]
async fn a_repair_starts_again_what_runs_and_the_engine_takes_for_restarting() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let app = shop_name();
    site.platform.set(|knobs| knobs.mistaken = vec!["shop-web-d1-1".to_owned()]);
    let report = site.client.drift(&app).await.unwrap();
    let told: Vec<_> = report.findings.iter().map(|one| (one.kind, one.mend)).collect();
    assert_eq!(told, [(DriftKind::Restarting, Mend::Repair)]);
    let request = RepairRequest { by: "ann".to_owned() };
    let repaired = site.client.repair(&app, &request).await.unwrap();
    let again = "started shop-web-d1-1 again, which the engine took for ended";
    assert_eq!(repaired.done, [again]);
    assert_eq!((repaired.failed, kinds(&repaired.left)), (vec![], vec![]));
}

#[tokio::test]
async fn a_repair_waits_for_no_rollout_and_starts_no_second_singleton() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let app = shop_name();
    let request = RepairRequest { by: "ann".to_owned() };
    {
        let mut world = site.world.lock();
        let beat = |c: &&mut Container| c.name == "shop-beat-d1-1";
        let container = world.containers.values_mut().find(beat).unwrap();
        container.name = "shop-beat-d0-1".to_owned();
    }
    let repaired = site.client.repair(&app, &request).await.unwrap();
    assert_eq!(repaired.done, Vec::<String>::new());
    assert!(repaired.failed[0].contains("there may be only one"), "{repaired:?}");
    let told = kinds(&repaired.left);
    assert!(told.contains(&(DriftKind::Extra, "container shop-beat-d0-1")), "{told:?}");
    site.edge.set_disk_full(true);
    let of = site.start_deploy(&shop("2")).await;
    site.all_events(&of).await;
    let refused = problem(site.client.repair(&app, &request).await.unwrap_err());
    assert_eq!(refused.code, ProblemCode::Stuck);
}

fn level(checks: &[Check], name: &str) -> Level {
    checks.iter().filter(|check| check.name == name).map(|check| check.level).max().unwrap()
}

#[tokio::test]
async fn the_doctor_looks_at_everything_and_says_what_to_do() {
    // R219
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let checks = site.client.doctor().await.unwrap();
    for well in
        ["engine", "containers", "edge", "store", "rollouts", "subnets", "permissions", "leftovers"]
    {
        let of: Vec<_> = checks.iter().filter(|check| check.name == well).collect();
        assert_eq!(level(&checks, well), Level::Ok, "{of:?}");
    }
    let restore = checks.iter().find(|check| check.name == "live-restore").unwrap();
    assert_eq!(restore.level, Level::Warning);
    assert!(restore.hint.as_ref().unwrap().contains("daemon.json"));
    assert!(checks.iter().any(|check| check.name == "disk"));
    // The fake edge has routes and listens nowhere: just what is to be found.
    assert_eq!(level(&checks, "ports"), Level::Error);

    stuck_after(&site).await;
    let checks = site.client.doctor().await.unwrap();
    assert_eq!(level(&checks, "rollouts"), Level::Error);
    site.client.abandon(&shop_name(), RolloutId::Latest, &wish(false)).await.unwrap();
    let checks = site.client.doctor().await.unwrap();
    let left = checks.iter().find(|check| check.name == "leftovers").unwrap();
    assert_eq!(left.level, Level::Warning);
    assert!(left.details.iter().any(|line| line == "container shop-web-d2-1"), "{left:?}");
    let lost = LostContainer { app: shop_name(), name: "shop-web-d1-1".to_owned() };
    site.platform.set(|knobs| knobs.lost = vec![lost]);
    let checks = site.client.doctor().await.unwrap();
    let lost = checks.iter().find(|check| check.name == "containers").unwrap();
    assert_eq!(lost.level, Level::Error);
    assert_eq!(lost.details, ["shop-web-d1-1 of shop"]);
    assert!(lost.hint.as_ref().unwrap().contains("restart it"));
    site.platform.set(|knobs| knobs.away = true);
    let checks = site.client.doctor().await.unwrap();
    assert_eq!(level(&checks, "engine"), Level::Error);
    assert_eq!(level(&checks, "leftovers"), Level::Warning, "what cannot be checked is not well");
}

async fn stuck_after(site: &Site) {
    site.edge.set_disk_full(true);
    let of = site.start_deploy(&shop("2")).await;
    site.all_events(&of).await;
}
