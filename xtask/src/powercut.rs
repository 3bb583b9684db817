//! `cargo xtask powercut`: the disk as power cuts leave it, taken while real deploys run. The state of
//! agent and edge is on ext4 in a file on XFS; a reflink copy of that file is what a cut at that
//! moment would leave: what was not synced is not there. Each copy is mounted and judged; from some,
//! agent and edge really start again. Nothing acknowledged may be missing.
//!
//! A file that is written without sync beside the state must lose something, or the test proves
//! nothing.

#[cfg(feature = "load")]
mod app;
#[cfg(feature = "load")]
mod control;
#[cfg(feature = "load")]
mod disk;
#[cfg(feature = "load")]
mod judge;
#[cfg(feature = "load")]
mod play;

/// How many.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Power cuts.
    #[arg(long, default_value_t = 200)]
    cuts: u32,
    /// From every so manieth copy agent and edge start again.
    #[arg(long, default_value_t = 10)]
    restart_every: u32,
    /// The same moments again.
    #[arg(long)]
    seed: Option<u64>,
    /// It runs in a mount namespace of its own already.
    #[arg(long, hide = true)]
    inside: bool,
}

#[cfg(feature = "load")]
pub(crate) use play::run;
