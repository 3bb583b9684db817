//! The verbs, one a file: an args struct and one function.

pub(crate) mod abandon;
pub(crate) mod agent;
pub(crate) mod attach;
pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod drift;
pub(crate) mod edge;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod hosts;
pub(crate) mod init;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod promote;
pub(crate) mod recover;
pub(crate) mod reference;
pub(crate) mod releases;
pub(crate) mod repair;
pub(crate) mod resume;
pub(crate) mod rollback;
pub(crate) mod rollouts;
pub(crate) mod show;
pub(crate) mod status;

use crate::cli::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Runs a verb.
pub(crate) async fn run(command: &Command, invocation: &Invocation) -> Result<Exit, Failure> {
    match command {
        Command::Config(args) => config::run(args, invocation),
        Command::Check(args) => check::run(args, invocation).await,
        Command::Explain(args) => explain::run(args, invocation),
        Command::Init(args) => init::run(args, invocation),
        Command::Plan(args) => plan::run(args, invocation).await,
        Command::Deploy(args) => deploy::run(args, invocation).await,
        Command::Status(args) => status::run(args, invocation).await,
        Command::Releases(args) => releases::run(args, invocation).await,
        Command::Rollouts(args) => rollouts::run(args, invocation).await,
        Command::Show(args) => show::run(args, invocation).await,
        Command::History(args) => history::run(args, invocation).await,
        Command::Diff(args) => diff::run(args, invocation).await,
        Command::Audit(args) => audit::run(args, invocation).await,
        Command::Drift(args) => drift::run(args, invocation).await,
        Command::Repair(args) => repair::run(args, invocation).await,
        Command::Doctor(args) => doctor::run(args, invocation).await,
        Command::Abandon(args) => abandon::run(args, invocation).await,
        Command::Rollback(args) => rollback::run(args, invocation).await,
        Command::Logs(args) => logs::run(args, invocation).await,
        Command::Attach(args) => attach::run(args, invocation).await,
        Command::Cancel(args) => cancel::run(args, invocation).await,
        Command::Promote(args) => promote::run(args, invocation).await,
        Command::Resume(args) => resume::run(args, invocation).await,
        Command::Down(args) => down::run(args, invocation).await,
        Command::Hosts(args) => hosts::run(args, invocation).await,
        Command::Agent(args) => agent::run(args, invocation).await,
        Command::Edge(args) => edge::run(args, invocation),
        Command::Recover(args) => recover::run(args, invocation).await,
        Command::Reference(args) => Ok(reference::run(args, invocation)),
    }
}
