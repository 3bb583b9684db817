//! What the random run did, what came of it, and its report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::RandomOptions;
use crate::load::{Load, Report};

/// Its containers come back up to this much later.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// A request sent again this close to the edge's absence is put down to it.
const NEAR: Duration = Duration::from_millis(300);
/// So many failed requests are told one by one.
const FAILURES_TOLD_MAX: usize = 20;
/// Characters of what broke.
const BROKEN_MAX: usize = 500;

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) began: Instant,
    pub(super) wishes: BTreeMap<&'static str, u64>,
    pub(super) verdicts: BTreeMap<&'static str, u64>,
    pub(super) hits: BTreeMap<String, u64>,
    pub(super) edge_away: Vec<(Instant, Instant)>,
    /// How often `repair` had something to do: of what a hand took, or of what an engine left half done.
    pub(super) repaired: u64,
    /// How often an ordinary deploy removed what came back with an engine that had lost its way.
    pub(super) swept: u64,
    /// Empty networks of releases that the engine would not let go at once.
    pub(super) kept: usize,
    /// When the engine had lost its way, until an operator had restarted it or what it left half done.
    pub(super) engine_lost: Vec<(Instant, Instant)>,
    /// The most after a rollout, of agent and edge.
    pub(super) memory_kib: (u64, u64),
    pub(super) broken: Vec<String>,
}

/// What the load saw, and who is to blame.
struct Requests {
    failed: u64,
    /// Failed while the engine had lost its way.
    excused: u64,
    lost: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            wishes: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            hits: BTreeMap::new(),
            edge_away: Vec::new(),
            repaired: 0,
            swept: 0,
            kept: 0,
            engine_lost: Vec::new(),
            memory_kib: (0, 0),
            broken: Vec::new(),
        }
    }

    pub(super) fn progress(&self, load: &Load) -> String {
        let phases = load.phases();
        let (sent, failed) = phases.last().map_or((0, 0), |phase| (phase.sent, phase.failed));
        let rollouts: u64 = self.wishes.values().sum();
        let faults: u64 = self.hits.values().sum();
        format!(
            "{} min: {rollouts} rollouts, {faults} faults, {sent} requests, {failed} failed, {} not held",
            self.began.elapsed().as_secs() / 60,
            self.broken.len()
        )
    }

    /// Adds what the load found broken, and tells all of it.
    pub(super) fn report(&mut self, engine: &str, options: RandomOptions, load: &Report) -> String {
        let requests = self.judge(load);
        let mut text = self.figures(engine, options, load, &requests);
        for broken in &self.broken {
            let words: Vec<&str> = broken.split_whitespace().collect();
            let line: String = words.join(" ").chars().take(BROKEN_MAX).collect();
            let _ = writeln!(text, "\n**Not held:** {line}");
        }
        text
    }

    fn judge(&mut self, load: &Report) -> Requests {
        let at = |ms: f64| self.began + Duration::from_secs_f64(ms.max(0.0) / 1000.0);
        let is_excused = |at_ms| {
            let at = at(at_ms);
            self.engine_lost.iter().any(|(from, to)| (*from..=*to + AFTERWARDS).contains(&at))
        };
        let (excused, unexcused): (Vec<_>, Vec<_>) =
            load.failures.iter().partition(|failure| is_excused(failure.at_ms));
        let mut broken: Vec<String> = Vec::new();
        let told = unexcused.iter().take(FAILURES_TOLD_MAX);
        broken.extend(told.map(|failure| format!("a request failed: {failure}")));
        let excused = excused.len() as u64;
        let failed = load.total.failed + load.total.skipped - excused;
        if failed > 0 && unexcused.is_empty() {
            broken.push(format!("{failed} requests failed or were never sent"));
        }
        // A request that went out again was under way when the edge was killed, and only then.
        let is_edges = |[from, to]: &&[f64; 2]| {
            let (first, last) = (at(*from), at(*to));
            self.edge_away.iter().any(|(from, to)| last + NEAR >= *from && first <= *to + NEAR)
        };
        let unexplained = load.retried_ms.iter().filter(|one| !is_edges(one)).count();
        if unexplained > 0 {
            broken.push(format!("{unexplained} connections ended without an answer"));
        }
        let lost = load.writes.acknowledged - load.writes.found;
        if lost > 0 {
            broken.push(format!("{lost} acknowledged writes are missing"));
        }
        self.broken.extend(broken);
        Requests { failed, excused, lost }
    }

    fn figures(
        &self,
        engine: &str,
        options: RandomOptions,
        load: &Report,
        requests: &Requests,
    ) -> String {
        let rollouts: u64 = self.wishes.values().sum();
        format!(
            "#### Random run\n\n{} minutes from seed {} on {engine}, live-restore on.\n\n\
             - {rollouts} rollouts asked for: {}; of these {}.\n\
             - {} faults: {}; `repair` had something to do {} times, an engine had lost its \
             way {} times, what came back with it was removed by the next deploy {} times, and \
             the engine kept the empty network of a release for a while {} times.\n\
             - {} requests, {} failed, {} more while the engine had lost its way; \
             {} were sent again when the edge was killed ({} times).\n\
             - {} acknowledged writes, {} lost.\n\
             - Most memory after a rollout: agent {} KiB, edge {} KiB.\n\
             - Broken invariants: {}.\n",
            options.minutes,
            options.seed,
            list(&self.wishes),
            list(&self.verdicts),
            self.hits.values().sum::<u64>(),
            list(&self.hits),
            self.repaired,
            self.engine_lost.len(),
            self.swept,
            self.kept,
            load.total.sent,
            requests.failed,
            requests.excused,
            load.total.retried,
            self.edge_away.len(),
            load.writes.acknowledged,
            requests.lost,
            self.memory_kib.0,
            self.memory_kib.1,
            self.broken.len()
        )
    }
}

fn list(counts: &BTreeMap<impl std::fmt::Display, u64>) -> String {
    counts.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}
