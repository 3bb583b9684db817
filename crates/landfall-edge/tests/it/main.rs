//! The edge against real servers on loopback.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod backend;
mod client;
mod control;
mod drain;
mod framing;
mod handover;
mod held;
mod keyed;
mod limits;
mod listeners;
mod persistence;
mod previews;
mod proxying;
mod race;
mod routing;
mod support;
mod switch;
mod tunnel;
