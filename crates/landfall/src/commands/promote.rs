//! `landfall promote`: let a held rollout through.

use clap::Args;
use landfall_api::{PromoteRequest, RolloutId};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};
use crate::watch::Since;

/// Let a held rollout through: its release is checked once more and cut over.
///
/// Lets a rollout through that is held before its cutover. Every replica of the new release is started
/// if it does not run, and passes its gate anew, before users are sent to it. If one does not, the
/// rollout is undone and what served before goes on serving.
#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
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

pub(crate) async fn run(args: &PromoteArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let request = PromoteRequest { by: invocation.settings.by.clone() };
    let rollout = invocation.client().promote(&app, args.rollout, &request).await?;
    rollout::watch_to_end(invocation, &rollout, &args.watch, Since::Promoted).await
}
