//! A world in memory: engine, edge, journal, files and clock, with a fault at any call.
//!
//! All fakes share one [`World`]. Each call passes one numbered point; a [`Fault`] planted there
//! refuses it, loses its answer, or crashes whoever calls. Invariants are checked at every change.

mod edge;
mod engine;
pub mod invariants;
mod rest;
mod world;

pub use edge::FakeEdge;
pub use engine::FakeEngine;
pub use rest::{FakeFiles, FakeJournal, SilentObserver, SimClock};
pub use world::{Behaviour, Container, Fault, Inner, Network, Phase, World};
