//! Building an image from a packed context with the engine's classic builder, which every engine has.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, BuilderVersion};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use landfall_core::id::ImageId;
use landfall_core::secret::Secret;
use landfall_deploy::ports::EngineError;

use crate::client::DockerEngine;
use crate::credentials::Credentials;
use crate::error::{self, Call};
use crate::name;

/// Output lines that an error carries.
const OUTPUT_LINES_MAX: usize = 40;
const LINE_MAX: usize = 4_000;
/// The builder wraps what a step writes to standard error in these.
const STDERR_COLOURS: [&str; 2] = ["\u{1b}[91m", "\u{1b}[0m"];
const LIMIT_DEFAULT: Duration = Duration::from_hours(1);

/// What to build, and how. The context travels beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// Tag of the result.
    pub tag: String,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// Build arguments.
    pub args: BTreeMap<String, Secret<String>>,
    /// Stage to stop at; the last one if `None`.
    pub target: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Use no cached layers.
    pub no_cache: bool,
    /// Ask the registry for newer base images.
    pub pull: bool,
    /// Network of the `RUN` steps, for example `host` or `none`.
    pub network: Option<String>,
    /// For example `linux/amd64`.
    pub platform: Option<String>,
    /// `host:address` pairs for the `RUN` steps.
    pub extra_hosts: Vec<String>,
    /// Images whose layers may be used as a cache.
    pub cache_from: Vec<String>,
    /// Size of `/dev/shm` in the `RUN` steps.
    pub shm_size_bytes: Option<u64>,
    /// Further tags of the result.
    pub tags: Vec<String>,
    /// Soft and hard limits of the `RUN` steps' processes, by name.
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// Time it may take.
    pub limit: Duration,
}

impl BuildRequest {
    /// The `Dockerfile` at the root of the context, everything else as usual.
    pub fn new(tag: impl Into<String>) -> Self {
        Self {
            tag: tag.into(),
            dockerfile: "Dockerfile".to_owned(),
            args: BTreeMap::new(),
            target: None,
            labels: BTreeMap::new(),
            no_cache: false,
            pull: false,
            network: None,
            platform: None,
            extra_hosts: Vec::new(),
            cache_from: Vec::new(),
            shm_size_bytes: None,
            tags: Vec::new(),
            ulimits: BTreeMap::new(),
            limit: LIMIT_DEFAULT,
        }
    }
}

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A step of the Dockerfile failed, or the Dockerfile itself is wrong.
    #[error("{message}")]
    Failed {
        /// The engine's words.
        message: String,
        /// The last lines of output, oldest first.
        output: Vec<String>,
    },
    /// It took longer than allowed.
    #[error("the build did not end within {limit_s} s")]
    Timeout {
        /// The limit.
        limit_s: u64,
        /// The last lines of output, oldest first.
        output: Vec<String>,
    },
    /// The engine's own failure.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl DockerEngine {
    /// Builds an image from a tar stream. Dropping the future cancels the build, and the engine cleans
    /// up behind it.
    pub async fn build(
        &self,
        request: &BuildRequest,
        context: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        credentials: &Credentials,
        progress: impl FnMut(&str) + Send,
    ) -> Result<ImageId, BuildError> {
        for tag in request.tags.iter().chain([&request.tag]) {
            name::image(tag)?;
        }
        let mut output = Output { lines: VecDeque::new(), part: String::new(), progress };
        let docker = match ulimits(request) {
            Some(limits) => self.docker_with_query("ulimits", &limits).await?,
            None => self.docker().await?.clone(),
        };
        let body = bollard::body_try_stream(context);
        let mut stream =
            docker.build_image(options(request), credentials.all(), Some(body)).boxed();
        let building = async {
            let mut id = None;
            while let Some(info) = stream.next().await {
                let info = info.map_err(|e| failed(&e))?;
                id = info.aux.as_ref().and_then(|aux| aux.id.clone()).or(id);
                output.take(info);
            }
            Ok(id)
        };
        let built = tokio::time::timeout(request.limit, building).await;
        drop(stream);
        let output = output.finish();
        match built {
            Ok(Ok(Some(id))) => {
                let image = ImageId(id);
                for tag in &request.tags {
                    self.tag_image(&image, tag).await?;
                }
                Ok(image)
            }
            Ok(Ok(None)) => {
                if let Some(image) = self.image(&request.tag).await? {
                    return Ok(image.sealed.id);
                }
                let message = "the engine ended the build without an image".to_owned();
                Err(BuildError::Failed { message, output })
            }
            Ok(Err(Failure::Step(message))) => Err(BuildError::Failed { message, output }),
            Ok(Err(Failure::Engine(e))) => Err(BuildError::Engine(e)),
            Err(_) => Err(BuildError::Timeout { limit_s: request.limit.as_secs(), output }),
        }
    }
}

/// As the engine's own command line says it.
fn ulimits(request: &BuildRequest) -> Option<String> {
    let limits = request.ulimits.iter().map(
        |(name, (soft, hard))| serde_json::json!({ "Name": name, "Soft": soft, "Hard": hard }),
    );
    let limits: Vec<_> = limits.collect();
    (!limits.is_empty()).then(|| serde_json::Value::Array(limits).to_string())
}

enum Failure {
    Step(String),
    Engine(EngineError),
}

fn failed(e: &bollard::errors::Error) -> Failure {
    match e {
        bollard::errors::Error::DockerStreamError { error } => Failure::Step(error.clone()),
        // A Dockerfile that cannot be read is refused before anything is streamed.
        bollard::errors::Error::DockerResponseServerError { status_code, message }
            if *status_code == 400 || message.contains("ockerfile") =>
        {
            Failure::Step(message.clone())
        }
        e => Failure::Engine(error::of(Call::Change, e)),
    }
}

fn options(request: &BuildRequest) -> BuildImageOptions {
    let map = |map: &BTreeMap<String, String>| {
        (!map.is_empty()).then(|| map.clone().into_iter().collect())
    };
    let args = request.args.iter().map(|(k, v)| (k.clone(), v.expose().clone())).collect();
    BuildImageOptions {
        t: Some(request.tag.clone()),
        dockerfile: request.dockerfile.clone(),
        buildargs: (!request.args.is_empty()).then_some(args),
        target: request.target.clone().unwrap_or_default(),
        labels: map(&request.labels),
        nocache: request.no_cache,
        pull: request.pull.then(|| "true".to_owned()),
        networkmode: request.network.clone(),
        platform: request.platform.clone().unwrap_or_default(),
        extrahosts: (!request.extra_hosts.is_empty()).then(|| request.extra_hosts.join(",")),
        cachefrom: (!request.cache_from.is_empty()).then(|| request.cache_from.clone()),
        shmsize: request.shm_size_bytes.map(|n| i32::try_from(n).unwrap_or(i32::MAX)),
        rm: true,
        forcerm: true,
        version: BuilderVersion::BuilderV1,
        ..BuildImageOptions::default()
    }
}

/// Cuts the builder's output into lines, shows them, and keeps the last ones.
struct Output<P> {
    lines: VecDeque<String>,
    part: String,
    progress: P,
}

impl<P: FnMut(&str)> Output<P> {
    fn take(&mut self, info: BuildInfo) {
        if let Some(text) = info.stream {
            for piece in text.split_inclusive('\n') {
                self.part.push_str(piece);
                if piece.ends_with('\n') || self.part.len() > LINE_MAX {
                    self.line();
                }
            }
        } else if let Some(status) = info.status
            // A base image being pulled: its many small steps are noise.
            && info.progress_detail.as_ref().is_none_or(|detail| detail.current.is_none())
        {
            self.part.push_str(&status);
            self.line();
        }
    }

    fn line(&mut self) {
        let mut line = std::mem::take(&mut self.part);
        for colour in STDERR_COLOURS {
            line = line.replace(colour, "");
        }
        line.truncate(line.trim_end().len());
        line.truncate(line.floor_char_boundary(LINE_MAX));
        if line.is_empty() {
            return;
        }
        (self.progress)(&line);
        self.lines.push_back(line);
        if self.lines.len() > OUTPUT_LINES_MAX {
            self.lines.pop_front();
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.line();
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_cut_into_lines_and_bounded() {
        let mut seen = Vec::new();
        let mut output = Output {
            lines: VecDeque::new(),
            part: String::new(),
            progress: |line: &str| seen.push(line.to_owned()),
        };
        let stream = |text: &str| BuildInfo { stream: Some(text.into()), ..BuildInfo::default() };
        output.take(stream("Step 1/2 : FROM busybox"));
        output.take(stream("\n"));
        output.take(stream(" ---> 0f3a\nStep 2/2 : RUN x\n\n"));
        for n in 0..100 {
            output.take(stream(&format!("line {n}\n")));
        }
        output.take(stream("no end"));
        let kept = output.finish();
        assert_eq!(seen[..3], ["Step 1/2 : FROM busybox", " ---> 0f3a", "Step 2/2 : RUN x"]);
        assert_eq!(seen.len(), 104);
        assert_eq!(kept.len(), OUTPUT_LINES_MAX);
        assert_eq!(kept.last().unwrap(), "no end");
    }
}
