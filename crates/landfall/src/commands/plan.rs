//! `landfall plan`: what a deploy would do.

use clap::Args;

use crate::builds::{self, BuildArgs};
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
    #[command(flatten)]
    build: BuildArgs,
}

pub(crate) async fn run(args: &PlanArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let project = invocation.project()?;
    let images = builds::before_plan(invocation, &project, &args.build).await?;
    let mut request = deploy::request(invocation, &project, images);
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
