//! `landfall deploy`: bring the app to what its compose files say.

use std::net::SocketAddr;

use clap::Args;
use landfall_api::{ClientError, DeployRequest, RolloutAnswer};

use crate::builds::{self, BuildArgs, Images};
use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::{Invocation, OnInterrupt};
use crate::project::Project;
use crate::push;
use crate::rollout::{self, WatchArgs};
use crate::watch::{self, Since};

/// Bring the app to what its compose files say, or leave it as it was.
///
/// Deploys the app as one transaction: when it ends, the new release serves whole, or what served
/// before still does and the reason is shown. The agent carries it out; this command watches, and may
/// be interrupted without stopping it.
///
/// With `--hold` it stops before users are sent to the new release, for hours or days: `landfall promote`
/// lets it through, `landfall cancel` undoes it.
///
/// Services with `build:` are built when the engine lacks their image, or with `--build`.
///
/// With `--push` no registry is needed, and nothing is built on the host: what this machine's engine
/// has is sent, only the layers that the host lacks. A service with data keeps the image that the host
/// has.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    build: BuildArgs,
    /// Build here and send images of this machine's engine; the host pulls only what is not here.
    #[arg(long)]
    push: bool,
    /// Why, for the list of releases.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Commit of the source, for the list of releases.
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Deploy even if this very release serves.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    hold: HoldArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// Whether a deploy waits before its cutover.
#[derive(Debug, Default, Args)]
pub(crate) struct HoldArgs {
    /// Stop before the cutover until `landfall promote`; the new release is reached at a preview.
    #[arg(long)]
    hold: bool,
    /// Do not, whatever the file says.
    #[arg(long, conflicts_with_all = ["hold", "preview"])]
    no_hold: bool,
    /// Hold, and preview the new release here; by default at a free port of 127.0.0.1.
    #[arg(long, value_name = "ADDRESS:PORT")]
    preview: Option<SocketAddr>,
}

impl HoldArgs {
    pub(crate) fn apply(&self, request: &mut DeployRequest) {
        request.preview = self.preview;
        request.hold = match (self.hold || self.preview.is_some(), self.no_hold) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
    }
}

pub(crate) async fn run(args: &DeployArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let project = invocation.project()?;
    match deploy(args, invocation, &project).await {
        Ok(exit) => Ok(exit),
        Err(failure) => {
            Err(rollout::with_what_serves(invocation, &project.spec.name, failure).await)
        }
    }
}

async fn deploy(
    args: &DeployArgs,
    invocation: &Invocation,
    project: &Project,
) -> Result<Exit, Failure> {
    let mut request = request(invocation, project, Images::new());
    args.hold.apply(&mut request);
    if args.push {
        request.images = push::all(invocation, project, &args.build).await?;
    } else if args.build.build || needs_build(args, invocation, project, &request).await? {
        request.images = builds::all(invocation, project).await?;
    }
    request.message.clone_from(&args.message);
    request.commit.clone_from(&args.commit);
    request.force = args.force;
    let app = &project.spec.name;

    let answer = invocation.client().deploy(&request).await?;
    let rollout = match &answer {
        RolloutAnswer::Started(rollout) if !args.watch.detach => rollout,
        RolloutAnswer::Started(_) | RolloutAnswer::Planned(_) | RolloutAnswer::NothingToDo(_) => {
            return rollout::conclude(invocation, app, answer, &args.watch).await;
        }
    };
    let verdict = watch::follow(invocation, rollout, Since::Beginning).await?;
    let missing =
        verdict.refusal().filter(|why| !args.push && builds::would_help(project, &args.build, why));
    if missing.is_some() {
        invocation.printer.say("the engine lacks an image of this app: building");
        invocation.on_interrupt(OnInterrupt::Plain);
        request.images = builds::all(invocation, project).await?;
        let answer = invocation.client().deploy(&request).await?;
        return rollout::conclude(invocation, app, answer, &args.watch).await;
    }
    verdict.show(&invocation.printer);
    if verdict.is_nothing_to_do() && request.images.is_empty() && !project.builds.is_empty() {
        invocation.printer.say("images were not built anew; `--build` does that");
    }
    Ok(verdict.exit())
}

/// Whether an image must be built, asked ahead when nobody will watch. Who watches sees the refusal,
/// and with it how far the pulls are.
async fn needs_build(
    args: &DeployArgs,
    invocation: &Invocation,
    project: &Project,
    request: &DeployRequest,
) -> Result<bool, Failure> {
    if !args.watch.detach || project.builds.is_empty() {
        return Ok(false);
    }
    let ask = DeployRequest { plan_only: true, ..request.clone() };
    match invocation.client().deploy(&ask).await {
        Ok(_) => Ok(false),
        Err(ClientError::Problem(why)) if builds::would_help(project, &args.build, &why) => {
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

/// A deploy of what the files say.
pub(crate) fn request(invocation: &Invocation, project: &Project, images: Images) -> DeployRequest {
    DeployRequest {
        spec: project.spec.clone(),
        images,
        by: invocation.settings.by.clone(),
        message: None,
        commit: None,
        force: false,
        hold: None,
        preview: None,
        plan_only: false,
    }
}
