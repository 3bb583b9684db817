//! `cargo xtask chaos`: the real product on real engines while things go wrong. Each engine is the
//! command's own, in namespaces of its own, so that no other engine or process is touched.
//!
//! The command runs twice: outside it prepares the machine, inside (a child in the namespaces) it
//! does the work and writes `docs/chaos.md`.

#[cfg(feature = "load")]
mod document;
#[cfg(feature = "load")]
mod enter;

use clap::Subcommand;

use crate::setup::which::Engines;

/// Parts of the matrix.
const PARTS: [&str; 9] =
    ["kills", "faults", "engine", "hands", "disks", "lost", "half", "registry", "short"];

/// What to try, and on which engine.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// The engine.
    #[arg(long, value_enum, default_value_t = Engines::INSTALLED, global = true)]
    engine: Engines,
    /// Leave `docs/chaos.md` as it is.
    #[arg(long, global = true)]
    no_document: bool,
    /// Run here, as the only process of the namespaces that were made for it.
    #[arg(long, hide = true, global = true)]
    inside: bool,
}

#[derive(Subcommand)]
enum What {
    /// Every step of a deploy against every fault.
    Matrix {
        /// Only these parts; `short` is a little of each.
        #[arg(long, value_parser = PARTS)]
        only: Vec<String>,
        /// Only every n-th step.
        #[arg(long, default_value_t = 1)]
        every: usize,
        /// Only steps in whose name this stands.
        #[arg(long)]
        step: Vec<String>,
    },
    /// Rollouts in a row under load, with random faults.
    Run {
        /// For how long.
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        /// What to do follows from it; of the clock when none is given.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Power losses and shutdowns; engine, agent and edge come up in every order.
    Reboot,
}

#[cfg(feature = "load")]
pub(crate) use enter::run;
