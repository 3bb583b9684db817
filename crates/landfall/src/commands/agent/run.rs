//! `landfall agent run`: the agent in the foreground.

use clap::Args;

use crate::cli::CommonArgs;
use crate::daemon::{self, PidFile, Role};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Runs the agent until SIGTERM or SIGINT, its log on standard error (`LANDFALL_LOG` sets how much).
/// It waits for an engine or an edge that is not there yet.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Leave the terminal's session; `agent start` uses it.
    #[arg(long, hide = true)]
    detached: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

pub(crate) fn run(args: &RunArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let paths = &invocation.settings.paths;
    daemon::begin(args.detached)?;
    let _pid_file = PidFile::take(Role::Agent, paths)?;
    Err(Failure::internal("not wired yet"))
}
