//! `landfall edge`: the edge of this host as a process.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use landfall_api::EdgeClient;
use landfall_edge::{Begin, EdgeConfig};

use crate::daemon::{self, FdStore, Launch, PidFile, Role, notify, succeed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Run or replace the edge, which serves the apps' ports on this host.
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
    Upgrade(UpgradeArgs),
}

/// Run the edge in the foreground, for a supervisor.
///
/// Runs the edge until SIGTERM or SIGINT, its log on standard error (`LANDFALL_LOG` sets how much).
/// Requests in flight are finished before it ends. With `--take-over` a running edge hands its
/// listening sockets over, finishes what it has, and ends: no connection is refused. Under systemd
/// (`FileDescriptorStoreMax=`) an edge that is killed refuses none either: its sockets are held for the
/// next one, and clients wait that long.
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

/// Replace the running edge by this version, without refusing a connection.
///
/// Starts an edge in the background that takes over from the one that runs, and returns once it
/// serves. If it fails, the one that runs goes on.
#[derive(Debug, Args)]
struct UpgradeArgs {}

pub(crate) fn run(args: &EdgeArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    match &args.command {
        EdgeCommand::Run(args) => run_foreground(args, invocation),
        EdgeCommand::Upgrade(UpgradeArgs {}) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Failure::internal("no runtime").cause(error))?;
            runtime.block_on(upgrade(invocation))
        }
    }
}

async fn upgrade(invocation: &Invocation) -> Result<Exit, Failure> {
    let paths = &invocation.settings.paths;
    let client = EdgeClient::new(&paths.edge_socket());
    client.status().await.map_err(|error| {
        Failure::not_done("edge", "the edge is not running")
            .cause(error)
            .hint("`landfall agent start` starts it")
    })?;
    let args = vec![
        "edge".into(),
        "run".into(),
        "--detached".into(),
        "--take-over".into(),
        "--state-dir".into(),
        paths.edge_state().into_os_string(),
        "--control".into(),
        paths.edge_socket().into_os_string(),
    ];
    let edge = Launch { role: Role::Edge, program: None, args };
    let pid = succeed(&edge, paths, async |pid| {
        client.status().await.is_ok_and(|status| status.pid == pid)
    });
    invocation.printer.say(&format!("edge replaced (pid {})", pid.await?));
    Ok(Exit::Done)
}

fn run_foreground(args: &RunArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let paths = &invocation.settings.paths;
    let keeper = FdStore::from_env();
    daemon::begin(args.detached)?;
    let state_dir = args.state_dir.clone().unwrap_or_else(|| paths.edge_state());
    let control = args.control.clone().unwrap_or_else(|| paths.edge_socket());
    let mut config = EdgeConfig::new(state_dir, control);
    if let Some(workers) = args.workers {
        config.workers = workers.into();
    }
    config.keeper = Some(keeper);
    let begin = if args.take_over && UnixStream::connect(&config.control_socket).is_ok() {
        // The pid file comes with the rest.
        Begin::TakeOver
    } else {
        config.pid_file = Some(Arc::new(PidFile::take(Role::Edge, paths)?.into_file()));
        Begin::Fresh
    };
    let control = config.control_socket.clone();
    landfall_edge::run(config, begin, async {
        tokio::select! {
            () = daemon::asked_to_end() => {}
            never = notify::tend(&control) => match never {},
        }
    })?;
    Ok(Exit::Done)
}
