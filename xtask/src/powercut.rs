//! `cargo xtask powercut`: the power fails in the middle of real deploys. The states of agent and
//! edge are on an ext4 each, in files on an XFS; a reflink copy of such a file is what a power cut at
//! that moment leaves: what was not synced is not there. From every copy agent and edge start again,
//! beside the engine as it was: nothing acknowledged may be missing, what was open must come to its
//! end, one whole release must serve, and the next deploy must work.
//!
//! Then the same with a store and an edge that do not sync: those must be caught losing something,
//! or the cuts prove nothing.

#[cfg(feature = "load")]
mod app;
#[cfg(feature = "load")]
mod control;
#[cfg(feature = "load")]
mod disk;
#[cfg(feature = "load")]
mod enter;
#[cfg(any(feature = "load", test))]
mod judge;
#[cfg(feature = "load")]
mod listen;
#[cfg(feature = "load")]
mod play;
#[cfg(feature = "load")]
mod tally;

use crate::setup::which::Engines;

#[cfg(any(feature = "load", test))]
const APP: &str = "landfall-powercut";

/// How many, and on which engine.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Power cuts.
    #[arg(long, default_value_t = 200)]
    cuts: u32,
    /// The same wishes again; of the clock when none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// The engine.
    #[arg(long, value_enum, default_value_t = Engines::INSTALLED)]
    engine: Engines,
    /// Run here, in the namespaces that were made for it.
    #[arg(long, hide = true)]
    inside: bool,
}

#[cfg(feature = "load")]
pub(crate) use enter::run;
