//! `landfall down`: take an app down. It never touches volumes.

use clap::Args;
use landfall_api::DownRequest;
use landfall_core::id::AppName;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::confirm;
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
    if !args.plan && !args.yes && !confirm::is_confirmed(&question(&app))? {
        invocation.printer.say("nothing was changed");
        return Ok(Exit::NotDone);
    }
    let by = invocation.settings.by.clone();
    let request = DownRequest { by, plan_only: args.plan };
    let answer = invocation.client().down(&app, &request).await?;
    rollout::conclude(invocation, &app, answer, &args.watch).await
}

fn question(app: &AppName) -> String {
    format!("take {app} down? its volumes stay, everything else of it goes")
}
