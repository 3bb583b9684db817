//! The figures as JSON and as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::config::{Connection, Kind};

/// What a load measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `host:port`.
    pub target: String,
    /// The phases, in order.
    pub phases: Vec<PhaseReport>,
    /// All phases as one.
    pub total: PhaseReport,
    /// The first failures, as many as the configuration keeps.
    pub failures: Vec<Failure>,
    /// The first requests that were sent again, as many as the configuration keeps of failures: when
    /// they began and when they ended, since the start of the load.
    pub retried_ms: Vec<[f64; 2]>,
    /// The check of the acknowledged orders.
    pub writes: WritesReport,
}

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    /// As the caller named it.
    pub name: String,
    /// Since the start of the load.
    pub began_ms: f64,
    /// Since the start of the load; of a phase that runs, now.
    pub ended_ms: f64,
    /// Requests that went out in this phase.
    pub sent: u64,
    /// Of these, answered rightly.
    pub ok: u64,
    /// Of these, not.
    pub failed: u64,
    /// Of these, answered later than the threshold, rightly or not.
    pub slow: u64,
    /// Requests that were due and not sent, since too many were under way.
    pub skipped: u64,
    /// Sent again, since the connection turned out to be closed before any answer.
    pub retried: u64,
    /// Half of the right answers took at most this.
    pub p50_ms: f64,
    /// 99 % of the right answers took at most this.
    pub p99_ms: f64,
    /// The slowest right answer.
    pub max_ms: f64,
    /// The longest time without a right answer.
    pub longest_gap_ms: f64,
    /// Right answers by what `X-Release` said; `-` where it was missing.
    pub by_release: BTreeMap<String, u64>,
    /// Failures by kind.
    pub failed_by_kind: BTreeMap<Kind, u64>,
}

/// One failed request.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// When it failed, since the start of the load.
    pub at_ms: f64,
    /// The phase in which it was sent.
    pub phase: String,
    /// What was asked.
    pub kind: Kind,
    /// What connection it had.
    pub connection: Connection,
    /// What was wrong.
    pub what: String,
}

/// Whether every order that was acknowledged is there (invariant I9).
#[derive(Clone, Debug, Default, Serialize)]
pub struct WritesReport {
    /// Acknowledged by a 201.
    pub acknowledged: u64,
    /// Asked for afterwards and found.
    pub found: u64,
    /// Asked for afterwards and answered by 404.
    pub lost: u64,
    /// Not answered, or not asked in time.
    pub unknown: u64,
    /// The first lost ones.
    pub lost_uuids: Vec<String>,
}

impl Report {
    /// Nothing failed, nothing acknowledged is missing, and something was sent.
    pub fn is_clean(&self) -> bool {
        self.total.failed == 0 && self.total.ok > 0 && self.writes.found == self.writes.acknowledged
    }

    /// The phase of this name; the first, if there are several.
    pub fn phase(&self, name: &str) -> Option<&PhaseReport> {
        self.phases.iter().find(|phase| phase.name == name)
    }

    /// The report as one JSON document.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain figures serialise")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>7} {:>7} {:>6} {:>5} {:>7} {:>7} {:>8} {:>8} {:>8} {:>8}  releases",
            "phase",
            "sent",
            "ok",
            "failed",
            "slow",
            "skipped",
            "retried",
            "p50 ms",
            "p99 ms",
            "max ms",
            "gap ms"
        )?;
        for phase in self.phases.iter().chain([&self.total]) {
            writeln!(f, "{phase}")?;
        }
        let writes = &self.writes;
        write!(
            f,
            "orders: {} acknowledged, {} found, {} lost, {} unknown",
            writes.acknowledged, writes.found, writes.lost, writes.unknown
        )?;
        for failure in &self.failures {
            write!(f, "\n{failure}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PhaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let releases: Vec<String> =
            self.by_release.iter().map(|(release, count)| format!("{release}:{count}")).collect();
        write!(
            f,
            "{:<20} {:>7} {:>7} {:>6} {:>5} {:>7} {:>7} {:>8.1} {:>8.1} {:>8.1} {:>8.1}  {}",
            self.name,
            self.sent,
            self.ok,
            self.failed,
            self.slow,
            self.skipped,
            self.retried,
            self.p50_ms,
            self.p99_ms,
            self.max_ms,
            self.longest_gap_ms,
            releases.join(" ")
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at_ms, phase, kind, connection, what } = self;
        write!(f, "failed at {at_ms:.0} ms, {phase}: {kind:?} on {connection:?}: {what}")
    }
}

/// Milliseconds to three places.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
