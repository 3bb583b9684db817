//! `landfall diff`: what differs between two sealed releases.

use clap::Args;
use landfall_api::ReleaseDiff;
use landfall_core::diff::{Change, Difference};
use landfall_core::id::{InvalidName, ReleaseNumber};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::style::{Paint, Tone, harmless};

/// Show what differs between two releases.
///
/// Compares two sealed releases key by key: images and their content addresses, settings of services,
/// files by hash, networks and volumes. Values of the environment are never shown, only that they
/// changed. By default it compares what serves with the release before it; `landfall plan` compares the
/// compose files with what serves.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// From which release, for example `r2`; by default the kept one before.
    #[arg(value_name = "FROM", value_parser = parse_release)]
    from: Option<ReleaseNumber>,
    /// To which release; by default what serves.
    #[arg(value_name = "TO", value_parser = parse_release)]
    to: Option<ReleaseNumber>,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

fn parse_release(text: &str) -> Result<ReleaseNumber, &'static str> {
    text.parse().map_err(|error: InvalidName| error.rule)
}

pub(crate) async fn run(args: &DiffArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let diff = invocation.client().diff(&app, args.from, args.to).await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&diff);
        return Ok(Exit::Done);
    }
    let paint = printer.paint_out();
    printer.data(&paint.text(Tone::Strong, heading(app.as_str(), &diff)));
    printer.data_lines(&lines(&diff.differences, paint));
    Ok(Exit::Done)
}

fn heading(app: &str, diff: &ReleaseDiff) -> String {
    let named = |number: ReleaseNumber| {
        if diff.serving == Some(number) { format!("{number} (serves)") } else { number.to_string() }
    };
    format!("{app}: {} → {}", named(diff.from), named(diff.to))
}

fn lines(differences: &[Difference], paint: Paint) -> Vec<String> {
    if differences.is_empty() {
        return vec!["no difference: they behave the same".to_owned()];
    }
    let mut lines = Vec::new();
    let mut of = "";
    for difference in differences {
        let is_whole =
            difference.key.is_empty() && difference.before.is_none() && difference.after.is_none();
        if difference.of != of && !is_whole {
            lines.push(harmless(&difference.of));
        }
        of = &difference.of;
        lines.push(line(difference, is_whole, paint));
    }
    lines
}

fn line(difference: &Difference, is_whole: bool, paint: Paint) -> String {
    let (mark, tone) = match difference.change {
        Change::Added => ("+", Tone::Good),
        Change::Removed => ("-", Tone::Bad),
        Change::Changed => ("~", Tone::Busy),
    };
    let mark = paint.text(tone, mark);
    if is_whole {
        return format!("{mark} {}", harmless(&difference.of));
    }
    let key = harmless(&difference.key);
    let values = match (&difference.before, &difference.after, difference.change) {
        (Some(before), Some(after), _) => format!("{} → {}", harmless(before), harmless(after)),
        (None, Some(value), _) | (Some(value), None, _) => harmless(value),
        (None, None, Change::Added) => "added".to_owned(),
        (None, None, Change::Removed) => "removed".to_owned(),
        (None, None, Change::Changed) => "changed".to_owned(),
    };
    format!("  {mark} {key}: {values}")
}
