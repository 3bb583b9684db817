//! Between which record and which effect an agent died, over many runs.

use std::collections::BTreeSet;

/// A step's name, whether it is undone, whether before its effect.
type Pair = (&'static str, bool, bool);

/// Pairs that were hit.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    hit: BTreeSet<Pair>,
}

/// Every kind of step, and whether it is before the pivot or the pivot: those are undone.
const STEPS: [(&str, bool); 17] = [
    ("pin images", true),
    ("create networks", true),
    ("create volumes", true),
    ("write files", true),
    ("start stateful", true),
    ("link stateful", true),
    ("run one-off", true),
    ("start replicas", true),
    ("take names", true),
    ("verify", true),
    ("open preview", true),
    ("gate again", true),
    ("hand over", true),
    ("cutover", true),
    ("drain", false),
    ("stop old", false),
    ("prune", false),
];

impl Coverage {
    /// One more.
    pub fn hit(&mut self, name: &'static str, undo: bool, before: bool) {
        self.hit.insert((name, undo, before));
    }

    /// Takes in another's.
    pub fn merge(&mut self, other: &Self) {
        self.hit.extend(other.hit.iter().copied());
    }

    /// Pairs hit.
    pub fn count(&self) -> usize {
        self.hit.len()
    }

    /// Pairs that were not hit.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (name, undone) in STEPS {
            for undo in [false, true] {
                for before in [true, false] {
                    if (undo && !undone) || self.hit.contains(&(name, undo, before)) {
                        continue;
                    }
                    let way = if undo { "undo" } else { "do" };
                    let side = if before { "before" } else { "after" };
                    missing.push(format!("{name}/{way}/{side}"));
                }
            }
        }
        missing
    }

    /// As a table.
    pub fn table(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("{:<18} do: before after   undo: before after\n", "step");
        for (name, undone) in STEPS {
            let mark = |undo: bool, before: bool| match self.hit.contains(&(name, undo, before)) {
                true => "hit",
                false if undo && !undone => "-",
                false => "MISS",
            };
            let _ = writeln!(
                text,
                "{name:<18} {:>10} {:>5} {:>14} {:>5}",
                mark(false, true),
                mark(false, false),
                mark(true, true),
                mark(true, false),
            );
        }
        text
    }
}
