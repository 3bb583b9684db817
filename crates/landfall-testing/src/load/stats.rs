//! Counting, by phase. A request counts where it was sent, however late its answer comes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::config::{Connection, Kind};
use super::histogram::Histogram;
use super::report::{Failure, PhaseReport, millis};

/// A phase, as an index.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseId(usize);

/// How one request ended.
pub(super) struct Outcome {
    pub(super) kind: Kind,
    pub(super) connection: Connection,
    pub(super) latency: Duration,
    /// Sent again on a new connection, after the kept one turned out to be closed.
    pub(super) retried: bool,
    /// The release that answered, or what was wrong.
    pub(super) result: Result<Option<String>, String>,
}

/// All figures of a load.
pub(super) struct Stats {
    started: Instant,
    phases: Vec<Phase>,
    failures: Vec<Failure>,
    retried_ms: Vec<[f64; 2]>,
    failures_max: usize,
    slow_above: Duration,
}

struct Phase {
    name: String,
    began: Instant,
    ended: Option<Instant>,
    sent: u64,
    ok: u64,
    failed: u64,
    slow: u64,
    skipped: u64,
    retried: u64,
    latencies: Histogram,
    by_release: BTreeMap<String, u64>,
    failed_by_kind: BTreeMap<Kind, u64>,
    last_ok: Instant,
    longest_gap: Duration,
}

impl Phase {
    fn new(name: &str, now: Instant) -> Self {
        Self {
            name: name.to_owned(),
            began: now,
            ended: None,
            sent: 0,
            ok: 0,
            failed: 0,
            slow: 0,
            skipped: 0,
            retried: 0,
            latencies: Histogram::new(),
            by_release: BTreeMap::new(),
            failed_by_kind: BTreeMap::new(),
            last_ok: now,
            longest_gap: Duration::ZERO,
        }
    }

    fn report(&self, started: Instant, now: Instant) -> PhaseReport {
        PhaseReport {
            name: self.name.clone(),
            began_ms: millis(self.began - started),
            ended_ms: millis(self.ended.unwrap_or(now) - started),
            sent: self.sent,
            ok: self.ok,
            failed: self.failed,
            slow: self.slow,
            skipped: self.skipped,
            retried: self.retried,
            p50_ms: millis(self.latencies.percentile(50)),
            p99_ms: millis(self.latencies.percentile(99)),
            max_ms: millis(self.latencies.max()),
            longest_gap_ms: millis(self.longest_gap),
            by_release: self.by_release.clone(),
            failed_by_kind: self.failed_by_kind.clone(),
        }
    }
}

impl Stats {
    pub(super) fn new(phase: &str, now: Instant, failures_max: usize) -> Self {
        Self {
            started: now,
            phases: vec![Phase::new(phase, now)],
            failures: Vec::new(),
            retried_ms: Vec::new(),
            failures_max,
            slow_above: Duration::MAX,
        }
    }

    pub(super) fn set_slow_above(&mut self, slow_above: Duration) {
        self.slow_above = slow_above;
    }

    pub(super) fn begin_phase(&mut self, name: &str, now: Instant) {
        self.end_phase(now);
        self.phases.push(Phase::new(name, now));
    }

    pub(super) fn end_phase(&mut self, now: Instant) {
        let phase = self.current();
        let gap = now.duration_since(phase.last_ok);
        phase.longest_gap = phase.longest_gap.max(gap);
        phase.ended = Some(now);
    }

    /// A request goes out: the phase it will count for.
    pub(super) fn sent(&mut self) -> PhaseId {
        self.current().sent += 1;
        PhaseId(self.phases.len() - 1)
    }

    /// A request did not go out, since too many were under way.
    pub(super) fn skipped(&mut self) {
        self.current().skipped += 1;
    }

    pub(super) fn ended(&mut self, PhaseId(index): PhaseId, outcome: Outcome, now: Instant) {
        let at_ms = millis(now - self.started);
        let slow = outcome.latency > self.slow_above;
        let answered = outcome.result.is_ok();
        let phase = &mut self.phases[index];
        phase.slow += u64::from(slow);
        phase.retried += u64::from(outcome.retried);
        if outcome.retried && self.retried_ms.len() < self.failures_max {
            self.retried_ms.push([at_ms - millis(outcome.latency), at_ms]);
        }
        match outcome.result {
            Ok(release) => {
                phase.ok += 1;
                phase.latencies.add(outcome.latency);
                *phase.by_release.entry(release.unwrap_or_else(|| "-".to_owned())).or_default() +=
                    1;
            }
            Err(what) => {
                phase.failed += 1;
                *phase.failed_by_kind.entry(outcome.kind).or_default() += 1;
                if self.failures.len() < self.failures_max {
                    self.failures.push(Failure {
                        at_ms,
                        phase: phase.name.clone(),
                        kind: outcome.kind,
                        connection: outcome.connection,
                        what,
                    });
                }
            }
        }
        if answered {
            self.served(now);
        }
    }

    /// An answer came: it closes a gap in the phase that runs now.
    fn served(&mut self, now: Instant) {
        let phase = self.current();
        let gap = now.saturating_duration_since(phase.last_ok);
        phase.longest_gap = phase.longest_gap.max(gap);
        phase.last_ok = phase.last_ok.max(now);
    }

    pub(super) fn phases(&self, now: Instant) -> Vec<PhaseReport> {
        self.phases.iter().map(|phase| phase.report(self.started, now)).collect()
    }

    /// All phases as one.
    pub(super) fn total(&self, now: Instant) -> PhaseReport {
        let mut total = Phase::new("total", self.started);
        for phase in &self.phases {
            total.sent += phase.sent;
            total.ok += phase.ok;
            total.failed += phase.failed;
            total.slow += phase.slow;
            total.skipped += phase.skipped;
            total.retried += phase.retried;
            total.longest_gap = total.longest_gap.max(phase.longest_gap);
            total.latencies.merge(&phase.latencies);
            for (release, count) in &phase.by_release {
                *total.by_release.entry(release.clone()).or_default() += count;
            }
            for (kind, count) in &phase.failed_by_kind {
                *total.failed_by_kind.entry(*kind).or_default() += count;
            }
        }
        total.ended = self.phases.last().and_then(|phase| phase.ended);
        total.report(self.started, now)
    }

    pub(super) fn take_failures(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.failures)
    }

    pub(super) fn take_retried_ms(&mut self) -> Vec<[f64; 2]> {
        std::mem::take(&mut self.retried_ms)
    }

    fn current(&mut self) -> &mut Phase {
        self.phases.last_mut().expect("there is a phase from the start")
    }
}
