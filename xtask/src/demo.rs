//! `cargo xtask demo`: the example shop through good and broken deploys, under load all the time.
//! It fails when one request is lost or anything does not end as it should.

#[cfg(feature = "load")]
mod play;

/// How to show it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the shop, the agent and the edge running; the next demo clears them away.
    #[arg(long)]
    keep: bool,
    /// Requests a second.
    #[arg(long, default_value_t = 40)]
    rate: u32,
}

#[cfg(feature = "load")]
pub(crate) use play::run;
