//! `cargo xtask upgrades`: the edge is replaced again and again under load, each time by a process
//! that takes over from the one before, and nothing may be refused, reset or wrong. A tunnel stays
//! open over all of it. What is behind the edge is a stand-in: beside it, or in a container.

#[cfg(feature = "load")]
mod behind;
#[cfg(feature = "load")]
mod edges;
#[cfg(feature = "load")]
mod enter;
#[cfg(feature = "load")]
mod run;
#[cfg(feature = "load")]
mod tunnel;

use crate::setup::which::Engines;

/// Bound of everything that is waited for.
#[cfg(feature = "load")]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// How much, and in front of what.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often the edge is replaced.
    #[arg(long, default_value_t = 20)]
    upgrades: u32,
    /// Requests a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// Time between two upgrades.
    #[arg(long, default_value_t = 1_000)]
    every_ms: u64,
    /// Stop the edge and start another instead: shows that this would be noticed.
    #[arg(long)]
    by_restart: bool,
    /// What is behind the edge runs in a container of this engine; without it, beside the edge.
    #[arg(long, value_enum)]
    engine: Option<Engines>,
    /// Run here, from where the engine's containers are reached.
    #[arg(long, hide = true)]
    inside: bool,
    /// Be what is behind the edge.
    #[arg(long, hide = true)]
    stand_in: bool,
}

#[cfg(feature = "load")]
pub(crate) use enter::run;
