//! The crash harness: one scenario under every fault at every point, and under random ones.
//!
//! A schedule is a set of faults by point. It runs a rollout, restarts whoever dies, and compares the
//! world at the end with what the verdict promises. Exhaustive in SQLite's way: the n-th call fails,
//! for n = 1, 2, 3 … until a run meets no fault.

mod neighbours;
mod run;
mod scenarios;
mod sweep;
mod terminal;

pub use run::{Outcome, run};
pub use scenarios::{Expect, Scenario, all};
pub use sweep::{Failure, Sweep, exhaustive, random};
