//! `landfall agent start`: edge, then agent, in the background.

use std::ffi::OsString;

use clap::Args;
use landfall_api::{AgentClient, EdgeClient, EngineState};

use super::run::HostArgs;
use crate::cli::CommonArgs;
use crate::daemon::{DaemonError, Launch, Role, Started, launch};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::settings::Paths;

/// Start edge and agent in the background, unless they run.
///
/// Starts the edge, then the agent, in the background, and waits until both answer. What runs already
/// is left alone. Meant for hosts without systemd; their logs are in `LANDFALL_STATE_DIR`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    host: HostArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

pub(super) async fn run(args: &StartArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let paths = &invocation.settings.paths;
    let edge = start_edge(paths).await?;
    tell(invocation, Role::Edge, edge);
    let agent = start_agent(&args.host, paths).await?;
    tell(invocation, Role::Agent, agent);
    let info = AgentClient::new(&paths.agent_socket).info().await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&info);
    } else {
        printer.say(&format!("  socket  {}", paths.agent_socket.display()));
        printer.say(&format!("  state   {}", paths.state_dir.display()));
        printer.say(&format!("  logs    {}", Role::Agent.log_file(paths).display()));
        printer.say(&format!("          {}", Role::Edge.log_file(paths).display()));
    }
    if let EngineState::Down { message } = &info.engine {
        // The agent is well and waits for it; a deploy would be refused.
        printer.announce(&format!("warning: the engine does not answer: {message}"));
    }
    Ok(Exit::Done)
}

async fn start_edge(paths: &Paths) -> Result<Started, DaemonError> {
    let args = [
        "edge".into(),
        "run".into(),
        "--detached".into(),
        "--state-dir".into(),
        paths.edge_state().into_os_string(),
        "--control".into(),
        paths.edge_socket().into_os_string(),
    ];
    let edge = Launch { role: Role::Edge, program: None, args: args.to_vec() };
    let client = EdgeClient::new(&paths.edge_socket());
    launch(&edge, paths, || async { client.status().await.is_ok() }).await
}

async fn start_agent(host: &HostArgs, paths: &Paths) -> Result<Started, DaemonError> {
    let mut args: Vec<OsString> = vec![
        "agent".into(),
        "run".into(),
        "--detached".into(),
        "--socket".into(),
        paths.agent_socket.clone().into_os_string(),
    ];
    args.extend(host.again());
    let agent = Launch { role: Role::Agent, program: None, args };
    let client = AgentClient::new(&paths.agent_socket);
    launch(&agent, paths, || async { client.info().await.is_ok() }).await
}

fn tell(invocation: &Invocation, role: Role, started: Started) {
    let role = role.as_str();
    invocation.printer.say(&match started {
        Started::Fresh { pid } => format!("{role} started (pid {pid})"),
        Started::Already { pid } => format!("{role} runs already (pid {pid})"),
    });
}
