//! `landfall down`: take an app down. It never touches volumes.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use landfall_api::DownRequest;
use landfall_core::id::AppName;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};

/// Stop and remove the app's containers and networks. Volumes are never touched.
///
/// Takes the app's routes away, then stops and removes its containers and networks. Volumes are never
/// touched: the next deploy finds its data. Releases stay, so `landfall rollback` brings the app back.
#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    /// Do not ask on a terminal.
    #[arg(short, long)]
    yes: bool,
    /// Only say what would be done.
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &DownArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    if !args.plan && !args.yes && !is_confirmed(&app)? {
        invocation.printer.say("nothing was changed");
        return Ok(Exit::NotDone);
    }
    let by = invocation.settings.by.clone();
    let request = DownRequest { by, plan_only: args.plan };
    let answer = invocation.client().down(&app, &request).await?;
    rollout::conclude(invocation, &app, answer, &args.watch).await
}

/// Asks, but only where somebody can answer.
fn is_confirmed(app: &AppName) -> Result<bool, Failure> {
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return Ok(true);
    }
    let question = format!("take {app} down? its volumes stay, everything else of it goes [y/N] ");
    let failed = |error| Failure::internal("the answer cannot be read").cause(error);
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    stdin.read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
