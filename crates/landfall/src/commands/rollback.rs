//! `landfall rollback`: go back to an older release.

use std::net::SocketAddr;

use clap::Args;
use landfall_api::RollbackRequest;
use landfall_core::id::{InvalidName, ReleaseNumber};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};

/// Go back to an older release.
///
/// Goes back to an older sealed release: its images, configuration and routes as they were, without
/// registry and without the compose files of then. It is a rollout like any other. Data in volumes is
/// not turned back.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Which release, for example `r3`; by default the newest that served and does not serve now.
    #[arg(value_name = "RELEASE", value_parser = parse_release)]
    release: Option<ReleaseNumber>,
    /// Only say what would be done.
    #[arg(long)]
    plan: bool,
    /// Stop before the cutover until `landfall promote`; the release is reached at a preview.
    #[arg(long)]
    hold: bool,
    /// Hold, and preview the release here; by default at a free port of 127.0.0.1.
    #[arg(long, value_name = "ADDRESS:PORT")]
    preview: Option<SocketAddr>,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

fn parse_release(text: &str) -> Result<ReleaseNumber, &'static str> {
    text.parse().map_err(|error: InvalidName| error.rule)
}

pub(crate) async fn run(args: &RollbackArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let by = invocation.settings.by.clone();
    let request = RollbackRequest {
        to: args.release,
        by,
        hold: args.hold || args.preview.is_some(),
        preview: args.preview,
        plan_only: args.plan,
    };
    let answer = invocation.client().rollback(&app, &request).await?;
    rollout::conclude(invocation, &app, answer, &args.watch).await
}
