//! The executor under fire: crash, refusal and repetition at every point.

mod conformance;
mod crash;
