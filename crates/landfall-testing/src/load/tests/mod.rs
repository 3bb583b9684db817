//! The load against servers that behave, and that misbehave in every way it must see.

mod server;

use std::time::Duration;

use super::{Kind, Load, LoadConfig, Part, Report};
use crate::load::Connection::{Fresh, KeepAlive};
use server::{Manners, Server};

/// Lets a load run until so many requests have ended.
async fn run_until(config: LoadConfig, ended: u64) -> Report {
    let load = Load::start(config, "only").unwrap();
    wait_for(&load, ended).await;
    load.stop().await
}

async fn wait_for(load: &Load, ended: u64) {
    let count = |load: &Load| load.phases().iter().map(|p| p.ok + p.failed).sum::<u64>();
    while count(load) < ended {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn quick(server: &Server, mix: &[(Kind, super::Connection)]) -> LoadConfig {
    LoadConfig {
        rate_per_s: 400,
        slow_ms: 20,
        upload_bytes: 40_000,
        upload_time: Duration::from_millis(30),
        // These tests share the machine with others: only a hang may be told by time.
        timeout: Duration::from_secs(6),
        stale_within: Duration::from_secs(6),
        mix: mix.iter().map(|(kind, connection)| Part::new(*kind, *connection, 1)).collect(),
        ..LoadConfig::shop(&server.address())
    }
}

#[tokio::test]
async fn a_good_server_gives_a_clean_report() {
    let server = Server::start(Manners::Good).await;
    let config = LoadConfig { mix: LoadConfig::shop("").mix, ..quick(&server, &[]) };
    let report = run_until(config, 300).await;
    assert!(report.is_clean(), "{report}");
    assert!(report.writes.acknowledged >= 20, "{report}");
    assert_eq!(report.total.by_release.keys().collect::<Vec<_>>(), ["v1"]);
    assert_eq!(report.total.sent, report.total.ok);
    assert!(report.to_json().contains("\"acknowledged\""));
}

#[tokio::test]
async fn requests_count_for_the_phase_they_were_sent_in() {
    let server = Server::start(Manners::Good).await;
    let load = Load::start(quick(&server, &[(Kind::Slow, Fresh)]), "before").unwrap();
    wait_for(&load, 20).await;
    load.phase("after");
    wait_for(&load, 60).await;
    let report = load.stop().await;
    assert_eq!(report.phases.len(), 2);
    for phase in &report.phases {
        assert!(phase.ok >= 10 && phase.ok == phase.sent, "{report}");
    }
    assert!(report.phase("after").unwrap().began_ms > 20.0);
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_a_failure() {
    let server = Server::start(Manners::Truncates).await;
    let report =
        run_until(quick(&server, &[(Kind::Page, KeepAlive), (Kind::Page, Fresh)]), 40).await;
    assert!(report.total.failed >= 8 && report.total.ok >= 8, "{report}");
    assert!(report.failures[0].what.contains("truncated body"), "{report}");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn a_reset_before_the_answer_is_a_failure_on_a_fresh_connection() {
    let server = Server::start(Manners::Drops).await;
    let report = run_until(quick(&server, &[(Kind::Page, Fresh), (Kind::Order, Fresh)]), 40).await;
    assert!(report.total.failed >= 8 && report.total.retried == 0, "{report}");
}

#[tokio::test]
async fn a_load_that_repeats_sends_a_get_and_an_order_with_its_key_again_once() {
    let server = Server::start(Manners::Drops).await;
    let parts = [(Kind::Page, Fresh), (Kind::Page, KeepAlive)];
    let repeats = LoadConfig { repeats_max: 1, ..quick(&server, &parts) };
    let report = run_until(repeats, 40).await;
    // Every third is dropped, a repeated one only by chance again.
    assert!(report.total.retried >= 8 && report.total.ok >= 30, "{report}");
    assert_eq!(report.retried_ms.len() as u64, report.total.retried);
    let server = Server::start(Manners::Drops).await;
    let parts = [(Kind::Order, Fresh), (Kind::Order, KeepAlive)];
    let repeats = LoadConfig { repeats_max: 1, ..quick(&server, &parts) };
    let report = run_until(repeats, 40).await;
    assert!(report.total.retried >= 8 && report.total.ok >= 30, "{report}");
    assert_eq!(server.most_often_posted(), 2);
    let upload = quick(&server, &[(Kind::Upload, Fresh)]);
    let report = run_until(LoadConfig { repeats_max: 1, ..upload }, 40).await;
    assert!(report.total.failed >= 8 && report.total.retried == 0, "{report}");
}

#[tokio::test]
async fn a_request_goes_out_again_as_often_as_its_load_says() {
    let server = Server::start(Manners::DropsAll).await;
    let parts = [(Kind::Order, Fresh), (Kind::Order, KeepAlive)];
    let repeats = LoadConfig { repeats_max: 3, ..quick(&server, &parts) };
    let report = run_until(repeats, 40).await;
    assert!(report.total.failed >= 40 && report.total.retried >= 40, "{report}");
    assert_eq!(server.most_often_posted(), 4);
}

#[tokio::test]
async fn a_drop_of_a_slow_request_on_a_kept_connection_is_not_taken_for_a_stale_one() {
    let server = Server::start(Manners::Drops).await;
    let report = run_until(quick(&server, &[(Kind::Slow, KeepAlive)]), 40).await;
    assert!(report.total.failed >= 8 && report.total.retried == 0, "{report}");
}

#[tokio::test]
async fn an_order_is_never_sent_twice() {
    let server = Server::start(Manners::Drops).await;
    let report = run_until(quick(&server, &[(Kind::Order, KeepAlive)]), 40).await;
    assert!(report.total.failed >= 8, "{report}");
    assert_eq!(server.most_often_posted(), 1);
}

#[tokio::test]
async fn a_close_of_idle_connections_is_retried_and_counted() {
    let server = Server::start(Manners::ClosesIdle).await;
    let config = LoadConfig { rate_per_s: 900, ..quick(&server, &[(Kind::Page, KeepAlive)]) };
    let report = run_until(config, 1_500).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_kept_connection_that_ends_at_the_next_request_is_retried_for_a_get_only() {
    let server = Server::start(Manners::ClosesKept).await;
    let report = run_until(quick(&server, &[(Kind::Page, KeepAlive)]), 40).await;
    assert!(report.is_clean() && report.total.retried >= 10, "{report}");
    let report = run_until(quick(&server, &[(Kind::Order, KeepAlive)]), 40).await;
    assert!(report.total.failed >= 10 && report.total.retried == 0, "{report}");
}

#[tokio::test]
async fn server_errors_wrong_bodies_and_silence_are_failures() {
    for (manners, what) in [
        (Manners::Fails, "503"),
        (Manners::Lies, "wrong body"),
        (Manners::Hangs, "no answer within"),
    ] {
        let server = Server::start(manners).await;
        let timeout = Duration::from_millis(800);
        let config = LoadConfig { timeout, ..quick(&server, &[(Kind::Version, KeepAlive)]) };
        let report = run_until(config, 10).await;
        assert!(report.total.failed > 0 && report.total.ok == 0, "{report}");
        assert!(report.failures[0].what.contains(what), "{report}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_failure() {
    let server = Server::start(Manners::Good).await;
    let config = quick(&server, &[(Kind::Page, Fresh)]);
    drop(server);
    let report = run_until(config, 10).await;
    assert_eq!(report.total.ok, 0, "{report}");
    assert!(report.failures[0].what.contains("connect"), "{report}");
}

#[tokio::test]
async fn an_acknowledged_order_that_is_gone_is_lost() {
    let server = Server::start(Manners::Forgets).await;
    let report = run_until(quick(&server, &[(Kind::Order, Fresh)]), 20).await;
    assert_eq!(report.total.failed, 0, "{report}");
    assert!(report.writes.lost > 0 && !report.is_clean(), "{report}");
    assert_eq!(report.writes.lost + report.writes.found, report.writes.acknowledged);
}

#[tokio::test]
async fn what_is_due_above_the_cap_is_skipped_and_told() {
    let server = Server::start(Manners::Hangs).await;
    let config = LoadConfig { in_flight_max: 5, ..quick(&server, &[(Kind::Page, Fresh)]) };
    let report = run_until(config, 5).await;
    assert!(report.total.skipped > 10, "{report}");
}
