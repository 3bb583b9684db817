//! What may be forgotten: which releases stay so that they can be rolled back to.

use std::collections::BTreeSet;

use crate::id::ReleaseNumber;

/// Releases to keep, in ascending order: what serves, and the newest stable ones beside it, `keep` in
/// all and at least one. Everything else may be pruned.
pub fn keep(
    stable: &[ReleaseNumber],
    serving: Option<ReleaseNumber>,
    keep: u32,
) -> Vec<ReleaseNumber> {
    let wanted = usize::try_from(keep.max(1)).unwrap_or(usize::MAX);
    let others: BTreeSet<_> = stable.iter().copied().filter(|n| Some(*n) != serving).collect();
    let room = wanted - usize::from(serving.is_some());
    let mut kept: BTreeSet<_> = others.into_iter().rev().take(room).collect();
    kept.extend(serving);
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
        type Case<'a> = (&'a [u32], Option<u32>, u32, &'a [u32]);
        let cases: &[Case<'_>] = &[
            (&[], None, 5, &[]),
            (&[], Some(1), 5, &[1]),
            (&[1, 2, 3], Some(3), 5, &[1, 2, 3]),
            (&[1, 2, 3, 4], Some(4), 2, &[3, 4]),
            // Rolled back to an old one: it counts, wherever it stands.
            (&[1, 2, 3, 4], Some(1), 2, &[1, 4]),
            (&[1, 2, 3], None, 2, &[2, 3]),
            (&[3, 1, 2, 3], Some(2), 2, &[2, 3]),
            // Nothing may take away what serves.
            (&[1, 2], Some(2), 0, &[2]),
        ];
        for (stable, serving, n, expected) in cases {
            let kept = keep(&releases(stable), serving.map(ReleaseNumber), *n);
            assert_eq!(kept, releases(expected), "{stable:?} {serving:?} {n}");
        }
    }
}
