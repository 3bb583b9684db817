//! `cargo xtask upgrades`: the edge is replaced again and again under load, each time by a process
//! that takes over from the one before, and nothing may be refused, reset or wrong. A tunnel stays
//! open over all of it. Needs no engine: what is behind the edge is a stand-in.

#[cfg(feature = "load")]
mod run;

/// How much.
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
}

#[cfg(feature = "load")]
pub(crate) use run::run;
