//! What may be forgotten: which releases stay so that they can be rolled back to.

use std::collections::BTreeSet;

use crate::id::ReleaseNumber;
use crate::mutation::{Mutation, planted};

/// Releases to keep, in ascending order: what serves, what served before it, and the newest stable
/// ones beside them, `keep` in all and at least one. Everything else may be pruned.
pub fn keep(
    stable: &[ReleaseNumber],
    serving: Option<ReleaseNumber>,
    before: Option<ReleaseNumber>,
    keep: u32,
) -> Vec<ReleaseNumber> {
    let keep = if planted(Mutation::KeepNothing) { 1 } else { keep.max(1) };
    let wanted = usize::try_from(keep).unwrap_or(usize::MAX);
    let newest: BTreeSet<_> = stable.iter().copied().collect();
    let before = before.filter(|_| !planted(Mutation::KeepForgetsServing));
    let first = serving.into_iter().chain(before);
    let mut kept = BTreeSet::new();
    for number in first.chain(newest.into_iter().rev()) {
        if kept.len() < wanted {
            kept.insert(number);
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(numbers: &[u32]) -> Vec<ReleaseNumber> {
        numbers.iter().copied().map(ReleaseNumber).collect()
    }

    #[test]
    fn the_newest_stable_ones_stay_and_what_serves_always_does() {
        type Case<'a> = (&'a [u32], Option<u32>, Option<u32>, u32, &'a [u32]);
        let cases: &[Case<'_>] = &[
            (&[], None, None, 5, &[]),
            (&[], Some(1), None, 5, &[1]),
            (&[1, 2, 3], Some(3), Some(2), 5, &[1, 2, 3]),
            (&[1, 2, 3, 4], Some(4), Some(3), 2, &[3, 4]),
            // Rolled back to an old one: it counts, wherever it stands.
            (&[1, 2, 3, 4], Some(1), Some(4), 2, &[1, 4]),
            // Deployed after that: the way back leads to what served, not to what was left.
            (&[1, 2, 3, 4], Some(4), Some(1), 2, &[1, 4]),
            (&[1, 2, 3], None, Some(3), 2, &[2, 3]),
            (&[1, 2, 3], None, None, 2, &[2, 3]),
            (&[3, 1, 2, 3], Some(2), None, 2, &[2, 3]),
            // Nothing may take away what serves.
            (&[1, 2], Some(2), Some(1), 0, &[2]),
        ];
        for (stable, serving, before, n, expected) in cases {
            let (serving, before) = (serving.map(ReleaseNumber), before.map(ReleaseNumber));
            let kept = keep(&releases(stable), serving, before, *n);
            assert_eq!(kept, releases(expected), "{stable:?} {serving:?} {before:?} {n}");
        }
    }
}
