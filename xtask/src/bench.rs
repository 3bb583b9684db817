//! `cargo xtask bench`: what a deploy costs beyond what the engine costs anyway, what the edge costs
//! beside nginx, what sits in memory. All of it in one run on one machine, so that the figures can be
//! compared; the table can be pasted into the README.

#[cfg(feature = "load")]
mod change;
#[cfg(feature = "load")]
mod compose;
#[cfg(feature = "load")]
mod edge;
#[cfg(feature = "load")]
mod floor;
#[cfg(feature = "load")]
mod loading;
#[cfg(feature = "load")]
mod run;
#[cfg(feature = "load")]
mod table;

/// What to measure, and how often.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds; in each, every contender changes the service once.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave the edge against nginx out.
    #[arg(long)]
    no_edge: bool,
    /// Only measure the reading of compose files; no engine is needed.
    #[arg(long, conflicts_with = "no_edge")]
    only_loading: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[cfg(feature = "load")]
pub(crate) use run::run;
