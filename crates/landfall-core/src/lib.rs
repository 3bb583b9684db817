//! Types and decisions of landfall.
//!
//! Everything here is pure: no clock, no I/O, no async runtime. Time, addresses in use and what an
//! engine reports come in as data; plans, judgements and the state of a rollout come out.
//!
//! Reading order: [`id`] and [`spec`] (what is deployed), [`release`] (sealed), [`route`] (what the
//! edge serves), [`plan`] and [`planner`] (what will be done), [`record`] and [`rollout`] (what has
//! been done), [`gate`] (may a replica take traffic), [`retention`] (what may be forgotten).

pub mod control;
pub mod diagnostic;
pub mod diff;
pub mod format;
pub mod gate;
pub mod hash;
pub mod id;
pub mod label;
pub mod mutation;
pub mod name;
pub mod plan;
pub mod planner;
pub mod reason;
pub mod record;
pub mod release;
pub mod retention;
pub mod rollout;
pub mod route;
pub mod secret;
pub mod spec;
pub mod subnet;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
