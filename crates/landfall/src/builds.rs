//! Services with `build:`: which images are built, and how the user sees it.
//!
//! Compose's rule: an image is built when the engine lacks it, or when `--build` asks for it. The
//! context is packed here and built by the agent's engine; services that share a recipe share a build.

mod log;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use clap::Args;
use futures_util::stream;
use landfall_agent::Platform as _;
use landfall_api::{
    BuildEvent, BuildRequest, ContextReceiver, ContextSender, Problem, ProblemCode, context_channel,
};
use landfall_core::id::{ImageId, ServiceName};
use landfall_docker::DockerEngine;
use tokio::time::Instant;

use crate::context::{Context, ContextError, Recipe};
use crate::engine::HostEngine;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::project::{BuildSpec, Project};
use log::BuildLog;

/// Bytes of a context that travel at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Flags about building.
#[derive(Debug, Default, Args)]
pub(crate) struct BuildArgs {
    /// Build the images of all services with `build:` anew; unchanged layers are reused.
    #[arg(long, conflicts_with = "no_build")]
    pub(crate) build: bool,
    /// Never build, even if an image is missing.
    #[arg(long)]
    pub(crate) no_build: bool,
}

/// Whose engine builds.
pub(crate) enum Place {
    /// The agent's.
    Agent,
    /// This machine's.
    Here(HostEngine),
}

/// Images built for a release, by service.
pub(crate) type Images = BTreeMap<ServiceName, ImageId>;

/// One build and the services it is for.
struct Job<'a> {
    services: Vec<&'a ServiceName>,
    tag: &'a str,
    spec: &'a BuildSpec,
}

/// Whether a refusal is about an image that a build would make.
pub(crate) fn would_help(project: &Project, args: &BuildArgs, problem: &Problem) -> bool {
    let is_named = |image: &str| {
        let lines = std::iter::once(&problem.message).chain(&problem.details);
        lines.into_iter().any(|line| line.contains(image))
    };
    !args.no_build
        && !args.build
        && problem.code == ProblemCode::Image
        && jobs(project).iter().any(|job| is_named(job.tag))
}

/// Builds every service with `build:`.
pub(crate) async fn all(invocation: &Invocation, project: &Project) -> Result<Images, Failure> {
    let mut images = Images::new();
    for job in jobs(project) {
        let image = one(invocation, &job, &Place::Agent).await?;
        images.extend(job.services.iter().map(|name| ((*name).clone(), image.clone())));
    }
    Ok(images)
}

/// Builds on this machine what its engine lacks, or everything if that is asked for.
pub(crate) async fn here(
    invocation: &Invocation,
    project: &Project,
    args: &BuildArgs,
    place: &Place,
    engine: &DockerEngine,
) -> Result<(), Failure> {
    if args.no_build {
        return Ok(());
    }
    for job in jobs(project) {
        if args.build || engine.layers(job.tag).await.is_ok_and(|found| found.is_none()) {
            one(invocation, &job, place).await?;
        }
    }
    Ok(())
}

/// The builds without repetition, in the order of their first service.
fn jobs(project: &Project) -> Vec<Job<'_>> {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for (name, spec) in &project.builds {
        let Some(service) = project.spec.services.get(name) else { continue };
        let tag = service.image.as_str();
        match jobs.iter_mut().find(|job| job.tag == tag && job.spec == spec) {
            Some(job) => job.services.push(name),
            None => jobs.push(Job { services: vec![name], tag, spec }),
        }
    }
    jobs
}

async fn one(invocation: &Invocation, job: &Job<'_>, place: &Place) -> Result<ImageId, Failure> {
    let begun = Instant::now();
    let recipe = match (&job.spec.dockerfile_inline, &job.spec.dockerfile) {
        (Some(text), _) => Recipe::Inline(text.clone()),
        (None, named) => Recipe::File(named.as_deref().unwrap_or("Dockerfile").into()),
    };
    let context = Context::open(&job.spec.context, &recipe)?;
    let request = request(job, &context);
    let mut log = BuildLog::begin(&invocation.printer, job.tag);
    log.note(&format!("sending the context, {}", humane::bytes(context.bytes())));

    let (sender, receiver) = context_channel();
    let packing = tokio::task::spawn_blocking(move || pack(&context, &sender));
    let outcome = match place {
        Place::Agent => exchange(invocation, &request, receiver, &mut log).await,
        Place::Here(engine) => build_here(engine, &request, receiver, &mut log).await,
    };
    // What went wrong here explains a connection that broke there.
    let packed = packing.await.map_err(|error| Failure::internal("packing died").cause(error))?;
    match (packed, outcome) {
        (Err(error), _) if !is_hang_up(&error) => {
            log.fail();
            Err(error.into())
        }
        (_, Ok(image)) => {
            log.done(humane::duration(millis(begun)));
            Ok(image)
        }
        (_, Err(failure)) => {
            log.fail();
            Err(failure)
        }
    }
}

fn request(job: &Job<'_>, context: &Context) -> BuildRequest {
    let spec = job.spec;
    BuildRequest {
        tag: job.tag.to_owned(),
        dockerfile: Some(context.dockerfile().to_owned()),
        target: spec.target.clone(),
        args: spec.args.iter().map(|(k, v)| (k.clone(), v.expose().clone())).collect(),
        labels: spec.labels.clone(),
        platform: spec.platform.clone(),
        network: spec.network.clone(),
        cache_from: spec.cache_from.clone(),
        extra_hosts: spec.extra_hosts.clone(),
        shm_size_bytes: spec.shm_size_bytes,
        no_cache: spec.no_cache,
        pull: spec.pull,
        tags: spec.tags.clone(),
        ulimits: spec.ulimits.iter().map(|(k, l)| (k.clone(), (l.soft, l.hard))).collect(),
    }
}

/// Sends the context and follows the build to its end.
async fn exchange(
    invocation: &Invocation,
    request: &BuildRequest,
    context: ContextReceiver,
    log: &mut BuildLog<'_>,
) -> Result<ImageId, Failure> {
    let mut events = invocation.client().build(request, context).await?;
    while let Some(event) = events.next().await? {
        log.event(&event);
        match event {
            BuildEvent::Output { line } => log.output(&line),
            BuildEvent::Done { image } => return Ok(image),
            BuildEvent::Failed { problem } => return Err(problem.into()),
        }
    }
    Err(Failure::not_done("build", format!("the build of {} broke off", request.tag))
        .hint("the agent may have been stopped: `landfall agent status`"))
}

/// Builds without an agent.
async fn build_here(
    engine: &HostEngine,
    request: &BuildRequest,
    context: ContextReceiver,
    log: &mut BuildLog<'_>,
) -> Result<ImageId, Failure> {
    let context = stream::unfold(context, |mut context| async {
        context.next().await.map(|chunk| (chunk, context))
    });
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let mut output = |line: String| drop(sender.send(line));
    let mut building = std::pin::pin!(engine.build(request, Box::pin(context), &mut output));
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => {
                log.event(&BuildEvent::Output { line: line.clone() });
                log.output(&line);
            }
            built = &mut building => {
                while let Ok(line) = lines.try_recv() {
                    log.output(&line);
                }
                return Ok(built?);
            }
        }
    }
}

/// Packs a context into the channel; runs on a thread of its own.
fn pack(context: &Context, sender: &ContextSender) -> Result<(), ContextError> {
    let packed = context.write(BufWriter::with_capacity(CHUNK_BYTES, Chunks { sender }));
    if packed.is_err() {
        // Half a context must not be taken for a whole one.
        sender.blocking_send(Err(io::ErrorKind::InvalidData.into())).ok();
    }
    packed
}

/// A reader that is gone has its own reason; ours is only its echo.
fn is_hang_up(error: &ContextError) -> bool {
    matches!(error, ContextError::Write(source) if source.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes into a channel; the other end may be a connection.
pub(crate) struct Chunks<'a> {
    pub(crate) sender: &'a ContextSender,
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = bytes::Bytes::copy_from_slice(bytes);
        let sent = self.sender.blocking_send(Ok(chunk));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
