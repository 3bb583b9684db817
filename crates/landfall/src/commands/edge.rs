//! `landfall edge`: the edge of this host as a process.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use landfall_edge::{Begin, EdgeConfig};

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
/// Requests in flight are finished before it ends. With `--take-over` a running edge hands its
/// listening sockets over, finishes what it has, and ends: no connection is refused.
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
    /// Take over from the edge that runs, if one does; it goes on if that fails.
    #[arg(long)]
    take_over: bool,
    /// Leave the terminal's session; `agent start` uses it.
    #[arg(long, hide = true)]
    detached: bool,
}

pub(crate) fn run(args: &EdgeArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let EdgeCommand::Run(args) = &args.command;
    let paths = &invocation.settings.paths;
    daemon::begin(args.detached)?;
    let state_dir = args.state_dir.clone().unwrap_or_else(|| paths.edge_state());
    let control = args.control.clone().unwrap_or_else(|| paths.edge_socket());
    let mut config = EdgeConfig::new(state_dir, control);
    if let Some(workers) = args.workers {
        config.workers = workers.into();
    }
    let begin = if args.take_over && UnixStream::connect(&config.control_socket).is_ok() {
        // The pid file comes with the rest.
        Begin::TakeOver
    } else {
        config.pid_file = Some(Arc::new(PidFile::take(Role::Edge, paths)?.into_file()));
        Begin::Fresh
    };
    landfall_edge::run(config, begin, daemon::asked_to_end())?;
    Ok(Exit::Done)
}
