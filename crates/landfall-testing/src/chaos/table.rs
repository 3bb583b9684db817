//! Results as Markdown: a table a question, and in words what did not hold.

use std::fmt::Write as _;

use super::fault::Requests;
use super::judge::Verdict;
use super::outcome::Outcome;

/// One table of the report.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Its heading.
    pub title: String,
    head: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
    /// What did not hold, with the cell it was seen in.
    pub broken: Vec<String>,
    total: Totals,
}

#[derive(Clone, Debug, Default)]
struct Totals {
    cells: u64,
    succeeded: u64,
    undone: u64,
    requests: u64,
    failed: u64,
    excused: u64,
    retried: u64,
    acknowledged: u64,
    lost: u64,
}

impl Table {
    pub(super) fn new(title: &str, first: &str, columns: &[String]) -> Self {
        let head = std::iter::once(first.to_owned()).chain(columns.iter().cloned()).collect();
        Self { title: title.to_owned(), head, ..Self::default() }
    }

    pub(super) fn row(&mut self, name: &str) {
        self.rows.push((name.to_owned(), Vec::new()));
    }

    /// A place without a fault.
    pub(super) fn skip(&mut self) {
        if let Some((_, cells)) = self.rows.last_mut() {
            cells.push("·".to_owned());
        }
    }

    /// Adds a cell to the last row.
    pub(super) fn cell(&mut self, place: &str, outcome: &Outcome, requests: Requests) {
        let excused = requests == Requests::MayFail;
        let total = &mut self.total;
        total.cells += u64::from(outcome.struck);
        total.succeeded += u64::from(outcome.verdict == Some(Verdict::Succeeded));
        total.undone += u64::from(outcome.verdict == Some(Verdict::Undone));
        total.requests += outcome.requests;
        total.acknowledged += outcome.acknowledged;
        total.lost += outcome.lost;
        total.retried += outcome.retried;
        *(if excused { &mut total.excused } else { &mut total.failed }) += outcome.failed;
        let broken = outcome.broken.iter().map(|what| format!("{place}: {what}"));
        self.broken.extend(broken);
        if outcome.lost > 0 {
            self.broken.push(format!("{place}: {} acknowledged writes are lost", outcome.lost));
        }
        if outcome.failed > 0 && !excused {
            let first = outcome.failures.first().map_or("", String::as_str);
            self.broken.push(format!("{place}: {} requests failed: {first}", outcome.failed));
        }
        if outcome.retried > 0 && requests == Requests::Hold {
            self.broken
                .push(format!("{place}: {} connections ended without an answer", outcome.retried));
        }
        if let Some((_, cells)) = self.rows.last_mut() {
            cells.push(text(outcome));
        }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("#### {}\n\n", self.title);
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text.push_str(&line(&self.head));
        text.push_str(&line(&vec!["---".to_owned(); self.head.len()]));
        for (name, cells) in &self.rows {
            let mut all = vec![name.clone()];
            all.extend(cells.iter().cloned());
            text.push_str(&line(&all));
        }
        let Totals { cells, succeeded, undone, requests, failed, .. } = &self.total;
        let Totals { excused, retried, acknowledged, lost, .. } = &self.total;
        let _ = writeln!(
            text,
            "\n{cells} faults: {succeeded} deploys succeeded, {undone} were undone. {requests} \
             requests, {failed} failed; {excused} more where they may (the engine down with its \
             containers, the network of what serves taken). {retried} were sent again. \
             {acknowledged} acknowledged writes, {lost} lost."
        );
        for broken in &self.broken {
            let one_line: Vec<&str> = broken.split_whitespace().collect();
            let _ = writeln!(text, "\n**Not held:** {}", clip(&one_line.join(" ")));
        }
        text
    }
}

/// Long texts end somewhere, and have no marks that a table or list would take for its own.
fn clip(text: &str) -> String {
    text.chars().take(400).map(|c| if c == '|' { '/' } else { c }).collect()
}

/// `S 0 1.2`: verdict, failed requests, seconds.
pub(super) fn text(outcome: &Outcome) -> String {
    if !outcome.struck && outcome.broken.is_empty() {
        return "·".to_owned();
    }
    let verdict = match outcome.verdict {
        _ if !outcome.broken.is_empty() => "**X**",
        Some(Verdict::Succeeded) if outcome.repaired => "S repaired",
        Some(Verdict::Succeeded) => "S",
        Some(Verdict::Undone) if outcome.refused => "R",
        Some(Verdict::Undone) if outcome.repaired => "U repaired",
        Some(Verdict::Undone) => "U",
        None => "**X**",
    };
    let others = outcome.failed - outcome.unheard.min(outcome.failed);
    let failed = match outcome.unheard {
        0 => others.to_string(),
        unheard => format!("{others}+{unheard}"),
    };
    let lost = if outcome.lost > 0 { format!(" **lost {}**", outcome.lost) } else { String::new() };
    format!("{verdict} {failed} {:.1}{lost}", outcome.seconds)
}
