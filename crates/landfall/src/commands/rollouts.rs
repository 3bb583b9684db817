//! `landfall rollouts`: every rollout that began, newest first.

use clap::Args;
use landfall_api::RolloutView;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::output::style::{Paint, harmless};
use crate::output::table::Table;
use crate::watch::now_ms;
use crate::words;

/// List rollouts: what for, by whom, how long, how they ended.
///
/// Newest first: every deploy, rollback and down that began, with how it ended and why. `landfall show`
/// tells one of them step by step. One that was refused before it began is not here: nothing was
/// changed by it.
#[derive(Debug, Args)]
pub(crate) struct RolloutsArgs {
    #[command(flatten)]
    pub(crate) newest: NewestArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// How many entries of a list.
#[derive(Debug, Args)]
pub(crate) struct NewestArgs {
    /// Show so many, the newest ones; 0 is all. By default 20 as text, all as JSON.
    #[arg(short = 'n', long, value_name = "COUNT")]
    number: Option<usize>,
}

/// Entries of a list that are shown as text when nothing else is asked for.
const SHOWN: usize = 20;

impl NewestArgs {
    /// The newest ones of a list, and how many are left out.
    pub(crate) fn cut<'a, T>(&self, all: &'a [T], is_json: bool) -> (&'a [T], usize) {
        let shown = match self.number {
            Some(0) => all.len(),
            Some(number) => number,
            None if is_json => all.len(),
            None => SHOWN,
        };
        let shown = shown.min(all.len());
        (&all[..shown], all.len() - shown)
    }

    /// What is said of those that are left out.
    pub(crate) fn left_out(count: usize) -> String {
        format!("{count} older not shown; `-n 0` shows all")
    }
}

pub(crate) async fn run(args: &RolloutsArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let rollouts = invocation.client().rollouts(&app).await?;
    let printer = &invocation.printer;
    let (shown, left_out) = args.newest.cut(&rollouts, printer.is_json());
    if printer.is_json() {
        for rollout in shown {
            printer.json(rollout);
        }
        return Ok(Exit::Done);
    }
    let paint = printer.paint_out();
    printer.data_lines(&table(shown, paint).lines(paint));
    if left_out > 0 {
        printer.say(&NewestArgs::left_out(left_out));
    }
    Ok(Exit::Done)
}

fn table(rollouts: &[RolloutView], paint: Paint) -> Table {
    let mut table =
        Table::new(["rollout", "kind", "release", "asked (UTC)", "took", "by", "how it ended"]);
    for rollout in rollouts {
        let took = match rollout.ended_at_ms {
            Some(ended_ms) => humane::duration(ended_ms.saturating_sub(rollout.opened_at_ms)),
            None => format!("{} so far", humane::age(rollout.opened_at_ms, now_ms())),
        };
        table.row([
            rollout.rollout.to_string(),
            words::kind(rollout.kind).to_owned(),
            rollout.release.map(|release| release.to_string()).unwrap_or_default(),
            humane::date_utc(rollout.opened_at_ms),
            took,
            harmless(&rollout.by),
            words::state(rollout, paint),
        ]);
    }
    table
}
