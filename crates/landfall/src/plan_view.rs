//! A plan for people: what starts, stops and stays; the steps with the pivot marked; the notes.

use landfall_api::{PlanView, ServiceChange, WhatChanges};
use landfall_core::id::ServiceName;
use landfall_core::plan::{Plan, RolloutKind, Step};
use landfall_core::spec::Workload;

use crate::output::printer::Printer;
use crate::output::style::{Paint, Tone, harmless};
use crate::output::table::Table;

/// Shows a plan on standard output.
pub(crate) fn show(view: &PlanView, printer: &Printer) {
    if printer.is_json() {
        printer.json(view);
        return;
    }
    printer.data_lines(&lines(view, printer.paint_out()));
    printer.say("\nnothing was changed");
}

fn lines(view: &PlanView, paint: Paint) -> Vec<String> {
    let mut lines = vec![paint.text(Tone::Strong, title(&view.plan)), String::new()];
    if !view.changes.is_empty() {
        lines.extend(services(view, paint).lines(paint));
        lines.push(String::new());
    }
    lines.extend(steps(&view.plan, paint).lines(paint));
    if !view.plan.notes.is_empty() {
        lines.push(String::new());
    }
    for note in &view.plan.notes {
        lines.push(format!("{} {}", paint.text(Tone::Busy, "note:"), harmless(note)));
    }
    lines
}

fn title(plan: &Plan) -> String {
    let Plan { app, .. } = plan;
    let now = match plan.previous {
        Some(previous) => format!("{} serves", previous.release),
        None => "nothing serves".to_owned(),
    };
    let target = plan.release.map(|release| release.to_string()).unwrap_or_default();
    match plan.kind {
        RolloutKind::Deploy => format!("deploy {app} {target} ({now})"),
        RolloutKind::RollBack => format!("roll {app} back to {target} ({now})"),
        RolloutKind::Down => format!("take {app} down ({now})"),
        RolloutKind::Recovered => format!("recovered {app} {target} ({now})"),
    }
}

fn services(view: &PlanView, paint: Paint) -> Table {
    let mut table = Table::new(["", "service", "workload", "what happens", "image"]);
    for change in &view.changes {
        let (mark, tone) = match change.change {
            WhatChanges::Added => ("+", Tone::Good),
            WhatChanges::Changed => ("~", Tone::Busy),
            WhatChanges::Unchanged => ("=", Tone::Faint),
            WhatChanges::Removed => ("-", Tone::Bad),
        };
        table.row([
            paint.text(tone, mark),
            change.service.to_string(),
            change.workload.as_str().to_owned(),
            fate(change, &view.plan, paint),
            harmless(&change.image),
        ]);
    }
    table
}

/// What becomes of a service, in words that name the cost.
fn fate(change: &ServiceChange, plan: &Plan, paint: Paint) -> String {
    let starts = plan.replicas().any(|replica| replica.service == change.service);
    if plan.steps.iter().filter_map(replaced_in_place).any(|name| *name == change.service) {
        return paint.text(Tone::Bad, "REPLACED IN PLACE: down while it restarts, data stays");
    }
    let text = match (change.change, change.workload) {
        (WhatChanges::Removed, _) => "stops; its volumes stay",
        (_, Workload::OneOff) => "runs once before the cutover",
        (_, Workload::Stateful | Workload::Replicated) if !starts => "stays as it is",
        (_, Workload::Stateful) | (WhatChanges::Added, Workload::Replicated) => "starts",
        (WhatChanges::Added, Workload::Singleton) => "starts just before the cutover",
        (_, Workload::Singleton) => "stops, then starts new, just before the cutover",
        (WhatChanges::Changed, Workload::Replicated) => "new replicas beside the old ones",
        (WhatChanges::Unchanged, Workload::Replicated) => "new replicas, the same revision",
    };
    text.to_owned()
}

/// The stateful service whose running container gives way in a step.
fn replaced_in_place(step: &Step) -> Option<&ServiceName> {
    match step {
        Step::StartStateful { replica, replaces, .. } if !replaces.is_empty() => {
            Some(&replica.service)
        }
        Step::StartStateful { .. }
        | Step::PinImages { .. }
        | Step::CreateNetworks { .. }
        | Step::CreateVolumes { .. }
        | Step::WriteFiles
        | Step::LinkStateful { .. }
        | Step::TakeNames { .. }
        | Step::RunOneOff { .. }
        | Step::StartReplicas { .. }
        | Step::Verify { .. }
        | Step::OpenPreview { .. }
        | Step::GateAgain { .. }
        | Step::HandOver { .. }
        | Step::Cutover { .. }
        | Step::Drain { .. }
        | Step::StopOld { .. }
        | Step::Prune { .. } => None,
    }
}

const PIVOT: &str = "<- pivot: a failure before it undoes everything, after it only forward";

const HOLD: &str = "waits for `landfall promote`; `landfall cancel` undoes it";

fn steps(plan: &Plan, paint: Paint) -> Table {
    let mut table = Table::new(["", "step", "about"]);
    for (index, step) in plan.steps.iter().enumerate() {
        if plan.hold.is_some_and(|hold| hold.before == index) {
            table.row([String::new(), paint.text(Tone::Accent, "hold"), HOLD.to_owned()]);
        }
        let name = match replaced_in_place(step) {
            Some(_) => paint.text(Tone::Bad, "replace stateful"),
            None => step.name().to_owned(),
        };
        let mut about = harmless(&step.subject());
        if index == plan.pivot {
            let gap = if about.is_empty() { "" } else { "  " };
            about = format!("{about}{gap}{}", paint.text(Tone::Accent, PIVOT));
        }
        table.row([(index + 1).to_string(), name, about]);
    }
    table
}
