//! The deploy transaction: driver, steps, recovery, and the ports they need.
//!
//! Decisions come from `landfall-core`; this crate turns them into effects through [`ports`], journal
//! first. It knows neither Docker nor HTTP nor SQLite. Dropping a driver's future at any await is a
//! crash, and legal: nothing is spawned, all state is in the journal and in the world.
//!
//! Reading order: [`driver`], then one step a file under `steps`.

pub mod driver;
pub mod ports;
mod repair;
mod steps;

pub use driver::{Cancel, Driver, PAUSE_MAX, Settled};
