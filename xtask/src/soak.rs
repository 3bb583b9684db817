//! `cargo xtask soak`: deploys of the shop, one after the other, under a high and mixed load, until
//! enough of both are done. It fails when one request is lost, when memory grows, or when anything
//! is left over beyond the release that serves.

#[cfg(feature = "load")]
mod leftover;
#[cfg(feature = "load")]
mod run;
#[cfg(feature = "load")]
mod sample;

/// How much of it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Deploys at least.
    #[arg(long, default_value_t = 50)]
    deploys: u32,
    /// Requests at least.
    #[arg(long, default_value_t = 200_000)]
    requests: u64,
    /// Requests a second: more than the machine sustains would be skipped, which fails too.
    #[arg(long, default_value_t = 500)]
    rate: u32,
}

#[cfg(feature = "load")]
pub(crate) use run::run;
