//! `landfall doctor`: is the host well, and what to do where it is not.

use clap::Args;
use landfall_api::{Check, Level};

use crate::cli::CommonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane::count;
use crate::output::style::{Paint, Tone, harmless};

/// Check the host: engine, edge, store, disk, ports, subnets, clock, leftovers.
///
/// Looks at everything that a deploy needs and at what goes wrong over the months, changes nothing, and
/// says what to do. The exit code is 1 if a check fails, with `--strict` also if one warns.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Warnings count as failures.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

pub(crate) async fn run(args: &DoctorArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let checks = invocation.client().doctor().await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        for check in &checks {
            printer.json(check);
        }
    } else {
        let paint = printer.paint_out();
        let all = printer.is_verbose();
        for check in &checks {
            printer.data_lines(&lines(check, all, paint));
        }
        printer.data("");
        printer.data(&sum(&checks, paint));
    }
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok);
    let fails = if args.strict { Level::Warning } else { Level::Error };
    Ok(if worst >= fails { Exit::NotDone } else { Exit::Done })
}

/// Names are as wide as this.
const NAME_WIDTH: usize = 12;
/// Details of one check that are shown without `-v`.
const DETAILS_SHOWN: usize = 8;

fn lines(check: &Check, all: bool, paint: Paint) -> Vec<String> {
    let (word, tone) = match check.level {
        Level::Ok => ("ok", Tone::Good),
        Level::Note => ("note", Tone::Accent),
        Level::Warning => ("warning", Tone::Busy),
        Level::Error => ("error", Tone::Bad),
    };
    let level = paint.text(tone, format!("{word:7}"));
    let message = harmless(&check.message);
    let mut lines = vec![format!("{level}  {:NAME_WIDTH$}  {message}", check.name)];
    let indent = " ".repeat(9 + NAME_WIDTH + 2);
    let shown = if all { check.details.len() } else { DETAILS_SHOWN };
    lines.extend(check.details.iter().take(shown).map(|d| format!("{indent}{}", harmless(d))));
    if check.details.len() > shown {
        lines.push(format!("{indent}and {} more; `-v` shows all", check.details.len() - shown));
    }
    if let Some(hint) = &check.hint {
        lines.push(format!("{indent}{} {}", paint.text(Tone::Accent, "hint:"), harmless(hint)));
    }
    lines
}

fn sum(checks: &[Check], paint: Paint) -> String {
    let of = |level| checks.iter().filter(|check| check.level == level).count();
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    let text = format!("{}, {}", count(errors, "error"), count(warnings, "warning"));
    let tone = match (errors, warnings) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Busy,
        _ => Tone::Bad,
    };
    format!("{} in {}", paint.text(tone, text), count(checks.len(), "check"))
}
