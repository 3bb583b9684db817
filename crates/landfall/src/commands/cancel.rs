//! `landfall cancel`: call a rollout off.

use clap::Args;
use landfall_api::RolloutId;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};
use crate::watch::{self, Since};

/// Call the open rollout off; what served before goes on serving.
///
/// Calls the open rollout off: its steps are undone, and what served before goes on serving. Refused
/// once the cutover has begun; `landfall rollback` goes back then.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
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

pub(crate) async fn run(args: &CancelArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let rollout = invocation.client().cancel(&app, args.rollout).await?;
    if args.watch.detach {
        return rollout::watch_to_end(invocation, &rollout, &args.watch, Since::Now).await;
    }
    let verdict = watch::follow(invocation, &rollout, Since::Now).await?;
    verdict.show(&invocation.printer);
    // Undone, or never begun, is what was asked for.
    Ok(if verdict.is_called_off() { Exit::Done } else { verdict.exit() })
}
