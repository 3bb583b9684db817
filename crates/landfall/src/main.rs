//! The landfall binary: command line, output, and the place where all crates are put together.
//!
//! Reading order: [`cli`] and [`settings`] (what was asked for), [`commands`] (one verb a file),
//! [`check`] and [`init`] (what is found out about a project), [`project`], [`context`], [`builds`] and [`push`] (what travels), [`rollout`] and [`watch`] (what comes
//! back), [`remote`] (an agent on another host), [`failure`] and [`exit`] (what went wrong), [`daemon`] (agent and edge as processes),
//! [`engine`] (the agent's engine), [`output`] (what the user sees).
//!
//! It decides nothing about deploys: that is the agent's.

mod builds;
mod check;
mod cli;
mod commands;
mod config_tree;
mod context;
mod daemon;
mod engine;
mod exit;
mod failure;
mod init;
mod invocation;
mod output;
mod plan_view;
mod preview;
mod project;
mod push;
mod remote;
mod rollout;
mod service_hash;
mod settings;
mod units;
mod watch;
mod words;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Exit;
use failure::Failure;
use invocation::Invocation;
use output::printer::Printer;
use settings::{Settings, Surroundings};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no error.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let places = [cli.shared.as_ref(), cli.command.shared()];
    let around = Surroundings::of_process();
    let settings = Settings::resolve(&places, &around);
    let settings = settings.and_then(|s| s.with_formats(cli.command.formats()));
    let settings = match settings {
        Ok(settings) => settings,
        Err(failure) => {
            failure.show(&Printer::new(settings::look(&places, &around)));
            return failure.exit.into();
        }
    };
    let invocation = Invocation::new(settings);
    match run(&cli.command, &invocation) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.show(&invocation.printer);
            failure.exit.into()
        }
    }
}

fn run(command: &Command, invocation: &Invocation) -> Result<Exit, Failure> {
    // Daemons bring their own runtime and take their signals as an orderly end.
    match command {
        Command::Agent(args) => {
            if let Some(args) = args.as_run() {
                return commands::agent::run_foreground(args, invocation);
            }
        }
        Command::Edge(args) => return commands::edge::run(args, invocation),
        Command::Config(_)
        | Command::Check(_)
        | Command::Explain(_)
        | Command::Init(_)
        | Command::Plan(_)
        | Command::Deploy(_)
        | Command::Status(_)
        | Command::Releases(_)
        | Command::Rollouts(_)
        | Command::Show(_)
        | Command::History(_)
        | Command::Diff(_)
        | Command::Audit(_)
        | Command::Drift(_)
        | Command::Repair(_)
        | Command::Doctor(_)
        | Command::Abandon(_)
        | Command::Rollback(_)
        | Command::Logs(_)
        | Command::Attach(_)
        | Command::Cancel(_)
        | Command::Promote(_)
        | Command::Resume(_)
        | Command::Down(_)
        | Command::Hosts(_)
        | Command::Recover(_)
        | Command::Reference(_) => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal("no runtime").cause(error))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = async {
                invocation.reach(command.reach()).await?;
                commands::run(command, invocation).await.map_err(|f| invocation.explain(f))
            } => outcome,
            _ = tokio::signal::ctrl_c() => {
                invocation.interrupted();
                Ok(Exit::Interrupted)
            }
        }
    });
    // A thread that still packs a context is not waited for.
    runtime.shutdown_background();
    outcome
}
