//! What the journals say: what serves, what is stable, what is open. Pure; there is no second map.

use landfall_api::{HistoryEntry, Outcome, RolloutView};
use landfall_core::id::{ReleaseNumber, RolloutNumber};
use landfall_core::label::Scope;
use landfall_core::plan::{Plan, RolloutKind, Step};
use landfall_core::record::{Record, Verdict};
use landfall_deploy::ports::{FoundContainer, Status};

use crate::narrator::outcome;
use crate::store::Began;

/// The release that serves, by the newest rollout that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServingSince {
    /// The release.
    pub release: ReleaseNumber,
    /// The rollout that brought it.
    pub rollout: RolloutNumber,
    /// When; milliseconds since 1970.
    pub since_ms: u64,
}

/// How a rollout ended; `None` while it is open.
pub(crate) fn verdict(rollout: &Began) -> Option<&Verdict> {
    match &rollout.last.record {
        Record::Ended { verdict } => Some(verdict),
        Record::Began { .. }
        | Record::Intended { .. }
        | Record::Succeeded { .. }
        | Record::Failed { .. }
        | Record::Turned { .. }
        | Record::Resumed
        | Record::Held
        | Record::Promoted { .. }
        | Record::Stuck { .. } => None,
    }
}

/// What a rollout brought to serve when it ended, which may be nothing; `None`: it changed nothing of
/// that.
#[expect(clippy::option_option, reason = "to take down what serves is a change, and no release")]
fn brought(
    kind: RolloutKind,
    of: (RolloutNumber, Option<ReleaseNumber>),
    outcome: Option<&Outcome>,
) -> Option<Option<ReleaseNumber>> {
    match outcome? {
        Outcome::Succeeded => Some(match kind {
            RolloutKind::Down => None,
            RolloutKind::Deploy | RolloutKind::RollBack | RolloutKind::Recovered => of.1,
        }),
        Outcome::Abandoned { serving: None, .. } => Some(None),
        Outcome::Abandoned { serving: Some(serving), .. } => {
            (serving.rollout == of.0).then_some(Some(serving.release))
        }
        Outcome::RolledBack { .. } | Outcome::Refused { .. } | Outcome::NothingToDo => None,
    }
}

/// What each rollout that changed what serves brought, in the order given.
fn changes(rollouts: &[Began]) -> impl Iterator<Item = (&Began, Option<ReleaseNumber>)> {
    rollouts.iter().filter_map(|rollout| {
        let header = &rollout.header;
        let outcome = verdict(rollout).map(outcome);
        let of = (header.rollout, header.release);
        Some((rollout, brought(header.kind, of, outcome.as_ref())?))
    })
}

/// What serves; `rollouts` newest first.
pub(crate) fn serving(rollouts: &[Began]) -> Option<ServingSince> {
    let (newest, release) = changes(rollouts).next()?;
    Some(ServingSince {
        release: release?,
        rollout: newest.header.rollout,
        since_ms: newest.last.at_ms,
    })
}

/// Releases that served at some time, each once, ascending.
pub(crate) fn stable(rollouts: &[Began]) -> Vec<ReleaseNumber> {
    let mut numbers: Vec<_> = changes(rollouts).filter_map(|(_, release)| release).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Rollouts with the times in which what they brought served; newest first, as given.
pub(crate) fn told(rollouts: Vec<RolloutView>) -> Vec<HistoryEntry> {
    let mut until_ms = None;
    let tell = |rollout: RolloutView| {
        let of = (rollout.rollout, rollout.release);
        let brought = brought(rollout.kind, of, rollout.outcome.as_ref());
        let from_ms = rollout.ended_at_ms.filter(|_| brought.is_some());
        let serves = from_ms.filter(|_| brought.flatten().is_some());
        let entry =
            HistoryEntry { served_from_ms: serves, served_until_ms: serves.and(until_ms), rollout };
        until_ms = from_ms.or(until_ms);
        entry
    };
    rollouts.into_iter().map(tell).collect()
}

/// Whether a stateful container is only what a dead rollout left: a `create` that the agent did not
/// live to see can come after its undo has looked. It never ran, and its rollout is over and never
/// served, so nothing needs it and no call is on its way to it: it is neither started nor taken over,
/// and the next rollout that succeeds sweeps it. One that ever ran is a database, whoever made it.
pub(crate) fn is_leftover(rollouts: &[Began], found: &FoundContainer) -> bool {
    let number = found.labels.rollout;
    let is_it = |rollout: &&Began| rollout.header.rollout == number;
    let is_open = rollouts.iter().find(is_it).is_some_and(|rollout| verdict(rollout).is_none());
    let served = || changes(rollouts).any(|(began, brought)| is_it(&began) && brought.is_some());
    let never_ran = match found.status {
        Status::Created => true,
        Status::Running | Status::Restarting | Status::Exited => false,
    };
    found.labels.scope == Scope::App && never_ran && !is_open && !served()
}

/// The rollout that has not ended.
pub(crate) fn open(rollouts: &[Began]) -> Option<&Began> {
    rollouts.iter().find(|rollout| verdict(rollout).is_none())
}

/// Releases that a rollout leaves to go back to, its own included; `None`: it takes none away.
pub(crate) fn left_by(plan: &Plan) -> Option<Vec<ReleaseNumber>> {
    let mut keeps = plan.steps.iter().filter_map(|step| {
        let Step::Prune { keep, .. } = step else { return None };
        Some(keep)
    });
    let kept = keeps.next()?.iter().copied();
    Some(kept.chain(plan.release).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Header;
    use landfall_core::label::Labels;
    use landfall_core::reason::{Reason, ReasonKind};
    use landfall_deploy::ports::Entry;

    fn began(number: u32, kind: RolloutKind, release: u32, record: Record) -> Began {
        Began {
            header: Header {
                app: "shop".parse().unwrap(),
                rollout: RolloutNumber(number),
                kind,
                release: (release > 0).then_some(ReleaseNumber(release)),
                by: "ann".to_owned(),
                opened_at_ms: 0,
            },
            last: Entry { seq: 9, at_ms: u64::from(number) * 10, record },
        }
    }

    fn good() -> Record {
        Record::Ended { verdict: Verdict::Succeeded }
    }

    fn bad() -> Record {
        let reason = Reason::new(ReasonKind::Crashed, "x");
        Record::Ended { verdict: Verdict::RolledBack { reason } }
    }

    #[test]
    fn what_serves_is_what_last_succeeded() {
        let mut rollouts = vec![
            began(4, RolloutKind::Deploy, 3, Record::Resumed),
            began(3, RolloutKind::RollBack, 1, good()),
            began(2, RolloutKind::Deploy, 2, bad()),
            began(1, RolloutKind::Deploy, 1, good()),
        ];
        let served = serving(&rollouts).unwrap();
        assert_eq!((served.release.0, served.rollout.0, served.since_ms), (1, 3, 30));
        assert_eq!(stable(&rollouts), [ReleaseNumber(1)]);
        assert_eq!(open(&rollouts).unwrap().header.rollout.0, 4);
        rollouts.insert(0, began(5, RolloutKind::Down, 0, good()));
        assert_eq!(serving(&rollouts), None);
        assert_eq!(serving(&[]), None);
    }

    #[test]
    fn an_abandoned_rollout_serves_only_if_it_had_cut_over() {
        let abandoned = |serving: Option<(u32, u32)>| Record::Ended {
            verdict: Verdict::Abandoned {
                reason: Reason::new(ReasonKind::Engine, "x"),
                by: "ann".to_owned(),
                serving: serving.map(|(release, rollout)| landfall_core::plan::Serving {
                    release: ReleaseNumber(release),
                    rollout: RolloutNumber(rollout),
                }),
                left: vec![],
            },
        };
        let first = || began(1, RolloutKind::Deploy, 1, good());
        let before = [began(2, RolloutKind::Deploy, 2, abandoned(Some((1, 1)))), first()];
        assert_eq!(serving(&before).map(|s| (s.release.0, s.rollout.0)), Some((1, 1)));
        assert_eq!(stable(&before), [ReleaseNumber(1)]);
        let after = [began(2, RolloutKind::Deploy, 2, abandoned(Some((2, 2)))), first()];
        assert_eq!(serving(&after).map(|s| (s.release.0, s.rollout.0)), Some((2, 2)));
        assert_eq!(stable(&after), [ReleaseNumber(1), ReleaseNumber(2)]);
        let down = [began(2, RolloutKind::Down, 0, abandoned(None)), first()];
        assert_eq!(serving(&down), None);
        assert!(open(&down).is_none());
    }

    #[test]
    fn only_a_database_that_never_ran_and_whose_rollout_never_served_is_a_leftover() {
        let rollouts = [
            began(4, RolloutKind::Deploy, 3, Record::Resumed),
            began(3, RolloutKind::Down, 0, good()),
            began(2, RolloutKind::Deploy, 2, bad()),
            began(1, RolloutKind::Deploy, 1, good()),
        ];
        let leftover = |rollout: u32, scope, status| {
            let labels = Labels {
                app: "shop".parse().unwrap(),
                release: ReleaseNumber(rollout),
                rollout: RolloutNumber(rollout),
                step: 4,
                scope,
                service: Some("db".parse().unwrap()),
                replica: Some(1),
                revision: None,
            };
            let (id, name) = ("c1".to_owned(), "db".to_owned());
            is_leftover(&rollouts, &FoundContainer { id, name, labels, status })
        };
        let never_ran = |rollout| leftover(rollout, Scope::App, Status::Created);
        assert!(never_ran(2), "an undone rollout's");
        assert!(never_ran(9), "one that nobody knows of");
        assert!(!never_ran(1), "one that served may be about to be started");
        assert!(!never_ran(4), "an open rollout's belongs to its driver");
        for ran in [Status::Running, Status::Restarting, Status::Exited] {
            assert!(!leftover(2, Scope::App, ran), "{ran:?}: its data is in use");
        }
        assert!(!leftover(2, Scope::Release, Status::Created), "no database");
    }

    #[test]
    fn history_says_from_when_until_when_a_release_served() {
        // R29, R235
        let view = |number: u32, kind, outcome| RolloutView {
            rollout: RolloutNumber(number),
            kind,
            release: Some(ReleaseNumber(number)).filter(|_| kind != RolloutKind::Down),
            by: "ann".to_owned(),
            opened_at_ms: u64::from(number) * 10,
            ended_at_ms: Some(u64::from(number) * 10 + 5),
            outcome: Some(outcome),
            phase: None,
            message: None,
            commit: None,
        };
        let undone =
            || Outcome::RolledBack { reason: Reason::new(ReasonKind::Crashed, "it exited") };
        let told = told(vec![
            view(5, RolloutKind::Deploy, Outcome::Succeeded),
            view(4, RolloutKind::Down, Outcome::Succeeded),
            view(3, RolloutKind::Deploy, undone()),
            view(2, RolloutKind::Deploy, Outcome::Succeeded),
            view(1, RolloutKind::Deploy, Outcome::Succeeded),
        ]);
        let served: Vec<_> = told.iter().map(|e| (e.served_from_ms, e.served_until_ms)).collect();
        let expected = [
            (Some(55), None),
            (None, None),
            (None, None),
            (Some(25), Some(45)),
            (Some(15), Some(25)),
        ];
        assert_eq!(served, expected);
    }
}
