//! `landfall agent`: the agent of this host as a process.

mod check_state;
mod inspect;
mod install;
mod run;
mod start;
mod status;
mod stop;
mod uninstall;
mod upgrade;

use clap::{Args, Subcommand};

use crate::cli::{CommonArgs, Reach};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Run, start, stop, install, upgrade or ask the agent, which holds releases and runs rollouts on this host.
///
/// The agent holds releases, journals and leases of this host and runs its rollouts; the edge beside
/// it serves the apps' ports. Sockets are in `LANDFALL_RUN_DIR` (/run/landfall), everything that
/// lasts is in `LANDFALL_STATE_DIR` (/var/lib/landfall).
#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    command: AgentCommand,
}

#[derive(Debug, Subcommand)]
enum AgentCommand {
    Run(run::RunArgs),
    Start(start::StartArgs),
    Stop(stop::StopArgs),
    Status(status::StatusArgs),
    Install(install::InstallArgs),
    Upgrade(upgrade::UpgradeArgs),
    Uninstall(uninstall::UninstallArgs),
    #[command(hide = true)]
    CheckState(check_state::CheckStateArgs),
    #[command(hide = true)]
    Inspect(inspect::InspectArgs),
}

impl AgentArgs {
    pub(crate) fn common(&self) -> &CommonArgs {
        match &self.command {
            AgentCommand::Run(args) => &args.common,
            AgentCommand::Start(args) => &args.common,
            AgentCommand::Stop(args) => &args.common,
            AgentCommand::Status(args) => &args.common,
            AgentCommand::Install(args) => &args.common,
            AgentCommand::Upgrade(args) => &args.common,
            AgentCommand::Uninstall(args) => &args.common,
            AgentCommand::CheckState(args) => &args.common,
            AgentCommand::Inspect(args) => &args.common,
        }
    }

    /// Processes are started and ended by who stands beside them.
    pub(crate) fn reach(&self) -> Reach {
        match &self.command {
            // A supervisor's agent must start whatever the environment says.
            AgentCommand::Run(_) | AgentCommand::CheckState(_) | AgentCommand::Inspect(_) => {
                Reach::Nobody
            }
            AgentCommand::Start(_) => Reach::ThisHost("agent start"),
            AgentCommand::Stop(_) => Reach::ThisHost("agent stop"),
            AgentCommand::Install(_) => Reach::ThisHost("agent install"),
            AgentCommand::Upgrade(_) => Reach::ThisHost("agent upgrade"),
            AgentCommand::Uninstall(_) => Reach::ThisHost("agent uninstall"),
            AgentCommand::Status(_) => Reach::Agent,
        }
    }

    /// The foreground form, which brings its own runtime.
    pub(crate) fn as_run(&self) -> Option<&run::RunArgs> {
        match &self.command {
            AgentCommand::Run(args) => Some(args),
            AgentCommand::Start(_)
            | AgentCommand::Stop(_)
            | AgentCommand::Status(_)
            | AgentCommand::Install(_)
            | AgentCommand::Upgrade(_)
            | AgentCommand::Uninstall(_)
            | AgentCommand::CheckState(_)
            | AgentCommand::Inspect(_) => None,
        }
    }
}

pub(crate) use run::run as run_foreground;

pub(crate) async fn run(args: &AgentArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    match &args.command {
        AgentCommand::Run(args) => run_foreground(args, invocation),
        AgentCommand::Start(args) => start::run(args, invocation).await,
        AgentCommand::Stop(args) => stop::run(args, invocation).await,
        AgentCommand::Status(args) => status::run(args, invocation).await,
        AgentCommand::Install(args) => install::run(args, invocation),
        AgentCommand::Upgrade(args) => upgrade::run(args, invocation).await,
        AgentCommand::Uninstall(args) => uninstall::run(args, invocation),
        AgentCommand::CheckState(_) => check_state::run(invocation),
        AgentCommand::Inspect(args) => inspect::run(args, invocation),
    }
}
