//! The agent's engine: its [`Platform`] over the Docker client. The one place that knows both.
//!
//! It only translates; what an answer means is decided on either side. The transaction's own port is
//! handed through in [`port`].

mod port;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, future, stream};
use landfall_agent::{
    Context, EngineFacts, Inspected, Labelled, LogRequest, LostContainer, Platform, PullProgress,
    RawLine, RawLogs, Survey,
};
use landfall_api::{BuildRequest, EngineInfo, LogStream, Problem, ProblemCode};
use landfall_core::id::ImageId;
use landfall_core::release::SealedImage;
use landfall_core::secret::Secret;
use landfall_core::spec::Protocol;
use landfall_deploy::ports::{EngineError, EngineErrorKind};
use landfall_docker::{BuildError, Credentials, DockerEngine, LoadError, LogOptions, PullError};

/// No load of an image takes longer than this.
const LOAD_MAX: Duration = Duration::from_hours(1);

/// The engine of this host.
#[derive(Debug, Clone)]
pub(crate) struct HostEngine {
    docker: DockerEngine,
    /// The logins of whoever runs the agent.
    logins: PathBuf,
}

impl HostEngine {
    /// Over a client, with `docker login`'s file of logins.
    pub(crate) fn new(docker: DockerEngine, logins: PathBuf) -> Self {
        Self { docker, logins }
    }

    /// Read anew each time, since a person may log in while the agent runs.
    fn credentials(&self) -> Credentials {
        Credentials::read(&self.logins).unwrap_or_else(|error| {
            tracing::warn!(%error, "goes on without registry logins");
            Credentials::default()
        })
    }
}

impl Survey for HostEngine {
    async fn labelled(&self) -> Result<Vec<Labelled>, EngineError> {
        let found = self.docker.labelled().await?;
        let translate = |found: landfall_docker::LabelledContainer| Labelled {
            id: found.id,
            name: found.name,
            running: found.running,
            labels: found.labels,
        };
        Ok(found.into_iter().map(translate).collect())
    }
}

impl Platform for HostEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        let info = self.docker.info().await?;
        let mut warnings = Vec::new();
        if info.rootless {
            warnings.push("a rootless engine is not supported".to_owned());
        }
        Ok(EngineInfo {
            version: info.version,
            api_version: info.api_pinned,
            storage: info.storage_driver,
            platform: format!("linux/{}", go_arch(&info.architecture)),
            live_restore: info.live_restore,
            warnings,
        })
    }

    async fn image(
        &self,
        reference: &str,
        platform: Option<&str>,
    ) -> Result<Option<SealedImage>, EngineError> {
        let found = self.docker.image(reference).await?;
        let fits = |have: &str| platform.is_none_or(|wanted| is_platform(have, wanted));
        Ok(found.filter(|found| fits(&found.platform)).map(|found| found.sealed))
    }

    async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        progress: &mut (dyn FnMut(PullProgress) + Send),
    ) -> Result<(), Problem> {
        let credentials = self.credentials();
        let told = |at: landfall_docker::PullProgress| {
            progress(PullProgress {
                detail: format!("{} of {} layers", at.layers_done, at.layers),
                current_bytes: Some(at.bytes_done),
                total_bytes: Some(at.bytes_total),
            });
        };
        let pulled = self.docker.pull(reference, platform, &credentials, told).await;
        pulled.map(drop).map_err(|error| not_pulled(reference, error))
    }

    async fn build(
        &self,
        request: &BuildRequest,
        context: Context,
        output: &mut (dyn FnMut(String) + Send),
    ) -> Result<ImageId, Problem> {
        let secret = |(name, value): (&String, &String)| (name.clone(), Secret::new(value.clone()));
        let mut build = landfall_docker::BuildRequest::new(&request.tag);
        if let Some(dockerfile) = &request.dockerfile {
            build.dockerfile.clone_from(dockerfile);
        }
        build.args = request.args.iter().map(secret).collect();
        build.target.clone_from(&request.target);
        build.labels.clone_from(&request.labels);
        build.platform.clone_from(&request.platform);
        build.network.clone_from(&request.network);
        build.cache_from.clone_from(&request.cache_from);
        build.extra_hosts.clone_from(&request.extra_hosts);
        build.shm_size_bytes = request.shm_size_bytes;
        build.no_cache = request.no_cache;
        build.pull = request.pull;
        build.tags.clone_from(&request.tags);
        build.ulimits.clone_from(&request.ulimits);
        let credentials = self.credentials();
        let line = |line: &str| output(line.to_owned());
        let built = self.docker.build(&build, context, &credentials, line).await;
        built.map_err(|error| not_built(&request.tag, error))
    }

    async fn layers_present(&self, layers: &[String], known: &str) -> Result<usize, EngineError> {
        self.docker.layers_present(layers, known).await
    }

    async fn lone_tags(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        self.docker.lone_tags(prefix).await
    }

    async fn load(&self, tag: &str, layers: &[String], tar: Context) -> Result<ImageId, Problem> {
        let loaded = self.docker.load(tag, layers, tar).await;
        loaded.map_err(|error| match error {
            LoadError::Engine(error) => engine_failed(error),
            LoadError::Refused(message) => {
                let problem = Problem::new(ProblemCode::Image, "the engine did not take the image");
                problem.details(vec![message])
            }
        })
    }

    fn logs(&self, container: &str, request: LogRequest) -> RawLogs {
        let (docker, container) = (self.docker.clone(), container.to_owned());
        let options = LogOptions {
            follow: request.follow,
            tail: request.tail.map(|lines| lines as usize),
            since_s: request.since_ms.map(|ms| ms / 1000),
        };
        let opened = async move { docker.logs(&container, &options).await };
        let lines = stream::once(opened).try_flatten();
        // A line without a time has that of the line before.
        let timed = lines.scan(0, |last_ms, line| {
            future::ready(Some(line.map(|line| {
                *last_ms = line.at_ms.unwrap_or(*last_ms);
                let stream = match line.stream {
                    landfall_docker::LogStream::Out => LogStream::Stdout,
                    landfall_docker::LogStream::Err => LogStream::Stderr,
                };
                RawLine { at_ms: *last_ms, stream, text: line.text }
            })))
        });
        timed.boxed()
    }

    async fn inspect(&self, container: &str) -> Result<Option<Inspected>, EngineError> {
        Ok(self.docker.look(container).await?.map(|seen| Inspected {
            image: seen.image,
            restarts: seen.restarts,
            paused: seen.paused,
            environment: seen.environment,
            mounts: seen.mounts,
            ports: seen.ports,
        }))
    }

    async fn facts(&self) -> Result<Option<EngineFacts>, EngineError> {
        let facts = self.docker.facts().await?;
        let cut_off = Path::new(&facts.root_dir)
            .join("image")
            .join(&facts.storage_driver)
            .join("layerdb/tmp");
        Ok(Some(EngineFacts {
            leaked_loads: leaked(&cut_off, Path::new(&facts.root_dir)),
            root_dir: facts.root_dir,
            now_ms: facts.now_ms,
            apps: facts.apps,
        }))
    }

    async fn lost(&self) -> Result<Vec<LostContainer>, EngineError> {
        let lost = self.docker.lost().await?;
        let translate =
            |lost: landfall_docker::LostContainer| LostContainer { app: lost.app, name: lost.name };
        Ok(lost.into_iter().map(translate).collect())
    }

    async fn is_cut_off(&self, container: &str) -> Result<bool, EngineError> {
        self.docker.is_cut_off(container).await
    }

    async fn is_mistaken(&self, container: &str) -> Result<bool, EngineError> {
        self.docker.is_mistaken(container).await
    }

    async fn who_publishes(
        &self,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Result<Option<String>, EngineError> {
        match protocol {
            Protocol::Tcp => self.docker.who_publishes(address.port()).await,
            Protocol::Udp => Ok(None),
        }
    }
}

/// What loads that were cut off have left in the engine's own folder: an hour old, so none that runs.
/// `None` where that folder cannot be read; an image store without it keeps nothing there.
fn leaked(cut_off: &Path, root: &Path) -> Option<usize> {
    std::fs::read_dir(root).ok()?;
    let Ok(entries) = std::fs::read_dir(cut_off) else { return Some(0) };
    let is_old = |entry: &std::fs::DirEntry| {
        let changed = entry.metadata().and_then(|meta| meta.modified()).ok();
        changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age >= LOAD_MAX)
    };
    Some(entries.flatten().filter(is_old).count())
}

/// The engine names processors as `uname` does, images as Go does.
fn go_arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// `linux/arm64` is also `linux/arm64/v8`, but not `linux/arm`.
fn is_platform(have: &str, wanted: &str) -> bool {
    let rest = have.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why there is no image, for the person who wants it.
fn not_pulled(reference: &str, error: PullError) -> Problem {
    let problem = |why: &str, words: String| {
        let message = format!("cannot pull {reference}: {why}");
        Problem::new(ProblemCode::Image, message).details(vec![words])
    };
    match error {
        PullError::Engine(error) => engine_failed(error),
        PullError::NotFound { message, .. } => {
            problem("it is not in its registry, or needs a login", message).hint(
                "check name and tag; for a private registry run `docker login` as the agent's user",
            )
        }
        PullError::Unauthorised { registry, message, helper } => {
            let refused = problem(&format!("{registry} refuses the login"), message);
            match helper {
                Some(helper) => refused.hint(format!(
                    "logins are kept by the helper {helper}, which the agent does not run: log in without it"
                )),
                None => refused.hint(format!("run `docker login {registry}` as the agent's user")),
            }
        }
        PullError::RegistryUnreachable { registry, message } => {
            problem(&format!("{registry} cannot be reached"), message)
                .hint("images that the engine has already are not pulled")
        }
    }
}

fn not_built(tag: &str, error: BuildError) -> Problem {
    match error {
        BuildError::Engine(error) => engine_failed(error),
        // Its output was shown line by line.
        BuildError::Failed { message, .. } => {
            let problem = Problem::new(ProblemCode::Image, format!("{tag} was not built"));
            problem.details(message.lines().map(str::to_owned).collect())
        }
        BuildError::Timeout { limit_s, .. } => {
            let message = format!("{tag} was not built within {limit_s} s");
            Problem::new(ProblemCode::Image, message)
        }
    }
}

fn engine_failed(error: EngineError) -> Problem {
    match error.kind {
        EngineErrorKind::Unreachable | EngineErrorKind::Timeout => {
            Problem::new(ProblemCode::Unavailable, error.message)
                .hint("is the Docker Engine running?")
        }
        EngineErrorKind::Conflict
        | EngineErrorKind::PortTaken
        | EngineErrorKind::NotFound
        | EngineErrorKind::Invalid => Problem::new(ProblemCode::Invalid, error.message),
        EngineErrorKind::LostTrack => Problem::new(ProblemCode::Unavailable, error.message),
        EngineErrorKind::Internal => Problem::new(ProblemCode::Internal, error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_fit_by_whole_parts() {
        assert!(is_platform("linux/amd64", "linux/amd64"));
        assert!(is_platform("linux/arm64/v8", "linux/arm64"));
        assert!(!is_platform("linux/arm64/v8", "linux/arm"));
        assert!(!is_platform("linux/arm64", "linux/arm64/v8"));
    }
}
