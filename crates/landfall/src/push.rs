//! `--push`: images of this machine's engine travel to the host, without a registry.
//!
//! Services run what this machine has; a service with data keeps the image that the host has, so that
//! a database is not replaced by accident. Only layers that the host lacks are sent; when it cannot use
//! what it had, all of them are, once.

mod archive;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use landfall_api::{
    ContextReceiver, Digest, ImageAnswer, ImageEvent, ImagePush, ImageQuery, Problem, ProblemCode,
    context_channel,
};
use landfall_core::id::{ImageId, ServiceName};
use landfall_core::spec::{PullPolicy, Workload};
use landfall_docker::{DockerEngine, FoundImage};
use tokio::time::Instant;

pub(crate) use archive::ArchiveError;

use crate::builds::{self, BuildArgs, Chunks, Images, Place};
use crate::engine::HostEngine;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::project::Project;
use archive::Saved;

/// Bytes that go to the connection at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// One image, for all services that run it.
#[derive(Debug, Default)]
struct Wanted<'a> {
    services: Vec<&'a ServiceName>,
    platform: Option<&'a str>,
    /// All of its services keep data.
    keeps_data: bool,
}

/// Builds here what has to be built, and sends what the host lacks. Services that are not in the
/// answer run what the host has or pulls.
pub(crate) async fn all(
    invocation: &Invocation,
    project: &Project,
    args: &BuildArgs,
) -> Result<Images, Failure> {
    let engine = engine(invocation)?;
    let place =
        Place::Here(HostEngine::new(engine.clone(), invocation.settings.docker_config.clone()));
    builds::here(invocation, project, args, &place, &engine).await?;
    let mut images = Images::new();
    for (reference, wanted) in wanted(project) {
        let Some(local) = engine.image(reference).await.map_err(|e| silent(&e))? else { continue };
        if let Some(image) = one(invocation, &engine, reference, &wanted, &local).await? {
            images.extend(wanted.services.iter().map(|name| ((*name).clone(), image.clone())));
        }
    }
    Ok(images)
}

fn engine(invocation: &Invocation) -> Result<DockerEngine, Failure> {
    DockerEngine::connect_to(invocation.settings.docker_host.as_deref()).map_err(|error| {
        Failure::not_done("engine", "`--push` takes images from the engine of this machine")
            .cause(error)
    })
}

fn silent(error: &landfall_deploy::ports::EngineError) -> Failure {
    Failure::not_done("engine", "the engine of this machine does not give its images")
        .cause(&error.message)
        .hint("`--push` takes them from there; DOCKER_HOST names its socket")
}

/// Images by reference. A service that always pulls wants its registry's.
fn wanted(project: &Project) -> BTreeMap<&str, Wanted<'_>> {
    let mut all: BTreeMap<&str, Wanted<'_>> = BTreeMap::new();
    for (name, service) in &project.spec.services {
        if service.pull == PullPolicy::Always && !project.builds.contains_key(name) {
            continue;
        }
        let is_first = !all.contains_key(service.image.as_str());
        let wanted = all.entry(service.image.as_str()).or_default();
        wanted.services.push(name);
        wanted.platform = wanted.platform.or(service.platform.as_deref());
        let keeps_data = service.workload == Workload::Stateful;
        wanted.keeps_data = keeps_data && (is_first || wanted.keeps_data);
    }
    all
}

/// The host's id of an image; `None` when the host is to use what it has.
async fn one(
    invocation: &Invocation,
    engine: &DockerEngine,
    reference: &str,
    wanted: &Wanted<'_>,
    local: &FoundImage,
) -> Result<Option<ImageId>, Failure> {
    let printer = &invocation.printer;
    let layers = engine.layers(&local.sealed.id.0).await.map_err(|e| silent(&e))?;
    let layers = layers.unwrap_or_default();
    let layers = layers.iter().map(|layer| layer.parse());
    let layers: Vec<Digest> = layers.collect::<Result<_, _>>().map_err(|error| {
        Failure::not_done("image", format!("{reference} cannot be sent")).cause(error)
    })?;
    let config = local.sealed.id.0.parse().ok();
    let query = ImageQuery { reference: reference.to_owned(), config, layers };
    let answer = invocation.client().query_image(&query).await?;
    if wanted.keeps_data && answer.has_reference {
        printer.say(&format!("{reference} keeps data: the host uses the one it has"));
        return Ok(None);
    }
    if let Some(image) = answer.image {
        printer.say(&format!("{reference} is there already"));
        return Ok(Some(image));
    }
    fits(reference, wanted, local, &answer)?;
    let begun = Instant::now();
    let saved = spool(engine, &local.sealed.id.0).await?;
    let present = answer.layers_present.min(query.layers.len());
    let sending = Sending { invocation, reference, saved, begun };
    match sending.send(present).await? {
        Ok(image) => Ok(Some(image)),
        Err(problem) if problem.code == ProblemCode::Image && present > 0 => {
            printer.say(&format!("the host cannot build on what it has of {reference}: {problem}"));
            sending.send(0).await?.map(Some).map_err(Failure::from)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// An image for another kind of machine would only be found out when it crashes.
fn fits(
    reference: &str,
    wanted: &Wanted<'_>,
    local: &FoundImage,
    answer: &ImageAnswer,
) -> Result<(), Failure> {
    let same = |of: &str| local.platform == of || local.platform.starts_with(&format!("{of}/"));
    if same(&answer.platform) || wanted.platform.is_some_and(same) {
        return Ok(());
    }
    let (have, want) = (&local.platform, &answer.platform);
    Err(Failure::not_done("image", format!("{reference} is for {have}, and the host is {want}"))
        .hint(format!("build it for the host: `platform: {want}` under the service")))
}

/// Everything of an image, in a file without a name.
async fn spool(engine: &DockerEngine, image: &str) -> Result<Saved, Failure> {
    let failed = ArchiveError::Read;
    let file = tempfile::tempfile_in(spool_folder()).map_err(failed)?;
    // Nothing else waits in this process, and the page cache takes what is written.
    let mut out = BufWriter::with_capacity(CHUNK_BYTES, file.try_clone().map_err(failed)?);
    let mut chunks = std::pin::pin!(engine.export(image).await.map_err(|e| silent(&e))?);
    while let Some(chunk) = chunks.next().await {
        out.write_all(&chunk.map_err(|e| silent(&e))?).map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    drop(out);
    let read = tokio::task::spawn_blocking(move || rewound(file).and_then(Saved::read)).await;
    let read = read.map_err(|error| Failure::internal("reading died").cause(error))?;
    Ok(read?)
}

fn rewound(mut file: File) -> Result<File, ArchiveError> {
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}

/// Images are large, and `/tmp` may be memory.
fn spool_folder() -> PathBuf {
    let disk = Path::new("/var/tmp");
    let told = std::env::var_os("TMPDIR").map(PathBuf::from);
    told.unwrap_or_else(|| if disk.is_dir() { disk.to_owned() } else { std::env::temp_dir() })
}

struct Sending<'a> {
    invocation: &'a Invocation,
    reference: &'a str,
    saved: Saved,
    begun: Instant,
}

impl Sending<'_> {
    /// Sends all but the first `present` layers; the inner error is the host's own refusal.
    async fn send(&self, present: usize) -> Result<Result<ImageId, Problem>, Failure> {
        let printer = &self.invocation.printer;
        let push = self.saved.announce(self.reference, present);
        let (all, sent) = (push.layers.len(), push.layers.len() - present);
        let bytes = |sent_only: bool| {
            let layers = push.layers.iter().filter(|layer| layer.sent || !sent_only);
            humane::bytes(layers.map(|layer| layer.part.bytes).sum())
        };
        let (travels, whole) = (bytes(true), bytes(false));
        printer.say(&format!(
            "sending {}: {sent} of {all} layers, {travels} of {whole}",
            self.reference
        ));
        let (sender, receiver) = context_channel();
        let packing = async {
            let saved = self.saved.again()?;
            let packed = tokio::task::spawn_blocking(move || {
                let mut out = BufWriter::with_capacity(CHUNK_BYTES, Chunks { sender: &sender });
                let packed = saved.write(present, &mut out).and_then(|()| out.flush());
                if packed.is_err() {
                    // Half an image must not be taken for a whole one.
                    sender.blocking_send(Err(std::io::ErrorKind::InvalidData.into())).ok();
                }
                packed
            });
            let packed = packed.await;
            packed.map_err(|error| Failure::internal("packing died").cause(error))
        };
        let (packed, outcome) = tokio::join!(packing, self.exchange(&push, receiver));
        printer.clear();
        match (packed?, outcome) {
            (Err(error), _) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(ArchiveError::Read(error).into())
            }
            (_, outcome) => outcome,
        }
    }

    async fn exchange(
        &self,
        push: &ImagePush,
        contents: ContextReceiver,
    ) -> Result<Result<ImageId, Problem>, Failure> {
        let printer = &self.invocation.printer;
        let mut events = self.invocation.client().push_image(push, contents).await?;
        while let Some(event) = events.next().await? {
            if printer.is_json() {
                printer.json(&event);
            }
            match event {
                ImageEvent::Received { wire_bytes } => {
                    let bytes = humane::bytes(wire_bytes);
                    printer.draw(&[format!("sending {}: {bytes}", self.reference)]);
                }
                ImageEvent::Done { image, wire_bytes } => {
                    printer.clear();
                    let took = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    let (bytes, took) = (humane::bytes(wire_bytes), humane::duration(took));
                    printer.say(&format!("sent {}: {bytes} on the wire, {took}", self.reference));
                    return Ok(Ok(image));
                }
                ImageEvent::Failed { problem } => return Ok(Err(problem)),
            }
        }
        let message = format!("sending {} broke off", self.reference);
        Err(Failure::not_done("image", message)
            .hint("the agent may have been stopped: `landfall agent status`"))
    }
}
