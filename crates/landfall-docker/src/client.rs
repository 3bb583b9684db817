//! How a call reaches the engine: one socket, one pinned API version, a time limit on everything.
//!
//! Nothing is dialled before the first call, so an agent may start before its engine, and an engine
//! may restart under it. Connections are not kept: each call opens its own.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::Uri;
use hyper::header::{HeaderMap, HeaderValue};
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::error::{self, Call};

/// Where Docker listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Questions, and changes that the engine makes at once.
pub(crate) const SHORT: Duration = Duration::from_secs(30);
/// Starting, removing and joining: the engine works for these.
pub(crate) const LONG: Duration = Duration::from_mins(1);
/// Our own limits are all shorter; this one only replaces bollard's.
const CLIENT_TIMEOUT_S: u64 = 86_400;

/// Minor version of the oldest API we speak: 1.41 is Docker Engine 20.10.
const API_MINOR_MIN: u32 = 41;
/// Minor version of the newest API that the conformance suite has seen: Docker Engine 28.5.
const API_MINOR_MAX: u32 = 51;
const API_UNKNOWN: u32 = 0;
/// From here on (Docker Engine 25), each network may give a container a hardware address.
const API_MINOR_ENDPOINT_MAC: u32 = 44;

/// A Docker Engine on this host. Cheap to clone.
#[derive(Clone)]
pub struct DockerEngine {
    inner: Arc<Inner>,
}

struct Inner {
    socket: PathBuf,
    client: OnceLock<Docker>,
    /// Minor version that requests are pinned to; unknown until the engine was asked.
    api: Arc<AtomicU32>,
    /// Where the engine's data is; unknown until the engine was asked.
    root_dir: OnceLock<PathBuf>,
}

impl std::fmt::Debug for DockerEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DockerEngine").field("socket", &self.inner.socket).finish_non_exhaustive()
    }
}

/// A `DOCKER_HOST` that is not a local socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a local engine: landfall's agent runs beside the engine and needs `unix://…`"
)]
pub struct NotLocal(pub String);

impl DockerEngine {
    /// An engine behind a unix socket. Does not dial: an engine that is down is found out by calling.
    pub fn connect(socket: &Path) -> Self {
        let inner = Inner {
            socket: socket.to_owned(),
            client: OnceLock::new(),
            api: Arc::new(AtomicU32::new(API_UNKNOWN)),
            root_dir: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// An engine as `DOCKER_HOST` names it: `unix:///path`, or a plain absolute path; `None` or empty
    /// is the default socket.
    pub fn connect_to(docker_host: Option<&str>) -> Result<Self, NotLocal> {
        let host = docker_host.unwrap_or_default();
        let path = match host.strip_prefix("unix://").unwrap_or(host) {
            "" => DEFAULT_SOCKET,
            path if path.starts_with('/') => path,
            _ => return Err(NotLocal(host.to_owned())),
        };
        Ok(Self::connect(Path::new(path)))
    }

    /// Path of the socket.
    pub fn socket(&self) -> &Path {
        &self.inner.socket
    }

    /// The client, with its API version pinned.
    pub(crate) async fn docker(&self) -> Result<&Docker, EngineError> {
        let docker = self.client()?;
        if self.inner.api.load(Ordering::Relaxed) == API_UNKNOWN {
            let version = limited(Call::Ask, SHORT, Box::pin(docker.version())).await?;
            let minor = pinned_minor(version.api_version.as_deref())?;
            self.inner.api.store(minor, Ordering::Relaxed);
        }
        Ok(docker)
    }

    /// Where the engine's data is, on its host; `None` where it does not tell.
    pub(crate) async fn root_dir(&self) -> Result<Option<&Path>, EngineError> {
        if let Some(root) = self.inner.root_dir.get() {
            return Ok(Some(root));
        }
        let info = self.ask(self.docker().await?.info()).await?;
        let root = info.docker_root_dir.map(PathBuf::from).filter(|root| root.is_absolute());
        Ok(root.map(|root| self.inner.root_dir.get_or_init(|| root).as_path()))
    }

    /// A client whose requests carry one more parameter, which bollard's options have no room for.
    pub(crate) async fn docker_with_query(
        &self,
        name: &'static str,
        value: &str,
    ) -> Result<Docker, EngineError> {
        let docker = self.docker().await?.clone();
        let api = Arc::clone(&self.inner.api);
        let value = percent_encoded(value);
        Ok(docker.with_request_modifier(move |request| {
            let mut request = modify(request, api.load(Ordering::Relaxed));
            if let Some(uri) = with_parameter(request.uri(), name, &value) {
                *request.uri_mut() = uri;
            }
            request
        }))
    }

    /// Minor version of the API that requests are pinned to.
    pub(crate) fn api_minor(&self) -> u32 {
        self.inner.api.load(Ordering::Relaxed)
    }

    fn client(&self) -> Result<&Docker, EngineError> {
        if let Some(docker) = self.inner.client.get() {
            return Ok(docker);
        }
        let socket = self.inner.socket.to_str().ok_or_else(|| {
            error::invalid(format!("socket path {} is not UTF-8", self.inner.socket.display()))
        })?;
        let docker = Docker::connect_with_unix(socket, CLIENT_TIMEOUT_S, API_DEFAULT_VERSION)
            .map_err(|e| error::of(Call::Ask, &e))?;
        let api = Arc::clone(&self.inner.api);
        let docker = docker
            .with_request_modifier(move |request| modify(request, api.load(Ordering::Relaxed)));
        Ok(self.inner.client.get_or_init(|| docker))
    }

    /// A question: it changes nothing, whatever comes back.
    pub(crate) fn ask<'a, T>(
        &'a self,
        future: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> impl Future<Output = Result<T, EngineError>> + Send + 'a {
        // Bollard's futures are several kilobytes each, and ours nest.
        let future = Box::pin(future);
        async move { self.noting_version(limited(Call::Ask, SHORT, future).await) }
    }

    /// As [`Self::ask`], for what the container itself takes its time for.
    pub(crate) fn within<'a, T>(
        &'a self,
        limit: Duration,
        future: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> impl Future<Output = Result<T, EngineError>> + Send + 'a {
        let future = Box::pin(future);
        let limit = limit.saturating_add(SHORT);
        async move { self.noting_version(limited(Call::Ask, limit, future).await) }
    }

    /// A change: without an answer, it may have happened.
    pub(crate) fn change<'a, T>(
        &'a self,
        limit: Duration,
        future: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> impl Future<Output = Result<T, EngineError>> + Send + 'a {
        let future = Box::pin(future);
        async move { self.noting_version(limited(Call::Change, limit, future).await) }
    }

    /// An engine that was upgraded under us may refuse the version we pinned: ask again next time.
    fn noting_version<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        result.map_err(|mut error| {
            if error.kind == EngineErrorKind::Invalid && error.message.contains("client version") {
                self.inner.api.store(API_UNKNOWN, Ordering::Relaxed);
                error.retry = landfall_core::record::Retry::Later;
            }
            error
        })
    }
}

async fn limited<T>(
    call: Call,
    limit: Duration,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(limit, future).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(error::of(call, &e)),
        Err(_) => Err(error::timeout(call, limit)),
    }
}

/// The API version to speak with an engine that says it has `api_version`.
fn pinned_minor(api_version: Option<&str>) -> Result<u32, EngineError> {
    let given = api_version.unwrap_or_default();
    let minor = given.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
    match minor {
        Some(minor) if minor >= API_MINOR_MIN => Ok(minor.min(API_MINOR_MAX)),
        _ => Err(error::invalid(format!(
            "the engine speaks API version `{given}`: Docker Engine 20.10 (API 1.41) or newer is needed"
        ))),
    }
}

/// What bollard 0.21 leaves out of its requests.
fn modify(mut request: BollardRequest, api_minor: u32) -> BollardRequest {
    if request.uri().path() == "/networks/create" {
        request = with_check_duplicate(request);
    }
    if request.uri().path() == "/containers/create" && api_minor < API_MINOR_ENDPOINT_MAC {
        request = with_mac_address(request);
    }
    for header in ["x-registry-auth", "x-registry-config"] {
        make_url_safe(request.headers_mut(), header);
    }
    if request.uri().path() == "/build"
        && let Some(uri) = with_repeated_hosts(request.uri())
    {
        *request.uri_mut() = uri;
    }
    if api_minor != API_UNKNOWN
        && let Some(uri) = versioned(request.uri(), api_minor)
    {
        *request.uri_mut() = uri;
    }
    request
}

/// Requests are sent without a version, so behaviour would follow the engine's newest.
fn versioned(uri: &Uri, api_minor: u32) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let path = format!("/v1.{api_minor}{}", parts.path_and_query.as_ref()?);
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Below API 1.44 the engine makes a second network of the same name, unless asked not to; the field
/// is gone from the newer API's models.
fn with_check_duplicate(request: BollardRequest) -> BollardRequest {
    with_body(request, |body| {
        body.insert("CheckDuplicate".to_owned(), true.into());
    })
}

/// Older engines know one hardware address, the container's, and ignore that of its first network;
/// the field is gone from the newer API's models.
fn with_mac_address(request: BollardRequest) -> BollardRequest {
    with_body(request, |body| {
        let endpoints = body.get("NetworkingConfig").and_then(|n| n.get("EndpointsConfig"));
        let first = endpoints.and_then(|e| e.as_object()).and_then(|e| e.values().next());
        if let Some(address) = first.and_then(|e| e.get("MacAddress")).cloned() {
            body.insert("MacAddress".to_owned(), address);
        }
    })
}

/// Changes a JSON body; anything else stays as it is.
fn with_body(
    request: BollardRequest,
    change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
) -> BollardRequest {
    let (parts, body) = request.into_parts();
    let bytes = match body.collect().now_or_never() {
        Some(Ok(collected)) => collected.to_bytes(),
        Some(Err(_)) | None => bytes::Bytes::new(), // Never: the body is in memory.
    };
    let bytes = match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes) {
        Ok(mut map) => {
            change(&mut map);
            serde_json::Value::Object(map).to_string().into()
        }
        Err(_) => bytes,
    };
    BollardRequest::from_parts(parts, bollard::body_full(bytes))
}

/// The engine wants one `extrahosts` for each host, and bollard's options have room for one.
fn with_repeated_hosts(uri: &Uri) -> Option<Uri> {
    let repeated = uri.query()?.split('&').map(|pair| match pair.strip_prefix("extrahosts=") {
        Some(hosts) => format!("extrahosts={}", hosts.replace("%2C", "&extrahosts=")),
        None => pair.to_owned(),
    });
    let query = repeated.collect::<Vec<_>>().join("&");
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn with_parameter(uri: &Uri, name: &str, value: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let query = uri.query().map(|query| format!("{query}&")).unwrap_or_default();
    parts.path_and_query = Some(format!("{}?{query}{name}={value}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Everything but letters and digits, as RFC 3986 has it.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

/// The engine reads credentials as URL-safe base64 and silently ignores any other.
fn make_url_safe(headers: &mut HeaderMap, name: &'static str) {
    let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) else { return };
    let safe = value.replace('+', "-").replace('/', "_");
    if let Ok(mut safe) = HeaderValue::from_str(&safe) {
        safe.set_sensitive(true);
        headers.insert(name, safe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_engine_is_20_10_and_the_newest_api_is_what_was_tested() {
        assert_eq!(pinned_minor(Some("1.41")), Ok(41));
        assert_eq!(pinned_minor(Some("1.51")), Ok(51));
        assert_eq!(pinned_minor(Some("1.99")), Ok(API_MINOR_MAX));
        for bad in [Some("1.40"), Some("2.0"), Some(""), None] {
            let error = pinned_minor(bad).unwrap_err();
            assert!(error.message.contains("20.10"), "{error}");
        }
    }

    #[test]
    fn docker_host_must_be_a_local_socket() {
        let socket = |host| DockerEngine::connect_to(host).map(|e| e.socket().to_owned());
        assert_eq!(socket(None), Ok(DEFAULT_SOCKET.into()));
        assert_eq!(socket(Some("")), Ok(DEFAULT_SOCKET.into()));
        assert_eq!(socket(Some("unix:///run/d.sock")), Ok("/run/d.sock".into()));
        assert_eq!(socket(Some("/run/d.sock")), Ok("/run/d.sock".into()));
        assert!(socket(Some("tcp://10.0.0.1:2375")).is_err());
        assert!(socket(Some("ssh://host")).is_err());
    }

    #[test]
    fn requests_are_pinned_and_network_creation_refuses_duplicates() {
        let request = |path: &str, body: &'static str| {
            hyper::Request::builder()
                .uri(format!("unix://2f72{path}"))
                .header("X-Registry-Auth", "a+b/c=")
                .body(bollard::body_full(body.into()))
                .unwrap()
        };
        let body = |request: BollardRequest| {
            let bytes = request.into_body().collect().now_or_never().unwrap().unwrap().to_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let pinned = modify(request("/containers/json?all=true", ""), 41);
        assert_eq!(pinned.uri().to_string(), "unix://2f72/v1.41/containers/json?all=true");
        assert_eq!(pinned.headers()["x-registry-auth"], "a-b_c=");

        let built = modify(request("/build?t=a&extrahosts=a%3A1%2Cb%3A2&q=false", ""), 41);
        let query = "t=a&extrahosts=a%3A1&extrahosts=b%3A2&q=false";
        assert_eq!(built.uri().query(), Some(query));

        let made = modify(request("/networks/create", r#"{"Name":"n"}"#), API_UNKNOWN);
        assert_eq!(made.uri().path(), "/networks/create");
        assert_eq!(body(made), r#"{"CheckDuplicate":true,"Name":"n"}"#);
    }
}
