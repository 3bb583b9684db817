//! What is known of a rollout as a block of lines, drawn over and over on a terminal.

use landfall_core::id::ServiceName;

use super::lines::headline;
use super::view::{Pull, ReplicaPhase, StepPhase, StepView, View};
use crate::output::humane::{bytes, duration};
use crate::output::style::{Paint, Tone, harmless};

/// One turn of the wheel takes a second.
const WHEEL: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇", "⠏", "⠋"];
const WHEEL_FRAME_MS: u64 = 125;
/// Images on their way that are shown at once.
const PULLS_MAX: usize = 6;

/// The block at a moment.
pub(super) fn lines(view: &View, paint: Paint, now_ms: u64) -> Vec<String> {
    let mut lines = vec![heading(view, paint, now_ms)];
    if view.plan.is_none() {
        lines.extend(preparing(view, paint, now_ms));
    }
    if let Some(plan) = &view.plan {
        let name_width = plan.steps.iter().map(|s| s.name.chars().count()).max().unwrap_or(0);
        for (index, (summary, step)) in plan.steps.iter().zip(&view.steps).enumerate() {
            let name = format!("{:name_width$}", summary.name);
            let pivot = index == plan.pivot;
            lines.push(step_line(step, &name, &summary.subject, pivot, paint, now_ms));
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
    step: &StepView,
    name: &str,
    subject: &str,
    pivot: bool,
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
    let name = match step.phase {
        StepPhase::Pending => paint.text(Tone::Faint, name),
        StepPhase::Doing
        | StepPhase::Done { .. }
        | StepPhase::Failed
        | StepPhase::Undoing
        | StepPhase::Undone { .. } => name.to_owned(),
    };
    let mut line = format!("  {mark} {name}");
    let mut add = |text: String| {
        if !text.is_empty() {
            line.push_str("  ");
            line.push_str(&text);
        }
    };
    add(harmless(subject));
    if pivot && step.phase == StepPhase::Pending {
        add(paint.text(Tone::Accent, "pivot: undone until here, only forward from here"));
    }
    if matches!(step.phase, StepPhase::Undoing | StepPhase::Undone { .. }) {
        add(paint.text(Tone::Busy, "undone"));
    }
    add(paint.text(Tone::Faint, time));
    if step.phase == StepPhase::Doing {
        add(replicas(step));
        add(in_flight(step));
    }
    add(step.trouble.as_ref().map(|t| paint.text(Tone::Bad, harmless(t))).unwrap_or_default());
    line
}

/// `web 1 ready, 1 starting · nginx starting`
fn replicas(step: &StepView) -> String {
    let mut services: Vec<&ServiceName> = step.replicas.keys().map(|(name, _)| name).collect();
    services.dedup();
    let text = services.into_iter().map(|service| {
        let phases = || step.replicas.iter().filter(|((name, _), _)| name == service);
        let all = phases().count();
        let ready = phases().filter(|(_, phase)| **phase != ReplicaPhase::Started).count();
        match (ready, all) {
            (ready, all) if ready == all => format!("{service} ready"),
            (0, 1) => format!("{service} starting"),
            (ready, all) => format!("{service} {ready}/{all} ready"),
        }
    });
    text.collect::<Vec<_>>().join(" · ")
}

fn in_flight(step: &StepView) -> String {
    step.in_flight.map(|requests| format!("{requests} in flight")).unwrap_or_default()
}

fn wheel(paint: Paint, now_ms: u64) -> String {
    let frame = usize::try_from(now_ms / WHEEL_FRAME_MS).unwrap_or(0) % WHEEL.len();
    paint.text(Tone::Accent, WHEEL[frame])
}
