//! How a rollout ended, in words and as an exit code. The last line always says what serves now.

use landfall_api::{Outcome, Problem, ProblemCode, RolloutRef};
use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::plan::RolloutKind;
use landfall_core::reason::{Reason, ReasonKind};

use super::view::{End, View};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::humane::{count, date_utc, duration};
use crate::output::printer::Printer;
use crate::output::style::{Paint, Tone, harmless};
use crate::preview;

/// The end of a rollout, or of watching it.
#[derive(Debug)]
pub(crate) struct Verdict {
    view: View,
    /// How further commands reach the same host.
    host_flag: String,
}

pub(super) fn of(view: View, host_flag: String) -> Verdict {
    Verdict { view, host_flag }
}

/// What is said to a person who stops watching.
pub(super) fn left_alone(rollout: &RolloutRef, flag: &str) -> Vec<String> {
    let RolloutRef { app, rollout } = rollout;
    vec![
        format!("rollout {rollout} of {app} goes on at the agent"),
        format!("  watch it:     landfall attach -p {app}{flag}"),
        format!("  call it off:  landfall cancel -p {app}{flag}"),
    ]
}

/// What serves after nothing was done.
pub(crate) fn unchanged(app: &AppName, serving: Option<ReleaseNumber>) -> String {
    match serving {
        Some(release) => format!("{app} {release} still serves: nothing was changed"),
        None => format!("nothing of {app} serves, as before: nothing was changed"),
    }
}

impl Verdict {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self.view.ended.as_ref().map(|end| &end.outcome) {
            None if self.view.held.is_some() => Exit::Done,
            // An abandoned one is over, but somebody has to know what was left.
            None | Some(Outcome::Abandoned { .. }) => Exit::Stuck,
            Some(Outcome::Succeeded | Outcome::NothingToDo) => Exit::Done,
            Some(Outcome::RolledBack { .. }) => Exit::RolledBack,
            Some(Outcome::Refused { problem }) => Failure::from(problem.clone()).exit,
        }
    }

    /// The problem, when the agent refused before anything was touched.
    pub(crate) fn refusal(&self) -> Option<&Problem> {
        match &self.view.ended.as_ref()?.outcome {
            Outcome::Refused { problem } => Some(problem),
            Outcome::Succeeded
            | Outcome::RolledBack { .. }
            | Outcome::Abandoned { .. }
            | Outcome::NothingToDo => None,
        }
    }

    /// Whether it ended because a person called it off.
    pub(crate) fn is_called_off(&self) -> bool {
        match self.view.ended.as_ref().map(|end| &end.outcome) {
            Some(Outcome::RolledBack { reason }) => reason.kind == ReasonKind::Cancelled,
            Some(Outcome::Refused { problem }) => problem.code == ProblemCode::Cancelled,
            Some(Outcome::Succeeded | Outcome::Abandoned { .. } | Outcome::NothingToDo) | None => {
                false
            }
        }
    }

    /// Whether the wanted release served already.
    pub(crate) fn is_nothing_to_do(&self) -> bool {
        self.view.ended.as_ref().is_some_and(|end| end.outcome == Outcome::NothingToDo)
    }

    /// Shows it. Programs have it from the last event.
    pub(crate) fn show(&self, printer: &Printer) {
        if printer.is_json() {
            return;
        }
        if let Some(problem) = self.refusal() {
            Failure::from(problem.clone()).show(printer);
            printer.announce("");
        }
        let paint = printer.paint_err();
        let (log, last) = (self.log(paint), self.last_line(paint));
        printer.announce_all(&log);
        printer.announce_all(&self.held_lines());
        for hint in self.hints() {
            printer.announce(&format!("{} {hint}\n", paint.text(Tone::Accent, "hint:")));
        }
        printer.announce(&last);
    }

    /// Last log lines of the service to blame.
    fn log(&self, paint: Paint) -> Vec<String> {
        let Some(reason) = self.reason() else { return Vec::new() };
        let mut logs = reason.logs.iter().filter(|line| !line.trim().is_empty()).peekable();
        if logs.peek().is_none() {
            return Vec::new();
        }
        let whose = reason.service.as_ref().map(|s| format!(" of {s}")).unwrap_or_default();
        let mut lines = vec![format!("last lines{whose}:")];
        let bar = paint.text(Tone::Faint, "  │");
        lines.extend(logs.map(|line| format!("{bar} {}", harmless(line))));
        lines
    }

    fn reason(&self) -> Option<&Reason> {
        match self.view.ended.as_ref().map(|end| &end.outcome) {
            None => self.view.stuck.as_ref(),
            Some(Outcome::RolledBack { reason } | Outcome::Abandoned { reason, .. }) => {
                Some(reason)
            }
            Some(Outcome::Succeeded | Outcome::Refused { .. } | Outcome::NothingToDo) => None,
        }
    }

    fn last_line(&self, paint: Paint) -> String {
        match &self.view.ended {
            None if self.view.held.is_some() => self.held_line(paint),
            None => self.stuck_line(paint),
            Some(end) => self.end_line(end, paint),
        }
    }

    fn end_line(&self, end: &End, paint: Paint) -> String {
        let app = &self.view.rollout.app;
        let kind = self.view.plan.as_ref().map(|plan| plan.kind);
        let time = duration(end.total_ms);
        let undone = count(self.view.undone(), "step");
        match (&end.outcome, end.serving) {
            (Outcome::Succeeded, Some(release)) => {
                let verb = match kind {
                    Some(RolloutKind::RollBack) => "rolled back",
                    Some(RolloutKind::Recovered) => "recovered",
                    Some(RolloutKind::Deploy | RolloutKind::Down) | None => "deployed",
                };
                let text = paint.text(Tone::Good, format!("{app} {release} serves"));
                format!("{text} ({verb} in {time}, {undone} undone)")
            }
            (Outcome::Succeeded, None) => {
                let text = paint.text(Tone::Good, format!("{app} is down"));
                format!("{text} (in {time}); its volumes are as they were")
            }
            (Outcome::RolledBack { reason }, serving) => {
                let what = self.what_is_wanted();
                let why = match reason.kind {
                    ReasonKind::Cancelled => format!("{what} was called off"),
                    ReasonKind::Crashed
                    | ReasonKind::NotReady
                    | ReasonKind::OneOffFailed
                    | ReasonKind::VerifyFailed
                    | ReasonKind::Engine
                    | ReasonKind::Edge
                    | ReasonKind::Files
                    | ReasonKind::Deadline
                    | ReasonKind::Interrupted => {
                        format!("{what} was undone because {}", harmless(&reason.to_string()))
                    }
                };
                let serves = match serving {
                    Some(release) => format!("{app} {release} still serves"),
                    None => format!("nothing of {app} serves"),
                };
                format!("{}: {why}", paint.text(Tone::Bad, serves))
            }
            (Outcome::Abandoned { reason, by, .. }, serving) => {
                let serves = match serving {
                    Some(release) => format!("{app} {release} serves"),
                    None => format!("nothing of {app} serves"),
                };
                let (by, why) = (harmless(by), harmless(&reason.to_string()));
                let rollout = self.view.rollout.rollout;
                format!("{}: {rollout} was abandoned by {by}: {why}", paint.text(Tone::Bad, serves))
            }
            (Outcome::Refused { .. }, serving) => unchanged(app, serving),
            (Outcome::NothingToDo, Some(release)) => {
                format!("{app} {release} serves already: nothing to do")
            }
            (Outcome::NothingToDo, None) => format!("{app} is down already: nothing to do"),
        }
    }

    /// What to do with a held rollout.
    fn held_lines(&self) -> Vec<String> {
        let Some(hold) = &self.view.held else { return Vec::new() };
        let (app, flag) = (&self.view.rollout.app, &self.host_flag);
        let places = preview::places(&hold.preview);
        let mut lines: Vec<_> =
            places.iter().map(|place| format!("  look at it:      {place}")).collect();
        lines.push(format!("  let it through:  landfall promote -p {app}{flag}"));
        lines.push(format!("  call it off:     landfall cancel -p {app}{flag}"));
        if let Some(until_ms) = hold.until_ms {
            lines.push(format!("  else it is undone on {} UTC", date_utc(until_ms)));
        }
        lines
    }

    fn held_line(&self, paint: Paint) -> String {
        let plan = self.view.plan.as_ref();
        let app = &self.view.rollout.app;
        let serves = match plan.and_then(|plan| plan.previous) {
            Some(previous) => format!("{app} {} still serves", previous.release),
            None => format!("nothing of {app} serves yet"),
        };
        let text = paint.text(Tone::Good, serves);
        let what = self.what_is_wanted();
        format!("{text}; {what} is ready and held (rollout {})", self.view.rollout.rollout)
    }

    fn stuck_line(&self, paint: Paint) -> String {
        let View { rollout, plan, stuck, .. } = &self.view;
        let why = stuck.as_ref().map(|r| harmless(&r.to_string())).unwrap_or_default();
        let plan = plan.as_ref();
        let serving = if self.view.is_past_pivot() {
            plan.and_then(|plan| plan.release)
        } else {
            plan.and_then(|plan| plan.previous).map(|previous| previous.release)
        };
        let app = &rollout.app;
        let serves = match serving {
            Some(release) => format!("{app} {release} serves"),
            None => format!("nothing of {app} serves"),
        };
        let text = paint.text(Tone::Bad, serves);
        format!("{text}, but rollout {} is stuck: {why}", rollout.rollout)
    }

    /// The release (or the down) that is on its way, or did not come to be.
    fn what_is_wanted(&self) -> String {
        let plan = self.view.plan.as_ref();
        match plan.and_then(|plan| plan.release) {
            Some(release) => release.to_string(),
            None => "the down".to_owned(),
        }
    }

    fn hints(&self) -> Vec<String> {
        let app = &self.view.rollout.app;
        match &self.view.ended {
            None if self.view.held.is_some() => Vec::new(),
            None => vec![format!(
                "once the cause is gone, `landfall resume -p {app}`; `landfall abandon -p {app}` ends it as it stands"
            )],
            Some(_) => Vec::new(),
        }
    }
}
