//! `landfall attach`: watch a rollout again.

use clap::Args;
use landfall_api::RolloutId;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};
use crate::watch::Since;

/// Watch a rollout that goes on at the agent, or look at one that has ended.
///
/// Shows a rollout from its beginning: to its end if it goes on, as it was if it has ended. Any number
/// of people may watch one rollout. The exit code is that of the rollout.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// Which rollout, for example `d3`; the newest by default.
    #[arg(
        value_name = "ROLLOUT",
        value_parser = rollout::parse_id,
        default_value = "latest",
        hide_default_value = true
    )]
    rollout: RolloutId,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &AttachArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let rollout = rollout::resolve(invocation, &app, args.rollout).await?;
    rollout::watch_to_end(invocation, &rollout, &WatchArgs::default(), Since::Beginning).await
}
