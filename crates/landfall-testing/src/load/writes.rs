//! The orders that were acknowledged, and the question afterwards whether each is there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::Instant;

use super::call::{Calls, hyphenated};
use super::client::{Client, Manner};
use super::config::Connection;
use super::report::WritesReport;

/// Uuids named in the report at most.
const LOST_MAX: usize = 20;
/// One question may take this long, and is asked this often.
const ASK_BOUND: Duration = Duration::from_secs(5);
const ASK_TIMES: u32 = 5;
/// Questions at a time.
const ASKERS: usize = 8;

/// 16 bytes an order: a day at a hundred a second is 140 MB.
#[derive(Default)]
pub(super) struct Acknowledged {
    uuids: Mutex<Vec<u128>>,
}

impl Acknowledged {
    pub(super) fn add(&self, uuid: u128) {
        self.uuids.lock().unwrap_or_else(PoisonError::into_inner).push(uuid);
    }

    fn all(&self) -> Vec<u128> {
        self.uuids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Asks for every acknowledged order within the bound. Here a failed question is asked again: what
/// counts is whether the order is there.
pub(super) async fn check(
    client: &Client,
    calls: &Calls,
    acknowledged: &Acknowledged,
    bound: Duration,
) -> WritesReport {
    let end = Instant::now() + bound;
    let uuids = acknowledged.all();
    let next = AtomicUsize::new(0);
    let report = Mutex::new(WritesReport::default());
    let asker = || async {
        while let Some(uuid) = uuids.get(next.fetch_add(1, Ordering::Relaxed)) {
            let status = ask(client, calls, *uuid, end).await;
            note(&mut report.lock().unwrap_or_else(PoisonError::into_inner), *uuid, status);
        }
    };
    join_all((0..ASKERS).map(|_| asker())).await;
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn note(report: &mut WritesReport, uuid: u128, status: Option<StatusCode>) {
    report.acknowledged += 1;
    match status {
        Some(StatusCode::OK) => report.found += 1,
        Some(StatusCode::NOT_FOUND) => {
            report.lost += 1;
            if report.lost_uuids.len() < LOST_MAX {
                report.lost_uuids.push(hyphenated(uuid));
            }
        }
        Some(_) | None => report.unknown += 1,
    }
}

async fn ask(client: &Client, calls: &Calls, uuid: u128, end: Instant) -> Option<StatusCode> {
    let request = calls.order(uuid);
    let manner = Manner {
        connection: Connection::KeepAlive,
        pace: Duration::ZERO,
        may_be_stale: true,
        repeats_max: 0,
    };
    let mut status = None;
    for attempt in 0..ASK_TIMES {
        if Instant::now() >= end {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        let asked = tokio::time::timeout(ASK_BOUND, client.send(&request, manner)).await;
        status = asked.ok().and_then(|(answer, _)| answer.ok()).map(|answer| answer.status);
        if matches!(status, Some(StatusCode::OK | StatusCode::NOT_FOUND)) {
            break;
        }
    }
    status
}
