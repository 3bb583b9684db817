//! `landfall show`: one rollout, step by step.

use clap::Args;
use landfall_api::{
    Attempt, AttemptOutcome, OpenPhase, Outcome, RolloutId, RolloutReport, StepReport, StepState,
};
use landfall_core::plan::RolloutKind;
use landfall_core::reason::Reason;
use landfall_core::record::Action;

use super::abandon;
use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane::{date_utc, duration};
use crate::output::style::{Paint, Tone, harmless};
use crate::output::table::Table;
use crate::rollout;
use crate::words;

/// Show one rollout step by step, with times, failures and their logs.
///
/// Tells a rollout from its journal: who asked and why, every attempt at every step with its time, what
/// failed with its last log lines, where it turned back, what was undone, where it stands, and what to
/// do next if it is stuck.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Which rollout, for example `d3`; the newest by default.
    #[arg(
        value_name = "ROLLOUT",
        value_parser = rollout::parse_id,
        default_value = "latest",
        hide_default_value = true
    )]
    rollout: RolloutId,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &ShowArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let report = invocation.client().rollout(&app, args.rollout).await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&report);
    } else {
        printer.data_lines(&lines(&report, printer.paint_out()));
    }
    Ok(Exit::Done)
}

fn lines(report: &RolloutReport, paint: Paint) -> Vec<String> {
    let mut lines = heading(report, paint);
    let steps = steps(report, paint);
    if !steps.is_empty() {
        lines.push(String::new());
        lines.extend(steps.lines(paint));
    }
    lines.extend(not_reached(report, paint));
    lines.extend(failures(report, paint));
    if let Some(Outcome::Abandoned { left, .. }) = &report.rollout.outcome {
        lines.extend(abandon::left_lines(left));
    }
    lines.push(String::new());
    lines.push(now(report, paint));
    lines.extend(next(report).map(|text| format!("{} {text}", paint.text(Tone::Accent, "next:"))));
    lines
}

fn heading(report: &RolloutReport, paint: Paint) -> Vec<String> {
    let view = &report.rollout;
    let what = format!("rollout {} of {}, {}", view.rollout, report.app, words::kind(view.kind));
    let to = match (view.kind, view.release) {
        (RolloutKind::Deploy | RolloutKind::Recovered, Some(release)) => format!(" of {release}"),
        (RolloutKind::RollBack, Some(release)) => format!(" to {release}"),
        (
            RolloutKind::Deploy
            | RolloutKind::RollBack
            | RolloutKind::Down
            | RolloutKind::Recovered,
            _,
        ) => String::new(),
    };
    let state = words::state(view, paint);
    let mut lines = vec![format!("{}: {state}", paint.text(Tone::Strong, format!("{what}{to}")))];
    let mut say = |name: &str, text: String| lines.push(format!("  {name:8}{text}"));
    say("asked", format!("{} UTC by {}", date_utc(view.opened_at_ms), harmless(&view.by)));
    if let Some(message) = &view.message {
        say("why", harmless(message));
    }
    if let Some(commit) = &view.commit {
        say("commit", harmless(commit));
    }
    say(
        "before",
        match report.previous {
            Some(previous) => {
                format!("{} served, brought by {}", previous.release, previous.rollout)
            }
            None => "nothing served".to_owned(),
        },
    );
    if let Some(ended_ms) = view.ended_at_ms {
        say("took", duration(ended_ms.saturating_sub(view.opened_at_ms)));
    }
    for note in &report.notes {
        say("note", harmless(note));
    }
    lines
}

/// Every attempt in the order in which it was made.
fn steps(report: &RolloutReport, paint: Paint) -> Table {
    let mut table = Table::new(["at", "took", "state", "step", ""]);
    let at =
        |at_ms: u64| format!("+{}", duration(at_ms.saturating_sub(report.rollout.opened_at_ms)));
    let mut rows: Vec<(u64, [String; 5])> = Vec::new();
    for step in &report.steps {
        for (index, attempt) in step.attempts.iter().enumerate() {
            let took = attempt.took_ms.map(duration).unwrap_or_default();
            let row = [
                at(attempt.at_ms),
                took,
                state(step, attempt, index, paint),
                name(report, step, attempt.action),
                note(step, attempt, index),
            ];
            rows.push((attempt.at_ms, row));
        }
    }
    let resumed = "it goes on: the agent was restarted, or a person said so".to_owned();
    let mut events: Vec<_> =
        report.resumed_at_ms.iter().map(|at_ms| (*at_ms, "resumed", resumed.clone())).collect();
    let held = "it waits for `landfall promote`".to_owned();
    events.extend(report.held_at_ms.map(|at_ms| (at_ms, "held", held)));
    let promoted = report.promoted.as_ref();
    events.extend(promoted.map(|p| (p.at_ms, "promoted", format!("by {}", harmless(&p.by)))));
    for (at_ms, state, text) in events {
        let state = paint.text(Tone::Busy, state);
        rows.push((at_ms, [at(at_ms), String::new(), state, text, String::new()]));
    }
    // The sort is stable: what happened within one millisecond stays in the plan's order.
    rows.sort_by_key(|(at_ms, _)| *at_ms);
    for (_, row) in rows {
        table.row(row);
    }
    table
}

fn state(step: &StepReport, attempt: &Attempt, index: usize, paint: Paint) -> String {
    let is_last = index + 1 == step.attempts.len();
    match (&attempt.outcome, attempt.action) {
        (AttemptOutcome::Done, Action::Do) => paint.text(Tone::Good, "done"),
        (AttemptOutcome::Done, Action::Undo) => paint.text(Tone::Busy, "undone"),
        (AttemptOutcome::Failed { .. }, _) => paint.text(Tone::Bad, "failed"),
        (AttemptOutcome::InDoubt, Action::Do) if is_last && step.state == StepState::Doing => {
            paint.text(Tone::Busy, "begun")
        }
        (AttemptOutcome::InDoubt, Action::Undo) if is_last => paint.text(Tone::Busy, "undo begun"),
        (AttemptOutcome::InDoubt, Action::Do | Action::Undo) => {
            paint.text(Tone::Busy, "interrupted")
        }
    }
}

fn name(report: &RolloutReport, step: &StepReport, action: Action) -> String {
    let subject = harmless(&step.subject);
    let name =
        if subject.is_empty() { step.name.clone() } else { format!("{}: {subject}", step.name) };
    match action {
        Action::Do if report.pivot == Some(step.index) => format!("{name} (pivot)"),
        Action::Do => name,
        Action::Undo => format!("undo {name}"),
    }
}

fn note(step: &StepReport, attempt: &Attempt, index: usize) -> String {
    let same = step.attempts.iter().take(index + 1).filter(|a| a.action == attempt.action);
    let number = match same.count() {
        0 | 1 => None,
        number => Some(format!("attempt {number}")),
    };
    let why = match &attempt.outcome {
        AttemptOutcome::Failed { reason } => Some(words::reason(reason)),
        AttemptOutcome::Done | AttemptOutcome::InDoubt => None,
    };
    number.into_iter().chain(why).collect::<Vec<_>>().join(": ")
}

fn not_reached(report: &RolloutReport, paint: Paint) -> Option<String> {
    let pending = report.steps.iter().filter(|step| step.state == StepState::Pending);
    let names: Vec<_> = pending.map(|step| step.name.as_str()).collect();
    let word = if report.rollout.outcome.is_some() { "not reached" } else { "to come" };
    (!names.is_empty()).then(|| paint.text(Tone::Faint, format!("{word}: {}", names.join(", "))))
}

/// Each failure with its logs once, however often it was tried.
fn failures(report: &RolloutReport, paint: Paint) -> Vec<String> {
    let mut told: Vec<&Reason> = Vec::new();
    let mut lines = Vec::new();
    for step in &report.steps {
        for attempt in &step.attempts {
            let AttemptOutcome::Failed { reason } = &attempt.outcome else { continue };
            let is_silent = reason.logs.iter().all(|line| line.trim().is_empty());
            if is_silent || told.contains(&reason) {
                continue;
            }
            told.push(reason);
            let whose = reason.service.as_ref().map(|s| format!(" of {s}")).unwrap_or_default();
            lines.push(String::new());
            lines.push(format!("last lines{whose}, `{}`:", step.name));
            let bar = paint.text(Tone::Faint, "  │");
            let logs = reason.logs.iter().filter(|line| !line.trim().is_empty());
            lines.extend(logs.map(|line| format!("{bar} {}", harmless(line))));
        }
    }
    lines
}

/// What serves by it.
fn now(report: &RolloutReport, paint: Paint) -> String {
    let app = &report.app;
    let is_open = report.rollout.outcome.is_none();
    let tense = if is_open { "serves now" } else { "served when it ended" };
    match report.serving {
        Some(release) => {
            format!("{} {tense}", paint.text(Tone::Strong, format!("{app} {release}")))
        }
        None => format!("nothing of {app} {tense}"),
    }
}

/// What a person can do.
fn next(report: &RolloutReport) -> Option<String> {
    let app = &report.app;
    match (&report.rollout.outcome, &report.rollout.phase) {
        (None, Some(OpenPhase::Stuck { .. })) => Some(format!(
            "remove the cause, then `landfall resume -p {app}`; or `landfall abandon -p {app}`, which ends it as it stands"
        )),
        (None, Some(OpenPhase::Held { .. })) => Some(format!(
            "`landfall promote -p {app}` lets it through, `landfall cancel -p {app}` calls it off"
        )),
        (None, Some(OpenPhase::Preparing | OpenPhase::Forward { past_pivot: false })) => {
            Some(format!(
                "`landfall attach -p {app}` watches it, `landfall cancel -p {app}` calls it off"
            ))
        }
        (None, Some(OpenPhase::Forward { past_pivot: true } | OpenPhase::Back { .. })) => {
            Some(format!("`landfall attach -p {app}` watches it"))
        }
        (
            Some(
                Outcome::Succeeded
                | Outcome::RolledBack { .. }
                | Outcome::Abandoned { .. }
                | Outcome::Refused { .. }
                | Outcome::NothingToDo,
            ),
            _,
        )
        | (None, None) => None,
    }
}
