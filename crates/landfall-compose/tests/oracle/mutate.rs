//! A few thousand broken versions of the cases: whatever stands in a file, loading ends, soon and
//! without a panic. `cargo xtask fuzz` looks further, guided by what the code does.

use std::time::{Duration, Instant};

use landfall_compose::{load, read};

use crate::archive::Case;
use crate::generate::Dice;
use crate::golden;
use crate::stage::Stage;

const ROUNDS: u64 = 2_000;
/// On a busy machine, unoptimised.
const SLOWEST: Duration = Duration::from_secs(5);

/// What breaks files more often than chance would.
const PIECES: [&str; 28] = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "!reset ",
    "!override ",
    "!!int ",
    "\"",
    "'",
    "|\n",
    "${",
    "${A:-",
    "}",
    "$",
    "~",
    "0x",
    "-1",
    "99999999999999999999",
    "\u{0}",
    "\u{feff}",
    "\t",
    "---\n",
    "1e999",
];

#[test]
fn broken_files_end_in_answers() {
    let cases: Vec<Case> = golden::cases();
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let mut case = dice.pick(&cases).clone();
        let names: Vec<String> = case.files.keys().cloned().collect();
        let Some(name) = (!names.is_empty()).then(|| dice.pick(&names)) else { continue };
        let mut text = case.files[name].clone();
        for _ in 0..=dice.below(4) {
            let other = dice.pick(&cases).files.values().next().cloned().unwrap_or_default();
            text = broken(&text, &other, &mut dice);
        }
        case.files.insert(name.clone(), text);
        let stage = Stage::new(&case);
        let began = Instant::now();
        let outcome = std::panic::catch_unwind(|| {
            drop(load(&stage.options()));
            read(&stage.options()).map(|model| model.config().to_string().len()).is_ok()
        });
        assert!(outcome.is_ok(), "a panic at seed {seed}\n{}", case.to_text());
        assert!(began.elapsed() < SLOWEST, "slow at seed {seed}\n{}", case.to_text());
    }
}

/// One change: something goes, comes, is doubled, or stands elsewhere.
fn broken(text: &str, other: &str, dice: &mut Dice) -> String {
    let (one, two) = (place(text, dice), place(text, dice));
    let (start, end) = (one.min(two), one.max(two));
    match dice.below(6) {
        0 => format!("{}{}", &text[..start], &text[end..]),
        1 | 2 => format!("{}{}{}", &text[..start], dice.pick(&PIECES), &text[start..]),
        3 => format!("{}{}{}", &text[..end], &text[start..end], &text[end..]),
        4 => format!("{}{}{}", &text[..start], dice.pick(&PIECES), &text[end..]),
        _ => {
            let lines: Vec<&str> = other.lines().collect();
            let line = if lines.is_empty() { "" } else { *dice.pick(&lines) };
            let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
            format!("{}{line}\n{}", &text[..start], &text[start..])
        }
    }
}

/// A place between two characters.
fn place(text: &str, dice: &mut Dice) -> usize {
    let mut at = dice.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
