//! The live block at moments of a rollout.

use landfall_api::{Event, EventKind, Outcome, PlanSummary, ProgressKind, RolloutRef, StepSummary};
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::plan::RolloutKind;
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::Action;

use super::block;
use super::view::View;
use crate::output::style::Paint;

fn view(kinds: Vec<EventKind>) -> View {
    let app = "shop".parse().unwrap();
    let mut view = View::new(RolloutRef { app, rollout: RolloutNumber(7) });
    for (seq, kind) in (1..).zip(kinds) {
        let app = "shop".parse().unwrap();
        view.apply(&Event { seq, at_ms: 1000, app, rollout: RolloutNumber(7), kind });
    }
    view
}

fn drawn(view: &View) -> String {
    block::lines(view, Paint(false), 3500).join("\n")
}

fn planned() -> EventKind {
    let steps = [("run one-off", "migrate"), ("start replicas", "web ×2, worker"), ("cutover", "")];
    let step = |(index, (name, subject)): (usize, (&str, &str))| StepSummary {
        index,
        name: name.to_owned(),
        subject: subject.to_owned(),
    };
    EventKind::Planned {
        plan: PlanSummary {
            kind: RolloutKind::Deploy,
            release: Some(ReleaseNumber(1)),
            previous: None,
            steps: steps.into_iter().enumerate().map(step).collect(),
            pivot: 2,
            hold: None,
            notes: Vec::new(),
        },
    }
}

fn begun(step: usize, action: Action) -> EventKind {
    EventKind::StepStarted { step, name: String::new(), subject: String::new(), action }
}

fn done(step: usize, action: Action) -> EventKind {
    EventKind::StepDone { step, action, after_ms: 400 }
}

fn ready(service: &str, replica: u32) -> EventKind {
    let service = service.parse().unwrap();
    EventKind::Progress {
        step: 1,
        progress: ProgressKind::Ready { service, replica, after_ms: 300 },
    }
}

fn started(service: &str, replica: u32) -> EventKind {
    let service = service.parse().unwrap();
    EventKind::Progress { step: 1, progress: ProgressKind::Started { service, replica } }
}

#[test]
fn pulls_are_shown_while_it_prepares() {
    let pull = |detail: &str, bytes: Option<u64>| EventKind::Pulling {
        image: "postgres:15".to_owned(),
        detail: detail.to_owned(),
        current_bytes: bytes,
        total_bytes: bytes.map(|_| 90_000_000),
    };
    let looking = EventKind::Preparing { what: "looking at images".to_owned() };
    let view = view(vec![looking, pull("pulling", None), pull("1 of 9 layers", Some(4_100_000))]);
    let expected = "preparing shop  2.5 s\n  ⠸ looking at images\n    \
                    postgres:15 1 of 9 layers 4.1 MB of 90 MB";
    // The wheel turns with the time, which is given.
    assert_eq!(drawn(&view).replace(['⠋', '⠙', '⠸', '⠴', '⠦', '⠇', '⠏'], "⠸"), expected);
}

#[test]
fn a_step_on_its_way_names_its_replicas_and_the_pivot_is_marked() {
    let view = view(vec![
        planned(),
        begun(0, Action::Do),
        done(0, Action::Do),
        begun(1, Action::Do),
        started("web", 1),
        started("web", 2),
        started("worker", 1),
        ready("web", 1),
        ready("worker", 1),
    ]);
    let expected = [
        "deploying shop r1 (nothing serves)  2.5 s",
        "  ✓ run one-off     migrate           0.4 s",
        "  ⠸ start replicas  web ×2, worker    2.5 s  web 1/2 ready · worker ready",
        "    cutover                                  pivot: undone until here, only forward from here",
    ];
    let text = drawn(&view).replace(['⠋', '⠙', '⠸', '⠴', '⠦', '⠇', '⠏'], "⠸");
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn what_failed_keeps_its_reason_and_what_never_began_is_left_out_at_the_end() {
    let reason = Reason::new(ReasonKind::OneOffFailed, "it ended with exit code 1");
    let failed = EventKind::StepFailed {
        step: 0,
        action: Action::Do,
        reason: reason.clone(),
        will_retry: false,
    };
    let view = view(vec![
        planned(),
        begun(0, Action::Do),
        failed,
        begun(0, Action::Undo),
        done(0, Action::Undo),
        EventKind::Ended {
            outcome: Outcome::RolledBack { reason },
            serving: None,
            total_ms: 2_000,
        },
    ]);
    let expected = [
        "deploying shop r1 (nothing serves)  2.0 s",
        "  ↶ run one-off     migrate           0.4 s  undone  it ended with exit code 1",
    ];
    assert_eq!(drawn(&view), expected.join("\n"));
}

#[test]
fn an_absent_agent_is_said_below() {
    let mut view = view(vec![planned()]);
    view.set_agent_away(true);
    assert!(drawn(&view).ends_with("\n  the agent is away; waiting for it"));
}
