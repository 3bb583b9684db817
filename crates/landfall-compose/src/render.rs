//! Findings as text for people, with the line they point at and a caret below.
//!
//! What may be secret is shown as `****`, and control characters of a file never reach a terminal.

mod excerpt;

use std::fmt::Write as _;

use landfall_core::diagnostic::{Diagnostic, Location, Severity};

use crate::source::Sources;
use excerpt::excerpt;

/// Renders findings, an empty line between them.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let paint = Paint { color };
    let parts: Vec<String> =
        diagnostics.iter().map(|diagnostic| one(diagnostic, sources, paint)).collect();
    parts.join("\n")
}

fn one(diagnostic: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    let (word, hue) = match diagnostic.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
        Severity::Note => ("note", BLUE),
    };
    let head = paint.bold(hue, &format!("{word}[{}]", diagnostic.code));
    let mut out = format!("{head}: {}\n", safe(&diagnostic.message));
    if let Some(at) = &diagnostic.at {
        place(&mut out, at, '^', hue, sources, paint);
    }
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(out, "{} {}", paint.bold(CYAN, "hint:"), safe(hint));
    }
    for (at, why) in &diagnostic.related {
        let _ = writeln!(out, "{} {}", paint.bold(BLUE, "note:"), safe(why));
        place(&mut out, at, '-', BLUE, sources, paint);
    }
    out
}

/// `--> file:line:column` and the line.
fn place(out: &mut String, at: &Location, mark: char, hue: u8, sources: &Sources, paint: Paint) {
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    let arrow = paint.plain(BLUE, "-->");
    let _ = writeln!(out, "{gutter}{arrow} {}", safe(&at.to_string()));
    let Some(excerpt) = excerpt(at, sources) else { return };
    let bar = paint.plain(BLUE, "|");
    let line = paint.plain(BLUE, &format!("{number} |"));
    let pad = " ".repeat(excerpt.column);
    let marks: String = std::iter::repeat_n(mark, excerpt.width).collect();
    let _ = writeln!(out, "{gutter} {bar}");
    let _ = writeln!(out, "{line} {}", excerpt.text.trim_end());
    let _ = writeln!(out, "{gutter} {bar} {pad}{}", paint.bold(hue, &marks));
}

/// Text without control characters, tabs as single spaces.
fn safe(text: &str) -> String {
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).map(replace_control).collect()
}

fn replace_control(c: char) -> char {
    // Marks that reorder text could make a line look like another one.
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || reorders { '\u{fffd}' } else { c }
}

const RED: u8 = 31;
const YELLOW: u8 = 33;
const BLUE: u8 = 34;
const CYAN: u8 = 36;

#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn plain(self, hue: u8, text: &str) -> String {
        if self.color { format!("\u{1b}[{hue}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, hue: u8, text: &str) -> String {
        if self.color { format!("\u{1b}[1;{hue}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
