//! The agent in a simulated world: one printed seed decides everything that happens.
//!
//! What runs is the real thing: planner, driver, steps, gate, leases, recovery, reconciliation, as the
//! agent puts them together. What is simulated is what they stand on: engine, edge, store, disk,
//! power, time, clients, strangers.
//!
//! Reading order: [`world`] (how a call meets its fault), [`engine`], [`edge`], [`store`] (the
//! neighbours), [`watch`] (what must hold), [`scenario`] and [`storm`] (what people do), [`run`] (one
//! run), [`sweep`] (many).

pub mod apps;
pub mod behaviour;
mod client;
pub mod corpus;
pub mod coverage;
pub mod edge;
pub mod engine;
pub mod fault;
pub mod files;
mod host;
pub mod picture;
pub mod random;
pub mod run;
pub mod scenario;
pub mod store;
pub mod storm;
pub mod sweep;
pub mod trace;
pub mod watch;
pub mod world;
