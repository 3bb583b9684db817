//! `landfall agent stop`: end the agent, and the edge when asked to.

use clap::Args;

use crate::cli::CommonArgs;
use crate::daemon::{Role, Stopped, stop};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Stop the agent; the edge goes on serving.
///
/// Stops the agent. Apps go on running and the edge goes on serving them; an open rollout is taken up
/// again when the agent is back.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Stop the edge too: from then on nobody answers on the apps' ports.
    #[arg(long)]
    edge: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

pub(super) async fn run(args: &StopArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let paths = &invocation.settings.paths;
    tell(invocation, Role::Agent, stop(Role::Agent, paths).await?);
    if args.edge {
        tell(invocation, Role::Edge, stop(Role::Edge, paths).await?);
    }
    Ok(Exit::Done)
}

fn tell(invocation: &Invocation, role: Role, stopped: Stopped) {
    let role = role.as_str();
    invocation.printer.say(&match stopped {
        Stopped::Now { pid } => format!("{role} stopped (pid {pid})"),
        Stopped::Already => format!("{role} was not running"),
    });
}
