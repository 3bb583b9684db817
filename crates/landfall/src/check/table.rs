//! What becomes of each key, as a table: keys of the same fate stand in one row, whatever service
//! they are of, and long explanations go on in the next line.

use std::collections::BTreeSet;

use landfall_compose::{Fidelity, Owner, Verdict};

use crate::output::style::{Paint, Tone, harmless, width};
use crate::output::wrap::wrap;

/// Names of owners that one row shows.
const OWNERS_MAX: usize = 5;
/// The column of keys is not wider than this.
const KEY_MAX: usize = 28;

struct Line<'a> {
    key: String,
    owners: Vec<String>,
    text: &'a str,
}

pub(super) fn lines(rows: &[&Fidelity], columns: usize, paint: Paint) -> Vec<String> {
    let mut out = Vec::new();
    let services: BTreeSet<&Owner> =
        rows.iter().map(|row| &row.owner).filter(|o| matches!(o, Owner::Service(_))).collect();
    for verdict in
        [Verdict::Refused, Verdict::Ignored, Verdict::HonouredDifferently, Verdict::Honoured]
    {
        let lines = grouped(rows, verdict);
        if lines.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(String::new());
        }
        out.push(paint.text(tone(verdict), heading(verdict)));
        out.extend(section(&lines, services.len(), columns, paint));
    }
    out
}

fn heading(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Refused => "not honoured, and refused by a deploy:",
        Verdict::Ignored => "not honoured:",
        Verdict::HonouredDifferently => "honoured differently:",
        Verdict::Honoured => "honoured as Compose does:",
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Refused => Tone::Bad,
        Verdict::Ignored | Verdict::HonouredDifferently => Tone::Busy,
        Verdict::Honoured => Tone::Good,
    }
}

fn grouped<'a>(rows: &[&'a Fidelity], verdict: Verdict) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for row in rows.iter().filter(|row| row.verdict == verdict) {
        let text = row.explanation.unwrap_or(row.meaning);
        let (key, owner) = named(row);
        match lines.iter_mut().find(|line| line.key == key && line.text == text) {
            Some(line) if !line.owners.contains(&owner) => line.owners.push(owner),
            Some(_) => {}
            None => lines.push(Line { key, owners: vec![owner], text }),
        }
    }
    lines
}

/// `ports` of `web`; keys elsewhere say where: `networks.driver` of `back`.
fn named(row: &Fidelity) -> (String, String) {
    let (section, name) = match &row.owner {
        Owner::App => ("", ""),
        Owner::Service(name) => ("", name.as_str()),
        Owner::Network(name) => ("networks.", name.as_str()),
        Owner::Volume(name) => ("volumes.", name.as_str()),
        Owner::Config(name) => ("configs.", name.as_str()),
        Owner::Secret(name) => ("secrets.", name.as_str()),
        Owner::Model(name) => ("models.", name.as_str()),
    };
    (harmless(&format!("{section}{}", row.key)), harmless(name))
}

fn section(lines: &[Line<'_>], services: usize, columns: usize, paint: Paint) -> Vec<String> {
    let widest = lines.iter().map(|line| width(&line.key)).max().unwrap_or(0).min(KEY_MAX);
    let lead = widest + 4;
    let room = columns.saturating_sub(lead).max(30);
    let mut out = Vec::new();
    for line in lines {
        let text = match owners(&line.owners, services) {
            Some(owners) => format!("{} ({owners})", line.text),
            None => line.text.to_owned(),
        };
        let gap = " ".repeat(lead.saturating_sub(2 + width(&line.key)));
        let key = paint.text(Tone::Strong, &line.key);
        let mut rest = wrap(&text, room).into_iter();
        if gap.len() < 2 {
            // A key that does not fit has the line for itself.
            out.push(format!("  {key}"));
        } else if let Some(first) = rest.next() {
            out.push(format!("  {key}{gap}{first}"));
        }
        out.extend(rest.map(|text| format!("{}{text}", " ".repeat(lead))));
    }
    out
}

/// Whose key it is; nobody's when it is the app's.
fn owners(names: &[String], services: usize) -> Option<String> {
    let named: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    if named.is_empty() {
        return None;
    }
    if named.len() == services && services > 1 {
        return Some("all services".to_owned());
    }
    let shown = named[..named.len().min(OWNERS_MAX)].join(", ");
    match named.len().saturating_sub(OWNERS_MAX) {
        0 => Some(shown),
        more => Some(format!("{shown} and {more} more")),
    }
}
