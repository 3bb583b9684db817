//! How a cell went, and whether the client was told the truth.

use super::judge::Verdict;
use crate::host::Deploy;
use crate::load::Report;

/// How a cell went.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Whether the fault found something to strike.
    pub(super) struck: bool,
    /// Which release served afterwards; `None` when it did not become well.
    pub(super) verdict: Option<Verdict>,
    /// The deploy was refused before anything was changed.
    pub(super) refused: bool,
    /// Something of what serves was taken away, and an operator's `repair` brought it back.
    pub(super) repaired: bool,
    /// From the fault until all was well.
    pub(super) seconds: f64,
    pub(super) requests: u64,
    pub(super) failed: u64,
    /// Of these, refused because nobody listened.
    pub(super) unheard: u64,
    /// Reads that went out again, since their connection ended before an answer.
    pub(super) retried: u64,
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    /// The longest time without an answer.
    pub(super) gap_ms: f64,
    /// What did not hold.
    pub(super) broken: Vec<String>,
    /// The first failures, in words.
    pub(super) failures: Vec<String>,
}

impl Outcome {
    /// What a client said must be what is true.
    pub(super) fn compare(&mut self, deploy: &Deploy) {
        let Some(verdict) = self.verdict else { return };
        self.refused = deploy.exit_code == 1;
        let fits = match (deploy.exit_code, verdict) {
            (0, Verdict::Succeeded) | (1 | 3, Verdict::Undone) => true,
            (0 | 3, _) => false,
            // It lost the agent, or was refused: it must not claim an end.
            _ => true,
        };
        if !fits {
            let said = deploy.exit_code;
            self.broken.push(format!("the client said {said} and {verdict:?} is true"));
        }
    }

    /// Takes a load's figures.
    pub(super) fn count(&mut self, report: &Report) {
        self.requests = report.total.sent;
        self.failed = report.total.failed + report.total.skipped;
        let unheard = report.failures.iter().filter(|failure| failure.what.contains("connect:"));
        self.unheard = unheard.count() as u64;
        self.retried = report.total.retried;
        self.acknowledged = report.writes.acknowledged;
        self.lost = report.writes.acknowledged - report.writes.found;
        self.gap_ms = report.total.longest_gap_ms;
        self.failures = report.failures.iter().take(8).map(ToString::to_string).collect();
    }
}
