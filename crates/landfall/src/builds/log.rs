//! A build's output: its last lines in a live block on a terminal, every line elsewhere, and only
//! those of a failure when quiet.

use std::collections::VecDeque;

use landfall_api::BuildEvent;
use tokio::time::{Duration, Instant};

use crate::output::printer::Printer;
use crate::output::style::{Tone, harmless};

/// Lines of output in the live block.
const BLOCK_LINES: usize = 8;
/// Lines that are kept to be shown when the build fails.
const KEPT_LINES: usize = 60;
/// Pause between two drawings of the block: at most 25 a second.
const FRAME: Duration = Duration::from_millis(40);

/// The output of one build.
pub(super) struct BuildLog<'a> {
    printer: &'a Printer,
    tag: &'a str,
    kept: VecDeque<String>,
    drawn_at: Option<Instant>,
}

impl<'a> BuildLog<'a> {
    pub(super) fn begin(printer: &'a Printer, tag: &'a str) -> Self {
        if !printer.is_live() {
            printer.say(&format!("building {tag}"));
        }
        Self { printer, tag, kept: VecDeque::new(), drawn_at: None }
    }

    /// Something that we say ourselves.
    pub(super) fn note(&mut self, text: &str) {
        if self.printer.is_live() {
            self.output(text);
        } else {
            self.printer.say(&format!("  {text}"));
        }
    }

    /// The event itself, for programs.
    pub(super) fn event(&self, event: &BuildEvent) {
        if self.printer.is_json() {
            self.printer.json(event);
        }
    }

    /// One line of the builder.
    pub(super) fn output(&mut self, line: &str) {
        let line = harmless(line.trim_end());
        if !self.printer.is_live() && !self.printer.is_quiet() {
            self.printer.say(&format!("  {line}"));
            return;
        }
        self.kept.push_back(line);
        if self.kept.len() > KEPT_LINES {
            self.kept.pop_front();
        }
        if self.printer.is_live() && self.drawn_at.is_none_or(|at| at.elapsed() >= FRAME) {
            self.drawn_at = Some(Instant::now());
            self.draw();
        }
    }

    fn draw(&self) {
        let paint = self.printer.paint_err();
        let mut lines = vec![paint.text(Tone::Strong, format!("building {}", self.tag))];
        let surplus = self.kept.len().saturating_sub(BLOCK_LINES);
        let last = self.kept.iter().skip(surplus);
        lines.extend(last.map(|line| paint.text(Tone::Faint, format!("  {line}"))));
        self.printer.draw(&lines);
    }

    pub(super) fn done(self, took: impl std::fmt::Display) {
        self.printer.clear();
        let mark = self.printer.paint_err().text(Tone::Good, "built");
        self.printer.say(&format!("{mark} {} in {took}", self.tag));
    }

    /// Shows what was kept; programs have it from the events.
    pub(super) fn fail(self) {
        self.printer.clear();
        if self.kept.is_empty() || self.printer.is_json() {
            return;
        }
        let paint = self.printer.paint_err();
        self.printer.announce(&format!("last lines of the build of {}:", self.tag));
        let bar = paint.text(Tone::Faint, "  │");
        self.kept.iter().for_each(|line| self.printer.announce(&format!("{bar} {line}")));
    }
}
