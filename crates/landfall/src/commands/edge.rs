//! `landfall edge`: the edge of this host as a process.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use landfall_edge::EdgeConfig;

use crate::daemon::{self, PidFile, Role};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Run the edge, which serves the apps' ports on this host.
///
/// The edge is the proxy that serves the apps' ports. It needs neither agent nor engine to go on
/// serving, and keeps its last good routes over restarts.
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    #[command(subcommand)]
    command: EdgeCommand,
}

#[derive(Debug, Subcommand)]
enum EdgeCommand {
    Run(RunArgs),
}

/// Run the edge in the foreground, for a supervisor.
///
/// Runs the edge until SIGTERM or SIGINT, its log on standard error (`LANDFALL_LOG` sets how much).
/// Requests in flight are finished before it ends.
#[derive(Debug, Args)]
struct RunArgs {
    /// Folder of its route tables; `LANDFALL_STATE_DIR/edge` by default.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Its control socket; `LANDFALL_RUN_DIR/edge.sock` by default.
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// Worker threads; one a core by default.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Leave the terminal's session; `agent start` uses it.
    #[arg(long, hide = true)]
    detached: bool,
}

pub(crate) fn run(args: &EdgeArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let EdgeCommand::Run(args) = &args.command;
    let paths = &invocation.settings.paths;
    daemon::begin(args.detached)?;
    let _pid_file = PidFile::take(Role::Edge, paths)?;
    let state_dir = args.state_dir.clone().unwrap_or_else(|| paths.edge_state());
    let control = args.control.clone().unwrap_or_else(|| paths.edge_socket());
    let mut config = EdgeConfig::new(state_dir, control);
    if let Some(workers) = args.workers {
        config.workers = workers.into();
    }
    landfall_edge::run(config, daemon::asked_to_end())?;
    Ok(Exit::Done)
}
