//! The agent from outside: its API over a real socket, its store on a real disk, over a fake engine
//! and a fake edge.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as their assertions do")]

mod api;
#[cfg(feature = "crash-points")]
mod crash;
mod deploys;
mod edge;
mod golden;
mod histories;
mod holds;
mod operators;
mod platform;
mod ports;
mod recover;
mod recovery;
mod site;
