//! What is known of a rollout as a block of lines, drawn over and over on a terminal.

use landfall_api::StepSummary;
use landfall_core::id::ServiceName;

use super::lines::headline;
use super::view::{Pull, ReplicaPhase, StepPhase, StepView, View};
use crate::output::humane::{bytes, duration};
use crate::output::style::{Paint, Tone, cut, harmless};

/// One turn of the wheel takes a second.
const WHEEL: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇", "⠏", "⠋"];
const WHEEL_FRAME_MS: u64 = 125;
/// What the pivot means.
const PIVOT: &str = "pivot: undone until here, only forward from here";
/// Where a rollout waits for consent.
const HOLD: &str = "    held here until `landfall promote`";
/// Columns of a step's subject; longer ones are cut.
const SUBJECT_MAX: usize = 40;
/// Images on their way that are shown at once.
const PULLS_MAX: usize = 6;

/// The block at a moment.
pub(super) fn lines(view: &View, paint: Paint, now_ms: u64) -> Vec<String> {
    let mut lines = vec![heading(view, paint, now_ms)];
    if view.plan.is_none() {
        lines.extend(preparing(view, paint, now_ms));
    }
    if let Some(plan) = &view.plan {
        let widest = |text: fn(&StepSummary) -> &str| {
            plan.steps.iter().map(|step| text(step).chars().count()).max().unwrap_or(0)
        };
        let widths = [widest(|s| &s.name), widest(|s| &s.subject).min(SUBJECT_MAX)];
        // What was not even begun is no news once it is over.
        let is_news = |step: &StepView| !view.is_over() || step.phase != StepPhase::Pending;
        for (summary, step) in plan.steps.iter().zip(&view.steps).filter(|(_, s)| is_news(s)) {
            if plan.hold == Some(summary.index) {
                lines.push(paint.text(Tone::Accent, HOLD));
            }
            let is_pivot = summary.index == plan.pivot;
            lines.push(step_line(summary, step, widths, is_pivot, paint, now_ms));
        }
    }
    if view.agent_away {
        lines.push(paint.text(Tone::Busy, "  the agent is away; waiting for it"));
    }
    lines
}

fn heading(view: &View, paint: Paint, now_ms: u64) -> String {
    let app = view.rollout.app.as_str();
    let text = match &view.plan {
        Some(plan) => headline(plan, app),
        None => format!("preparing {app}"),
    };
    let elapsed_ms = match (&view.ended, view.begun_ms) {
        (Some(end), _) => end.total_ms,
        (None, begun_ms) => now_ms.saturating_sub(begun_ms.unwrap_or(now_ms)),
    };
    let time = paint.text(Tone::Faint, duration(elapsed_ms));
    format!("{}  {time}", paint.text(Tone::Strong, text))
}

fn preparing(view: &View, paint: Paint, now_ms: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(what), None) = (&view.preparing, &view.ended) {
        lines.push(format!("  {} {}", wheel(paint, now_ms), harmless(what)));
    }
    for (image, pull) in view.pulls.iter().take(PULLS_MAX) {
        lines.push(format!("    {} {}", harmless(image), pull_text(pull, paint)));
    }
    lines
}

fn pull_text(pull: &Pull, paint: Paint) -> String {
    let detail = harmless(&pull.detail);
    let text = match pull.bytes {
        Some((current, total)) if total > 0 => {
            format!("{detail} {} of {}", bytes(current), bytes(total))
        }
        Some(_) | None => detail,
    };
    paint.text(Tone::Faint, text)
}

fn step_line(
    summary: &StepSummary,
    step: &StepView,
    [name_width, subject_width]: [usize; 2],
    is_pivot: bool,
    paint: Paint,
    now_ms: u64,
) -> String {
    let since = || duration(now_ms.saturating_sub(step.since_ms));
    let (mark, time) = match step.phase {
        StepPhase::Pending => (" ".to_owned(), String::new()),
        StepPhase::Doing => (wheel(paint, now_ms), since()),
        StepPhase::Done { after_ms } => (paint.text(Tone::Good, "✓"), duration(after_ms)),
        StepPhase::Failed => (paint.text(Tone::Bad, "✗"), String::new()),
        StepPhase::Undoing => (paint.text(Tone::Busy, "↶"), since()),
        StepPhase::Undone { after_ms } => (paint.text(Tone::Busy, "↶"), duration(after_ms)),
    };
    let subject = cut(&harmless(&summary.subject), subject_width);
    let what = format!("{:name_width$}  {subject:subject_width$}", summary.name);
    let is_pending = step.phase == StepPhase::Pending;
    let what = if is_pending { paint.text(Tone::Faint, what) } else { what };
    let notes = notes(summary, step, is_pivot, paint);
    let mut line = format!("  {mark} {what}  {}", paint.text(Tone::Faint, format!("{time:>7}")));
    for note in notes.iter().filter(|note| !note.is_empty()) {
        line.push_str("  ");
        line.push_str(note);
    }
    line.truncate(line.trim_end().len());
    line
}

/// What is to be said of a step beside its name and its time.
fn notes(summary: &StepSummary, step: &StepView, is_pivot: bool, paint: Paint) -> Vec<String> {
    let mut notes = Vec::new();
    match step.phase {
        StepPhase::Pending if is_pivot => notes.push(paint.text(Tone::Accent, PIVOT)),
        StepPhase::Undoing | StepPhase::Undone { .. } => {
            notes.push(paint.text(Tone::Busy, "undone"));
        }
        StepPhase::Doing => {
            notes.push(replicas(step, &summary.subject));
            notes.extend(step.in_flight.map(|requests| format!("{requests} in flight")));
        }
        StepPhase::Pending | StepPhase::Done { .. } | StepPhase::Failed => {}
    }
    notes.extend(step.trouble.as_ref().map(|why| paint.text(Tone::Bad, harmless(why))));
    notes
}

/// `web 1/2 ready · nginx starting`; nothing that the subject does not say already.
fn replicas(step: &StepView, subject: &str) -> String {
    let mut services: Vec<&ServiceName> = step.replicas.keys().map(|(name, _)| name).collect();
    services.dedup();
    let text = services.into_iter().map(|service| {
        let phases = || step.replicas.iter().filter(|((name, _), _)| name == service);
        let all = phases().count();
        let ready = phases().filter(|(_, phase)| **phase != ReplicaPhase::Started).count();
        match (ready, all) {
            (ready, all) if ready == all => format!("{service} ready"),
            (0, 1) if service.as_str() == subject => String::new(),
            (0, 1) => format!("{service} starting"),
            (ready, all) => format!("{service} {ready}/{all} ready"),
        }
    });
    text.collect::<Vec<_>>().join(" · ")
}

fn wheel(paint: Paint, now_ms: u64) -> String {
    let frame = usize::try_from(now_ms / WHEEL_FRAME_MS).unwrap_or(0) % WHEEL.len();
    paint.text(Tone::Accent, WHEEL[frame])
}
