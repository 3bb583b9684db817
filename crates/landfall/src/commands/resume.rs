//! `landfall resume`: let a stuck rollout try again.

use clap::Args;
use landfall_api::RolloutId;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};
use crate::watch::Since;

/// Let a stuck rollout try again.
///
/// Lets a stuck rollout try again, in the direction in which it went. Remove the cause first;
/// `landfall attach` shows it.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Which rollout, for example `d3`; the newest by default.
    #[arg(
        value_name = "ROLLOUT",
        value_parser = rollout::parse_id,
        default_value = "latest",
        hide_default_value = true
    )]
    rollout: RolloutId,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &ResumeArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let rollout = invocation.client().resume(&app, args.rollout).await?;
    rollout::watch_to_end(invocation, &rollout, &args.watch, Since::Now).await
}
