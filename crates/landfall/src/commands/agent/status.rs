//! `landfall agent status`: are agent, engine and edge well?

use clap::Args;
use landfall_api::{AgentInfo, ClientError, EdgeClient, EdgeState, EngineState, TransportError};
use landfall_core::control::EdgeStatus;

use crate::cli::CommonArgs;
use crate::daemon::Role;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::style::{Paint, Tone, harmless};

/// Say whether agent, engine and edge are well.
///
/// Says whether agent, engine and edge are well, and which rollouts are open. The exit code is 0 only
/// if all three answer.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

pub(super) async fn run(_args: &StatusArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let printer = &invocation.printer;
    let info = match invocation.client().info().await {
        Ok(info) => info,
        Err(ClientError::Transport(error @ TransportError::NotRunning { .. })) => {
            return Err(not_running(error, invocation).await);
        }
        Err(error) => return Err(error.into()),
    };
    if printer.is_json() {
        printer.json(&info);
    } else {
        printer.data_lines(&lines(&info, invocation));
    }
    let is_well =
        matches!(info.engine, EngineState::Up(_)) && matches!(info.edge, EdgeState::Up(_));
    Ok(if is_well { Exit::Done } else { Exit::NotDone })
}

/// Without its agent the edge still serves: that is what a person wants to know first.
async fn not_running(error: TransportError, invocation: &Invocation) -> Failure {
    let paths = &invocation.settings.paths;
    let mut failure = Failure::from(error);
    match EdgeClient::new(&paths.edge_socket()).status().await {
        Ok(edge) => failure.details.push(format!("edge: {}", edge_text(&edge))),
        Err(_) => failure.details.push("edge: does not answer either".to_owned()),
    }
    let log = Role::Agent.log_file(paths);
    if log.exists() {
        failure = failure.hint(format!("its log is {}", log.display()));
    }
    failure
}

fn lines(info: &AgentInfo, invocation: &Invocation) -> Vec<String> {
    let paint = invocation.printer.paint_out();
    let socket = invocation.settings.paths.agent_socket.display();
    let mut lines = vec![
        format!("agent   {}, pid {}, on {socket}", info.version, info.pid),
        format!("state   {}", info.state_dir.display()),
        format!("engine  {}", engine(&info.engine, paint)),
        format!("edge    {}", edge(&info.edge, paint)),
    ];
    for open in &info.open {
        lines.push(format!("open    rollout {} of {}", open.rollout, open.app));
    }
    if let EngineState::Up(engine) = &info.engine {
        let warning = |text| format!("{} {}", paint.text(Tone::Busy, "warning:"), harmless(text));
        lines.extend(engine.warnings.iter().map(|text| warning(text)));
    }
    lines
}

fn engine(state: &EngineState, paint: Paint) -> String {
    match state {
        EngineState::Up(engine) => {
            let restore = if engine.live_restore { ", live restore" } else { "" };
            format!(
                "{} (API {}), {}, {}{restore}",
                engine.version, engine.api_version, engine.storage, engine.platform
            )
        }
        EngineState::Down { message } => down(message, paint),
    }
}

fn edge(state: &EdgeState, paint: Paint) -> String {
    match state {
        EdgeState::Up(edge) => edge_text(edge),
        EdgeState::Down { message } => down(message, paint),
    }
}

fn edge_text(edge: &EdgeStatus) -> String {
    let listeners: Vec<String> = edge.listeners.iter().map(ToString::to_string).collect();
    let listens = match listeners.as_slice() {
        [] => "listens nowhere".to_owned(),
        some => format!("listens on {}", some.join(", ")),
    };
    format!("{}, pid {}, generation {}, {listens}", edge.version, edge.pid, edge.generation)
}

fn down(message: &str, paint: Paint) -> String {
    format!("{}: {}", paint.text(Tone::Bad, "does not answer"), harmless(message))
}
