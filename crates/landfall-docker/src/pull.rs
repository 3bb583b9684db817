//! Pulling an image, with progress that does not flood and errors that say what to do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::client::DockerEngine;
use crate::credentials::{Credentials, registry};
use crate::error::{self, Call};
use crate::images::FoundImage;
use crate::name;

/// A registry that says nothing for this long has gone.
const SILENCE_LIMIT: Duration = Duration::from_mins(2);
const TOTAL_LIMIT: Duration = Duration::from_hours(2);
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PullProgress {
    /// Layers that are known so far.
    pub layers: usize,
    /// Of these, there already or unpacked.
    pub layers_done: usize,
    /// Bytes downloaded of the layers that are known so far.
    pub bytes_done: u64,
    /// Their size.
    pub bytes_total: u64,
}

/// Why an image was not pulled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// The registry has no such image, tag or platform, or does not show it to us.
    #[error("{reference} is not in its registry, or needs a login: {message}")]
    NotFound {
        /// As asked for.
        reference: String,
        /// The engine's words.
        message: String,
    },
    /// The registry wants another login, or any.
    #[error("{registry} refuses us: {message}")]
    Unauthorised {
        /// Its host.
        registry: String,
        /// The engine's words.
        message: String,
        /// The credential helper that the logins rely on, which is not run.
        helper: Option<String>,
    },
    /// No way to the registry.
    #[error("{registry} cannot be reached: {message}")]
    RegistryUnreachable {
        /// Its host.
        registry: String,
        /// The engine's words.
        message: String,
    },
    /// The engine's own failure.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl DockerEngine {
    /// Pulls an image and says what it is. Without a tag or digest, `latest` is meant. Dropping the
    /// future ends the pull.
    pub async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        credentials: &Credentials,
        mut progress: impl FnMut(PullProgress) + Send,
    ) -> Result<FoundImage, PullError> {
        let (from, tag) = source(name::image(reference)?);
        let options = CreateImageOptionsBuilder::new()
            .from_image(from)
            .tag(tag)
            .platform(platform.unwrap_or_default())
            .build();
        let docker = self.docker().await?;
        let mut stream =
            docker.create_image(Some(options), None, credentials.of_image(reference)).boxed();
        let mut layers = Layers::default();
        let (began, mut reported) = (Instant::now(), Instant::now());
        loop {
            let next = tokio::time::timeout(SILENCE_LIMIT, stream.next()).await;
            let Ok(next) = next else {
                return Err(error::timeout(Call::Change, SILENCE_LIMIT).into());
            };
            match next {
                None => break,
                Some(Ok(info)) => layers.take(info),
                Some(Err(e)) => {
                    return Err(judge(reference, error::of(Call::Change, &e), credentials));
                }
            }
            if began.elapsed() > TOTAL_LIMIT {
                return Err(error::timeout(Call::Change, TOTAL_LIMIT).into());
            }
            if reported.elapsed() >= REPORT_EVERY {
                progress(layers.progress());
                reported = Instant::now();
            }
        }
        progress(layers.progress());
        let missing = || error::not_found(format!("{reference} was pulled but is not there"));
        Ok(self.image(reference).await?.ok_or_else(missing)?)
    }
}

/// What to ask for: repository, and tag or digest. Without either the engine would pull all tags.
fn source(reference: &str) -> (&str, &str) {
    if let Some((named, digest)) = reference.split_once('@') {
        return (name::repository_and_tag(named).0, digest);
    }
    let (repository, tag) = name::repository_and_tag(reference);
    (repository, tag.unwrap_or("latest"))
}

fn judge(reference: &str, failed: EngineError, credentials: &Credentials) -> PullError {
    let message = failed.message.clone();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let registry = registry(reference).to_owned();
    let login = [
        "unauthorized",
        "401 Unauthorized",
        "403 Forbidden",
        "authentication required",
        "no basic auth",
        "incorrect username",
    ];
    if says(&login) || (says(&["denied"]) && !says(&["does not exist"])) {
        let helper = credentials.helper().map(Into::into);
        return PullError::Unauthorised { registry, message, helper };
    }
    if failed.kind == EngineErrorKind::NotFound
        || says(&["manifest unknown", "does not exist", "not found", "no matching manifest"])
    {
        return PullError::NotFound { reference: reference.to_owned(), message };
    }
    if says(&[
        "no such host",
        "dial tcp",
        "i/o timeout",
        "connection refused",
        "TLS handshake",
        "x509",
        "Client.Timeout",
        "server misbehaving",
        "network is unreachable",
        "EOF",
    ]) {
        return PullError::RegistryUnreachable { registry, message };
    }
    PullError::Engine(failed)
}

#[derive(Debug, Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Debug, Default)]
struct Layer {
    done: bool,
    bytes_done: u64,
    bytes_total: u64,
}

impl Layers {
    fn take(&mut self, info: CreateImageInfo) {
        let (Some(id), Some(status)) = (info.id, info.status) else { return };
        // The first line carries the tag as its id.
        if status.starts_with("Pulling from") {
            return;
        }
        let layer = self.0.entry(id).or_default();
        let bytes = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        match status.as_str() {
            "Downloading" => {
                if let Some(detail) = info.progress_detail {
                    layer.bytes_done = bytes(detail.current);
                    layer.bytes_total = bytes(detail.total).max(layer.bytes_done);
                }
            }
            "Download complete" => layer.bytes_done = layer.bytes_total,
            "Pull complete" | "Already exists" => {
                layer.bytes_done = layer.bytes_total;
                layer.done = true;
            }
            _ => {}
        }
    }

    fn progress(&self) -> PullProgress {
        PullProgress {
            layers: self.0.len(),
            layers_done: self.0.values().filter(|layer| layer.done).count(),
            bytes_done: self.0.values().map(|layer| layer.bytes_done).sum(),
            bytes_total: self.0.values().map(|layer| layer.bytes_total).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_all_tags_at_once() {
        assert_eq!(source("nginx"), ("nginx", "latest"));
        assert_eq!(source("h:5000/a/b:v1"), ("h:5000/a/b", "v1"));
        assert_eq!(source("a@sha256:0f"), ("a", "sha256:0f"));
        assert_eq!(source("h:5000/a:v1@sha256:0f"), ("h:5000/a", "sha256:0f"));
    }

    #[test]
    fn failures_say_whether_it_is_the_name_the_login_or_the_network() {
        let kind = |message: &str| {
            let failed = error::of(
                Call::Change,
                &bollard::errors::Error::DockerStreamError { error: message.to_owned() },
            );
            match judge("h.example.com/a:v1", failed, &Credentials::default()) {
                PullError::NotFound { .. } => "not found",
                PullError::Unauthorised { .. } => "login",
                PullError::RegistryUnreachable { .. } => "network",
                PullError::Engine(_) => "engine",
            }
        };
        for (expected, message) in [
            (
                "not found",
                "manifest for h.example.com/a:v1 not found: manifest unknown: manifest unknown",
            ),
            (
                "not found",
                "pull access denied for a, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
            ),
            ("not found", "no matching manifest for linux/arm64 in the manifest list entries"),
            (
                "login",
                "Head \"https://h.example.com/v2/a/manifests/v1\": unauthorized: authentication required",
            ),
            ("login", "Head \"https://h.example.com/v2/a/manifests/v1\": denied: denied"),
            (
                "login",
                "Head \"https://h.example.com/v2/a/manifests/v1\": no basic auth credentials",
            ),
            // The containerd image store's words.
            (
                "login",
                "unknown: failed to resolve reference \"h.example.com/a:v1\": unexpected status from HEAD request to https://h.example.com/v2/a/manifests/v1: 401 Unauthorized",
            ),
            (
                "not found",
                "failed to resolve reference \"h.example.com/a:v1\": h.example.com/a:v1: not found",
            ),
            (
                "network",
                "Get \"https://h.example.com/v2/\": dial tcp: lookup h.example.com: no such host",
            ),
            ("network", "Get \"https://h.example.com/v2/\": net/http: TLS handshake timeout"),
            (
                "network",
                "Get \"https://h.example.com/v2/\": x509: certificate signed by unknown authority",
            ),
            ("engine", "write /var/lib/docker/tmp/x: no space left on device"),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
    }

    #[test]
    fn progress_adds_up_over_layers() {
        let mut layers = Layers::default();
        for line in [
            r#"{"status":"Pulling from a","id":"v1"}"#,
            r#"{"status":"Already exists","progressDetail":{},"id":"l1"}"#,
            r#"{"status":"Pulling fs layer","progressDetail":{},"id":"l2"}"#,
            r#"{"status":"Downloading","progressDetail":{"current":5,"total":20},"id":"l2"}"#,
            r#"{"status":"Digest: sha256:0f"}"#,
        ] {
            layers.take(serde_json::from_str(line).unwrap());
        }
        let expected = PullProgress { layers: 2, layers_done: 1, bytes_done: 5, bytes_total: 20 };
        assert_eq!(layers.progress(), expected);
    }
}
