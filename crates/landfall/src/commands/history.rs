//! `landfall history`: what served when, who brought it, and why.

use clap::Args;
use landfall_api::{HistoryEntry, Outcome};
use landfall_core::plan::RolloutKind;

use super::rollouts::NewestArgs;
use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::output::style::{Paint, Tone, harmless};
use crate::output::table::Table;
use crate::watch::now_ms;
use crate::words;

/// Show what served when: who brought it, from which commit, and why.
///
/// Newest first, over deploys, rollbacks and downs: when each release began to serve and for how long,
/// who brought it, from which commit, with which message. What was tried and undone is there too, with
/// its reason.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) newest: NewestArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &HistoryArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let history = invocation.client().history(&app).await?;
    let printer = &invocation.printer;
    let (shown, left_out) = args.newest.cut(&history, printer.is_json());
    if printer.is_json() {
        for entry in shown {
            printer.json(entry);
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

fn table(history: &[HistoryEntry], paint: Paint) -> Table {
    let mut table =
        Table::new(["when (UTC)", "what", "served for", "by", "rollout", "commit", "why"]);
    for entry in history {
        let rollout = &entry.rollout;
        table.row([
            humane::date_utc(rollout.ended_at_ms.unwrap_or(rollout.opened_at_ms)),
            what(entry, paint),
            served(entry, paint),
            harmless(&rollout.by),
            rollout.rollout.to_string(),
            words::commit(rollout.commit.as_deref()),
            why(entry),
        ]);
    }
    table
}

fn what(entry: &HistoryEntry, paint: Paint) -> String {
    let rollout = &entry.rollout;
    let target = rollout.release.map(|release| release.to_string()).unwrap_or_default();
    let done = match rollout.kind {
        RolloutKind::Deploy => format!("{target} deployed"),
        RolloutKind::RollBack => format!("rolled back to {target}"),
        RolloutKind::Down => "taken down".to_owned(),
        RolloutKind::Recovered => format!("{target} recovered as found"),
    };
    match &rollout.outcome {
        Some(Outcome::Succeeded) if entry.served_from_ms.is_some() => paint.text(Tone::Good, done),
        Some(Outcome::Succeeded) => done,
        Some(Outcome::Abandoned { .. }) => {
            paint.text(Tone::Bad, format!("{} abandoned", noun(rollout.kind, &target)))
        }
        Some(Outcome::RolledBack { .. } | Outcome::Refused { .. } | Outcome::NothingToDo) => {
            paint.text(Tone::Bad, format!("{} undone", noun(rollout.kind, &target)))
        }
        None => paint.text(Tone::Busy, format!("{} not ended", noun(rollout.kind, &target))),
    }
}

fn noun(kind: RolloutKind, target: &str) -> String {
    match kind {
        RolloutKind::Deploy => target.to_owned(),
        RolloutKind::RollBack => format!("rollback to {target}"),
        RolloutKind::Down => "down".to_owned(),
        RolloutKind::Recovered => format!("recovery of {target}"),
    }
}

fn served(entry: &HistoryEntry, paint: Paint) -> String {
    match (entry.served_from_ms, entry.served_until_ms) {
        (Some(from_ms), Some(until_ms)) => humane::age(from_ms, until_ms),
        (Some(from_ms), None) => {
            paint.text(Tone::Good, format!("{}, serves", humane::age(from_ms, now_ms())))
        }
        (None, _) => String::new(),
    }
}

/// The person's own words, and what went wrong.
fn why(entry: &HistoryEntry) -> String {
    let rollout = &entry.rollout;
    let message = rollout.message.as_deref().map(harmless);
    let trouble = match &rollout.outcome {
        Some(Outcome::RolledBack { reason } | Outcome::Abandoned { reason, .. }) => {
            Some(words::reason(reason))
        }
        Some(Outcome::Refused { problem }) => Some(harmless(&problem.message)),
        Some(Outcome::Succeeded | Outcome::NothingToDo) | None => None,
    };
    message.into_iter().chain(trouble).collect::<Vec<_>>().join("; ")
}
