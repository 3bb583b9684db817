//! The report for people: findings with their lines, the table of keys, and one line that sums up.

use landfall_compose::{Verdict, render};
use landfall_core::diagnostic::{Diagnostic, Location, Severity};

use super::{Counts, Report, table};
use crate::output::humane::count;
use crate::output::style::{Paint, Tone, harmless};

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show {
    /// Keys that are honoured as Compose does, too.
    pub(crate) all_keys: bool,
    /// Only findings and the last line.
    pub(crate) brief: bool,
    /// Each finding and each place with its line of the file.
    pub(crate) each: bool,
    pub(crate) columns: usize,
}

/// Further places that one finding names.
const ALSO_MAX: usize = 5;

pub(crate) fn lines(report: &Report, show: Show, paint: Paint) -> Vec<String> {
    let mut out = Vec::new();
    for group in groups(report.all(), show.each) {
        out.extend(shown(&group, report, show.each, paint));
        out.push(String::new());
    }
    if !show.brief {
        let wanted = |verdict: Verdict| verdict != Verdict::Honoured || show.all_keys;
        let rows: Vec<_> = report.fidelity.iter().filter(|row| wanted(row.verdict)).collect();
        if !rows.is_empty() {
            out.extend(table::lines(&rows, show.columns, paint));
            out.push(String::new());
        }
    }
    out.push(summary(report, paint));
    out
}

/// Findings that are mended in the same way stand together.
fn groups(all: Vec<Diagnostic>, each: bool) -> Vec<Vec<Diagnostic>> {
    let mut groups: Vec<Vec<Diagnostic>> = Vec::new();
    for one in all {
        let same = |group: &&mut Vec<Diagnostic>| {
            let first = &group[0];
            first.code == one.code && first.severity == one.severity && first.hint == one.hint
        };
        // Errors of the files are few, and each has its own cause.
        let alone = each || one.severity == Severity::Error || one.hint.is_none();
        match groups.iter_mut().filter(|_| !alone).find(same) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// The first one with its line of the file, the others and its related places in a line each.
fn shown(group: &[Diagnostic], report: &Report, each: bool, paint: Paint) -> Vec<String> {
    let Some((first, others)) = group.split_first() else { return Vec::new() };
    let mut first = first.clone();
    // A place that explains an error is worth its line of the file.
    let brief = !each && first.severity != Severity::Error;
    let related = if brief { std::mem::take(&mut first.related) } else { Vec::new() };
    let text = render(std::slice::from_ref(&first), &report.sources, paint.0);
    let mut out: Vec<String> = text.lines().map(str::to_owned).collect();
    let also = related.iter().map(|(at, why)| ("note:", Some(at), why.as_str()));
    let others = others.iter().map(|other| ("also:", other.at.as_ref(), other.message.as_str()));
    let also: Vec<(&str, Option<&Location>, &str)> = also.chain(others).collect();
    for (word, at, why) in also.iter().take(ALSO_MAX) {
        let at = at.map(|at| format!(" ({at})")).unwrap_or_default();
        let word = paint.text(Tone::Accent, word);
        out.push(format!("{word} {}", harmless(&format!("{why}{at}"))));
    }
    if let more @ 1.. = also.len().saturating_sub(ALSO_MAX) {
        out.push(format!("{} {more} more; `-v` shows all", paint.text(Tone::Accent, "also:")));
    }
    out
}

fn summary(report: &Report, paint: Paint) -> String {
    let counts = report.counts();
    let name = paint.text(Tone::Strong, report.app.as_deref().unwrap_or_default());
    let parts = [
        (counts.errors, "error", Tone::Bad),
        (counts.warnings, "warning", Tone::Busy),
        (counts.notes, "note", Tone::Accent),
    ];
    let parts = parts.iter().filter(|(number, ..)| *number > 0);
    let parts: Vec<String> =
        parts.map(|(number, what, tone)| paint.text(*tone, count(*number, what))).collect();
    let found = match &parts[..] {
        [] => paint.text(Tone::Good, "nothing found"),
        parts => parts.join(", "),
    };
    let Counts { not_honoured, honoured_differently, .. } = counts;
    if report.app.is_none() {
        return format!("the compose files cannot be read: {found}");
    }
    let keys = match (not_honoured, honoured_differently) {
        (0, 0) => "every key is honoured as Compose does".to_owned(),
        (0, other) => format!("{} honoured differently", count(other, "key")),
        (none, 0) => format!("{} not honoured", count(none, "key")),
        (none, other) => format!("{} not honoured, {other} differently", count(none, "key")),
    };
    format!("{name}: {found}; {keys}")
}
