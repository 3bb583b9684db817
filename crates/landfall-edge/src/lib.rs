//! The edge: reverse proxy with atomic route tables and drain.
//!
//! It runs as its own process, without privileges and without access to the engine. It is told what
//! to serve through `landfall_core::control` on a unix socket, keeps the last good table on disk and
//! serves it again after a restart, with or without an agent.
//!
//! Reading order: [`config`] (what it is given), `routing` (which request goes where), `target` (an
//! endpoint, its pool and its count of requests in flight), `upstream` (one connection to it),
//! `exchange` (one request from end to end), `held` (requests that
//! wait for an endpoint), `hub` (who is connected and for how long), `edge` (the
//! swap of tables), `store` (tables on disk), `control` (what others may ask), `handover` (one
//! edge after another), `keeper` (who holds the sockets of an edge that is killed), `server` (start
//! and stop).
//!
//! It knows no time-outs of the rollout, no health gate and no releases beyond their numbers: the
//! agent decides, the edge obeys or refuses.

mod accept;
mod activity;
mod answer;
mod body;
mod client_io;
pub mod config;
mod control;
mod doors;
mod edge;
mod error;
mod exchange;
mod forward;
mod gather;
mod handover;
mod headers;
mod held;
mod hub;
mod keeper;
mod limits;
mod listen;
mod outgoing;
mod patience;
mod raw_io;
mod relay;
mod routing;
mod server;
mod store;
mod target;
mod targets;
mod trial;
mod tunnel;
mod upstream;

pub use answer::REASON_HEADER;
pub use config::{EdgeConfig, Limits};
pub use error::EdgeError;
pub use keeper::Keeper;
pub use server::{Begin, Server, run};
pub use store::stored_table;
