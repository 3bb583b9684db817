//! Versions of the journal's format: which one can carry a record.
//!
//! A reader takes all versions up to [`NEWEST`] and refuses newer ones without changing anything; a
//! writer uses the lowest version that can carry the record. So a newer landfall goes on with every
//! older journal, and going back to an older landfall works as long as nothing new was used.
//!
//! Whoever adds a kind, a variant or a field that records can hold gives it the version of the next
//! release here; the matches are total so that none is forgotten. Older records must read and write
//! as ever: a new field is skipped where it has its default.

use crate::plan::{Plan, RolloutKind, Step};
use crate::reason::{Reason, ReasonKind};
use crate::record::{Record, Verdict};

/// Newest version of the record format that is known here.
///
/// 1: the first one. 2: rollouts of the kind `recovered`; the verdict `abandoned`; holds, since a
/// landfall that knows none would cut over without the consent.
pub const NEWEST: u32 = 2;

const FIRST: u32 = 1;

impl Record {
    /// The lowest version of the format that can carry it.
    pub fn format(&self) -> u32 {
        match self {
            Self::Began { plan } => plan_format(plan),
            Self::Intended { .. } | Self::Succeeded { .. } | Self::Resumed => FIRST,
            Self::Failed { reason, .. } | Self::Turned { reason } | Self::Stuck { reason } => {
                reason_format(reason)
            }
            Self::Ended { verdict } => verdict_format(verdict),
            Self::Held | Self::Promoted { .. } => 2,
        }
    }
}

fn plan_format(plan: &Plan) -> u32 {
    // Named one by one, so that a new field is not forgotten here.
    let Plan {
        app: _,
        rollout: _,
        kind,
        previous: _,
        release: _,
        steps,
        pivot: _,
        hold,
        step_deadline_ms: _,
        notes: _,
    } = plan;
    let kind = match kind {
        RolloutKind::Deploy | RolloutKind::RollBack | RolloutKind::Down => FIRST,
        RolloutKind::Recovered => 2,
    };
    let hold = if hold.is_some() { 2 } else { FIRST };
    steps.iter().map(step_format).fold(kind.max(hold), u32::max)
}

fn step_format(step: &Step) -> u32 {
    match step {
        Step::PinImages { .. }
        | Step::CreateNetworks { .. }
        | Step::CreateVolumes { .. }
        | Step::WriteFiles
        | Step::StartStateful { .. }
        | Step::LinkStateful { .. }
        | Step::RunOneOff { .. }
        | Step::StartReplicas { .. }
        | Step::TakeNames { .. }
        | Step::Verify { .. }
        | Step::HandOver { .. }
        | Step::Cutover { .. }
        | Step::Drain { .. }
        | Step::StopOld { .. }
        | Step::Prune { .. } => FIRST,
        Step::OpenPreview { .. } | Step::GateAgain { .. } => 2,
    }
}

fn reason_format(reason: &Reason) -> u32 {
    match reason.kind {
        ReasonKind::Crashed
        | ReasonKind::NotReady
        | ReasonKind::OneOffFailed
        | ReasonKind::VerifyFailed
        | ReasonKind::Engine
        | ReasonKind::Edge
        | ReasonKind::Files
        | ReasonKind::Deadline
        | ReasonKind::Cancelled
        | ReasonKind::Interrupted => FIRST,
    }
}

fn verdict_format(verdict: &Verdict) -> u32 {
    match verdict {
        Verdict::Succeeded => FIRST,
        Verdict::RolledBack { reason } => reason_format(reason),
        Verdict::Abandoned { .. } => 2,
    }
}
