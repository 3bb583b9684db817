//! Transcripts of the real binary: what is typed, what is said, on which stream, with which exit
//! code. No test needs an engine; where an agent has to answer, it is a canned one.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage must fail loudly")]

mod canned;
mod check;
mod config;
mod explain;
mod help;
mod init;
mod kept;
mod past;
mod processes;
mod reference;
mod refusals;
mod remote;
mod rollouts;
mod stage;
mod views;
