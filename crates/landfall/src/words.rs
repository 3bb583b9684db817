//! Rollouts in words: what they are for, where they stand, how they ended. For every list of them.

use landfall_api::{OpenPhase, Outcome, RolloutView};
use landfall_core::plan::RolloutKind;
use landfall_core::reason::Reason;

use crate::output::humane::{age, date_utc};
use crate::output::style::{Paint, Tone, harmless};
use crate::watch::now_ms;

/// Characters of a commit that are shown.
pub(crate) const COMMIT_SHOWN: usize = 12;

/// What a rollout is for, as a noun.
pub(crate) fn kind(kind: RolloutKind) -> &'static str {
    match kind {
        RolloutKind::Deploy => "deploy",
        RolloutKind::RollBack => "rollback",
        RolloutKind::Down => "down",
        RolloutKind::Recovered => "recovered",
    }
}

/// A commit, short.
pub(crate) fn commit(commit: Option<&str>) -> String {
    commit.map(harmless).unwrap_or_default().chars().take(COMMIT_SHOWN).collect()
}

/// A reason on one line.
pub(crate) fn reason(reason: &Reason) -> String {
    harmless(&reason.to_string().replace('\n', " "))
}

/// How a rollout ended or where it stands, with its reason.
pub(crate) fn state(rollout: &RolloutView, paint: Paint) -> String {
    match (&rollout.outcome, &rollout.phase) {
        (Some(outcome), _) => ended(outcome, paint),
        (None, Some(phase)) => stands(phase, paint),
        (None, None) => paint.text(Tone::Busy, "open"),
    }
}

/// How a rollout ended.
pub(crate) fn ended(outcome: &Outcome, paint: Paint) -> String {
    match outcome {
        Outcome::Succeeded => paint.text(Tone::Good, "succeeded"),
        Outcome::RolledBack { reason: why } => {
            format!("{}: {}", paint.text(Tone::Bad, "undone"), reason(why))
        }
        Outcome::Abandoned { reason: why, by, .. } => {
            let by = harmless(by);
            format!("{} by {by}: {}", paint.text(Tone::Bad, "abandoned"), reason(why))
        }
        Outcome::Refused { problem } => {
            format!("{}: {}", paint.text(Tone::Bad, "refused"), harmless(&problem.message))
        }
        Outcome::NothingToDo => "nothing to do".to_owned(),
    }
}

/// Where an open rollout stands.
pub(crate) fn stands(phase: &OpenPhase, paint: Paint) -> String {
    match phase {
        OpenPhase::Preparing => "preparing".to_owned(),
        OpenPhase::Forward { past_pivot: false } => "on its way".to_owned(),
        OpenPhase::Forward { past_pivot: true } => "cut over, tidying up".to_owned(),
        OpenPhase::Back { reason: why } => {
            paint.text(Tone::Busy, format!("on its way back: {}", reason(why)))
        }
        OpenPhase::Held { since_ms, until_ms, .. } => {
            let until = until_ms.map(|ms| format!(", until {} UTC", date_utc(ms)));
            let age = age(*since_ms, now_ms());
            paint.text(Tone::Accent, format!("held for {age}{}", until.unwrap_or_default()))
        }
        OpenPhase::Stuck { reason: why } => {
            paint.text(Tone::Bad, format!("stuck: {}", reason(why)))
        }
    }
}
