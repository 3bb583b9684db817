//! `landfall plan`: what a deploy would do.

use clap::Args;

use crate::builds::{self, Images};
use crate::cli::SharedArgs;
use crate::commands::deploy;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::rollout::{self, WatchArgs};

/// Say what a deploy would do; change nothing.
///
/// Says which services would start, stop and stay, and which steps would be taken, the pivot marked.
/// No container, network, volume or route is touched; missing images are pulled, and built with
/// `--build`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
    /// Build the images of all services with `build:` first.
    #[arg(long)]
    build: bool,
    #[command(flatten)]
    hold: deploy::HoldArgs,
}

pub(crate) async fn run(args: &PlanArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let project = invocation.project()?;
    let mut images = Images::new();
    if args.build {
        images = builds::all(invocation, &project).await?;
    }
    let mut request = deploy::request(invocation, &project, images);
    args.hold.apply(&mut request);
    request.plan_only = true;
    let app = request.spec.name.clone();
    let answer = invocation.client().deploy(&request).await.map_err(|error| {
        let mut failure = Failure::from(error);
        if failure.code == "image" && !project.builds.is_empty() {
            failure.hints = vec!["`landfall plan --build` builds the app's images first".into()];
        }
        failure
    })?;
    rollout::conclude(invocation, &app, answer, &WatchArgs::default()).await
}
