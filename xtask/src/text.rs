//! Figures in words, and the list of what did not hold.

use landfall_testing::host::{Deploy, StepTime};
use landfall_testing::load::PhaseReport;

/// Steps that took less are told as one.
const WORTH_TELLING_MS: u64 = 100;

/// Columns of a line, and of the label that it begins with.
const COLUMNS: usize = 100;
const LABEL: usize = 12;

/// What did not hold.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) broken: Vec<String>,
}

impl Checks {
    /// Notes it unless it holds.
    pub(crate) fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }
}

/// `0.26 s`, `12 s`, or `3 ms`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..100 => format!("{ms} ms"),
        100..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} s", (ms + 500) / 1000),
    }
}

/// KiB as MiB with one decimal.
pub(crate) fn mib(kib: u64) -> String {
    let tenths = (kib * 10 + 512) / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// A labelled text, broken between words so that it fits a terminal.
pub(crate) fn block(label: &str, text: &str) -> String {
    let mut block = format!("{label:LABEL$}");
    let mut column = LABEL;
    for (index, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > COLUMNS {
            block.push('\n');
            block.push_str(&" ".repeat(LABEL));
            column = LABEL;
        } else if index > 0 {
            block.push(' ');
            column += 1;
        }
        block.push_str(word);
        column += width;
    }
    block
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The steps of a rollout with their times; short ones and all undos are summed up.
pub(crate) fn steps(deploy: &Deploy) -> String {
    let mut texts = Vec::new();
    let (mut short, mut short_ms, mut undo_ms) = (0, 0, 0);
    for step in deploy.steps() {
        if step.action != "do" {
            undo_ms += step.ms;
        } else if step.ms >= WORTH_TELLING_MS || step.name == "cutover" {
            texts.push(format!("{} {}", label(&step), duration(step.ms)));
        } else {
            short += 1;
            short_ms += step.ms;
        }
    }
    if short > 0 {
        texts.push(format!("{short} more {}", duration(short_ms)));
    }
    if undo_ms > 0 {
        texts.push(format!("undo {}", duration(undo_ms)));
    }
    texts.join(" · ")
}

/// What a step is known by: the services it is about, or its name.
fn label(step: &StepTime) -> &str {
    let about_services =
        ["start stateful", "run one-off", "start replicas", "hand over"].contains(&&*step.name);
    if about_services { &step.subject } else { &step.name }
}

/// The figures of a phase in one line.
pub(crate) fn requests(phase: &PhaseReport) -> String {
    let releases: Vec<String> = phase
        .by_release
        .iter()
        .map(|(release, count)| format!("{release} {}", thousands(*count)))
        .collect();
    format!(
        "{} sent, {} failed, {} slow, p50 {:.0} ms, p99 {:.0} ms, longest gap {:.0} ms; answered by {}",
        thousands(phase.sent),
        phase.failed,
        phase.slow,
        phase.p50_ms,
        phase.p99_ms,
        phase.longest_gap_ms,
        releases.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(duration(3), "3 ms");
        assert_eq!(duration(264), "0.2 s");
        assert_eq!(duration(64_450), "64 s");
        assert_eq!(mib(10 * 1024 + 512), "10.5 MiB");
        assert_eq!(thousands(1_234_567), "1 234 567");
        assert_eq!(thousands(12), "12");
    }

    #[test]
    fn a_block_is_broken_between_words() {
        let text = "word ".repeat(40);
        let block = block("label", text.trim());
        assert!(block.lines().all(|line| line.len() <= COLUMNS), "{block}");
        assert!(block.starts_with("label       word word"), "{block}");
        assert_eq!(block.split_whitespace().count(), 41);
    }
}
