//! The result, as JSON and as tables for the README.

use serde::Serialize;

use super::change::{Noticed, Round};
use super::loading::Loading;
use crate::text::{mib, thousands};

/// A deploy may take this much longer than the engine's own floor.
pub(super) const ALLOWED_MS: f64 = 500.0;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Results {
    pub(super) engine: String,
    pub(super) compose: Option<String>,
    pub(super) cores: usize,
    /// Of the last minute, when the rounds began: other work falsifies figures.
    pub(super) load_average: String,
    pub(super) rounds: Vec<Round>,
    pub(super) floor: Figure,
    pub(super) landfall: Figure,
    pub(super) agent: Figure,
    pub(super) compose_up: Option<Figure>,
    /// The command's median is at most the floor's plus [`ALLOWED_MS`].
    pub(super) within_goal: bool,
    pub(super) under_load: Noticed,
    pub(super) compose_under_load: Option<Noticed>,
    pub(super) idle: Idle,
    /// The edge beside nginx, as a table.
    pub(super) edge: Option<String>,
    /// Reading compose files.
    pub(super) loading: Option<Loading>,
}

/// A figure over all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "a number carries its unit")]
pub(super) struct Figure {
    pub(super) median_ms: f64,
    pub(super) min_ms: f64,
    pub(super) max_ms: f64,
}

impl Figure {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        Self {
            median_ms: at(values.len() / 2),
            min_ms: at(0),
            max_ms: at(values.len().saturating_sub(1)),
        }
    }

    pub(super) fn cells(&self) -> String {
        format!("{:.0} ms | {:.0} ms | {:.0} ms", self.median_ms, self.min_ms, self.max_ms)
    }
}

/// What it costs while nothing happens.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Idle {
    pub(super) agent_rss_kib: u64,
    pub(super) edge_rss_kib: u64,
    pub(super) binary_bytes: u64,
}

impl Results {
    /// Tables in Markdown, and the verdict.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![
            "| changing a trivial web service | median | fastest | slowest |".to_owned(),
            "|---|---|---|---|".to_owned(),
            format!(
                "| the engine alone: create, start, first answer, stop, remove | {} |",
                self.floor.cells()
            ),
            format!("| `landfall deploy`, as the agent counts | {} |", self.agent.cells()),
            format!("| `landfall deploy`, the whole command | {} |", self.landfall.cells()),
        ];
        if let (Some(figure), Some(version)) = (&self.compose_up, &self.compose) {
            lines.push(format!("| `docker compose up -d --wait` {version} | {} |", figure.cells()));
        }
        lines.push(String::new());
        lines.extend(self.load_lines());
        lines.push(String::new());
        lines.push("| at rest | |".to_owned());
        lines.push("|---|---|".to_owned());
        let Idle { agent_rss_kib, edge_rss_kib, binary_bytes } = self.idle;
        lines.push(format!("| memory of the agent | {} |", mib(agent_rss_kib)));
        lines.push(format!("| memory of the edge | {} |", mib(edge_rss_kib)));
        lines.push(format!("| the binary | {} |", mib(binary_bytes / 1024)));
        if let Some(edge) = &self.edge {
            lines.push(String::new());
            lines.push(edge.trim_end().to_owned());
        }
        if let Some(loading) = &self.loading {
            lines.push(String::new());
            lines.push(loading.text());
        }
        lines.push(String::new());
        lines.push(self.verdict());
        lines.join("\n")
    }

    fn load_lines(&self) -> Vec<String> {
        let row = |name: &str, noticed: &Noticed| {
            format!(
                "| {name} | {} | {} | {} | {:.0} ms |",
                noticed.changes,
                thousands(noticed.sent),
                noticed.failed,
                noticed.longest_gap_ms
            )
        };
        let mut lines = vec![
            "| the same under 200 requests a second | changes | requests | failed | longest gap |"
                .to_owned(),
            "|---|---|---|---|---|".to_owned(),
            row("`landfall deploy`", &self.under_load),
        ];
        let compose = self.compose_under_load.iter();
        lines.extend(compose.map(|noticed| row("`docker compose up -d --wait`", noticed)));
        lines
    }

    fn verdict(&self) -> String {
        let above = self.landfall.median_ms - self.floor.median_ms;
        let verdict = if self.within_goal { "within" } else { "ABOVE" };
        format!(
            "landfall takes {above:.0} ms more than the engine itself, {verdict} the goal of \
             {ALLOWED_MS:.0} ms (medians of {} rounds, Docker Engine {}, {} cores, load average \
             {} at the start).",
            self.rounds.len(),
            self.engine,
            self.cores,
            self.load_average
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_middle_and_both_ends() {
        let figure = Figure::of([3.0, 1.0, 2.0].into_iter());
        assert_eq!(figure.cells(), "2 ms | 1 ms | 3 ms");
    }
}
