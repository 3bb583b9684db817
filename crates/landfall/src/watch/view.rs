//! What is known of a rollout: the fold over its events. No clock, no terminal.

use std::collections::BTreeMap;

use landfall_api::{Event, EventKind, Outcome, PlanSummary, ProgressKind, RolloutRef};
use landfall_core::id::{ReleaseNumber, ServiceName};
use landfall_core::reason::Reason;
use landfall_core::record::Action;
use landfall_core::route::Route;

/// Everything a viewer may show.
#[derive(Debug)]
pub(super) struct View {
    pub(super) rollout: RolloutRef,
    /// When the first event happened.
    pub(super) begun_ms: Option<u64>,
    pub(super) preparing: Option<String>,
    /// Images on their way, with the engine's words.
    pub(super) pulls: BTreeMap<String, Pull>,
    pub(super) plan: Option<PlanSummary>,
    /// One an entry of the plan.
    pub(super) steps: Vec<StepView>,
    pub(super) turned: Option<Reason>,
    pub(super) stuck: Option<Reason>,
    pub(super) held: Option<Hold>,
    promoted: bool,
    pub(super) ended: Option<End>,
    pub(super) agent_away: bool,
    last_seq: u64,
}

/// It waits for consent.
#[derive(Debug)]
pub(super) struct Hold {
    /// Where the candidate is reached.
    pub(super) preview: Vec<Route>,
    /// When it is called off.
    pub(super) until_ms: Option<u64>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) serving: Option<ReleaseNumber>,
    pub(super) total_ms: u64,
}

/// An image on its way.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) detail: String,
    pub(super) bytes: Option<(u64, u64)>,
}

/// One step.
#[derive(Debug, Default)]
pub(super) struct StepView {
    pub(super) phase: StepPhase,
    /// When the present phase began.
    pub(super) since_ms: u64,
    /// Each replica by service and number.
    pub(super) replicas: BTreeMap<(ServiceName, u32), ReplicaPhase>,
    pub(super) in_flight: Option<u64>,
    /// What went wrong last.
    pub(super) trouble: Option<String>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum StepPhase {
    #[default]
    Pending,
    Doing,
    Done {
        after_ms: u64,
    },
    Failed,
    Undoing,
    Undone {
        after_ms: u64,
    },
}

/// Where a replica stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplicaPhase {
    Started,
    Ready { after_ms: u64 },
    Completed { after_ms: u64 },
}

impl View {
    pub(super) fn new(rollout: RolloutRef) -> Self {
        Self {
            rollout,
            begun_ms: None,
            preparing: None,
            pulls: BTreeMap::new(),
            plan: None,
            steps: Vec::new(),
            turned: None,
            stuck: None,
            held: None,
            promoted: false,
            ended: None,
            agent_away: false,
            last_seq: 0,
        }
    }

    /// Takes one event in.
    pub(super) fn apply(&mut self, event: &Event) {
        self.last_seq = self.last_seq.max(event.seq);
        self.begun_ms.get_or_insert(event.at_ms);
        // Whatever comes after "stuck" or "held" says that it goes on.
        self.stuck = None;
        self.held = None;
        match &event.kind {
            EventKind::Preparing { what } => self.preparing = Some(what.clone()),
            EventKind::Pulling { image, detail, current_bytes, total_bytes } => {
                let bytes = current_bytes.zip(*total_bytes);
                self.pulls.insert(image.clone(), Pull { detail: detail.clone(), bytes });
            }
            EventKind::Planned { plan } => {
                self.steps = plan.steps.iter().map(|_| StepView::default()).collect();
                self.plan = Some(plan.clone());
            }
            EventKind::StepStarted { step, action, .. } => {
                let at_ms = event.at_ms;
                self.step(*step, |view| {
                    view.phase = match action {
                        Action::Do => StepPhase::Doing,
                        Action::Undo => StepPhase::Undoing,
                    };
                    view.since_ms = at_ms;
                });
            }
            EventKind::StepDone { step, action, after_ms } => self.step(*step, |view| {
                view.phase = match action {
                    Action::Do => {
                        view.trouble = None;
                        StepPhase::Done { after_ms: *after_ms }
                    }
                    // What went wrong with it stays worth knowing.
                    Action::Undo => StepPhase::Undone { after_ms: *after_ms },
                };
            }),
            EventKind::StepFailed { step, action, reason, will_retry } => {
                self.step(*step, |view| {
                    view.trouble = Some(reason.to_string());
                    if *action == Action::Do && !will_retry {
                        view.phase = StepPhase::Failed;
                    }
                });
            }
            EventKind::Progress { step, progress } => {
                self.step(*step, |view| view.progress(progress));
            }
            EventKind::TurnedBack { reason } => self.turned = Some(reason.clone()),
            EventKind::Resumed => {}
            EventKind::Held { preview, until_ms } => {
                self.held = Some(Hold { preview: preview.clone(), until_ms: *until_ms });
            }
            EventKind::Promoted { .. } => self.promoted = true,
            EventKind::Stuck { reason } => self.stuck = Some(reason.clone()),
            EventKind::Ended { outcome, serving, total_ms } => {
                let (outcome, serving, total_ms) = (outcome.clone(), *serving, *total_ms);
                self.ended = Some(End { outcome, serving, total_ms });
            }
        }
    }

    fn step(&mut self, index: usize, change: impl FnOnce(&mut StepView)) {
        if let Some(view) = self.steps.get_mut(index) {
            change(view);
        }
    }

    /// Whether nothing more will come without a person.
    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some() || self.stuck.is_some() || self.held.is_some()
    }

    /// Whether it was held and let through.
    pub(super) fn is_promoted(&self) -> bool {
        self.promoted
    }

    /// The newest event seen.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    pub(super) fn set_agent_away(&mut self, away: bool) {
        self.agent_away = away;
    }

    /// Steps that were undone.
    pub(super) fn undone(&self) -> usize {
        self.steps.iter().filter(|s| matches!(s.phase, StepPhase::Undone { .. })).count()
    }

    /// Whether the cutover is done.
    pub(super) fn is_past_pivot(&self) -> bool {
        let pivot = self.plan.as_ref().and_then(|plan| self.steps.get(plan.pivot));
        pivot.is_some_and(|step| matches!(step.phase, StepPhase::Done { .. }))
    }
}

impl StepView {
    fn progress(&mut self, progress: &ProgressKind) {
        match progress {
            ProgressKind::Started { service, replica } => {
                self.replicas.insert((service.clone(), *replica), ReplicaPhase::Started);
            }
            ProgressKind::Ready { service, replica, after_ms } => {
                let phase = ReplicaPhase::Ready { after_ms: *after_ms };
                self.replicas.insert((service.clone(), *replica), phase);
            }
            ProgressKind::Completed { service, after_ms } => {
                let phase = ReplicaPhase::Completed { after_ms: *after_ms };
                self.replicas.insert((service.clone(), 1), phase);
            }
            ProgressKind::Draining { in_flight } => self.in_flight = Some(*in_flight),
            ProgressKind::Retrying { message } => self.trouble = Some(message.clone()),
        }
    }
}
