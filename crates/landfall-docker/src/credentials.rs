//! Registry logins, as `docker login` leaves them in `config.json`.
//!
//! Only what stands in the file is used. A credential helper is another program; it is named in the
//! error when a registry refuses us, and never run.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use landfall_core::secret::Secret;
use serde::Deserialize;

const DOCKER_HUB: &str = "docker.io";
/// The name under which the engine and `docker login` know Docker Hub.
const DOCKER_HUB_SERVER: &str = "https://index.docker.io/v1/";

/// One registry's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// User.
    pub username: String,
    /// Password or access token.
    pub password: Secret<String>,
    /// Takes the password's place, where a registry gave one.
    pub identity_token: Option<Secret<String>>,
}

/// Logins by registry host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    logins: BTreeMap<String, Login>,
    helper: Option<String>,
}

/// A `config.json` that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read registry logins from {path}: {why}")]
pub struct CredentialsError {
    path: String,
    why: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credsStore")]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<Secret<String>>,
    username: Option<String>,
    password: Option<Secret<String>>,
    identitytoken: Option<Secret<String>>,
}

impl Credentials {
    /// Reads a `config.json`; none is no logins.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let failed = |why: String| CredentialsError { path: path.display().to_string(), why };
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(&bytes).map_err(|e| failed(e.to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(failed(e.to_string())),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_slice(bytes)?;
        let logins = file.auths.into_iter();
        let logins = logins.filter_map(|(server, entry)| Some((host(&server), login(entry)?)));
        Ok(Self { logins: logins.collect(), helper: file.creds_store.filter(|s| !s.is_empty()) })
    }

    /// Adds or replaces a login.
    pub fn insert(&mut self, registry: &str, login: Login) {
        self.logins.insert(host(registry), login);
    }

    /// The credential helper that the file relies on, if any.
    pub fn helper(&self) -> Option<&str> {
        self.helper.as_deref()
    }

    /// For one image's registry.
    pub(crate) fn of_image(&self, reference: &str) -> Option<DockerCredentials> {
        let registry = registry(reference);
        self.logins.get(registry).map(|login| to_bollard(registry, login))
    }

    /// All of them, by server: a build may need several.
    pub(crate) fn all(&self) -> Option<HashMap<String, DockerCredentials>> {
        let all = self.logins.iter().map(|(registry, login)| {
            let credentials = to_bollard(registry, login);
            (credentials.serveraddress.clone().unwrap_or_default(), credentials)
        });
        (!self.logins.is_empty()).then(|| all.collect())
    }
}

fn to_bollard(registry: &str, login: &Login) -> DockerCredentials {
    let server = if registry == DOCKER_HUB { DOCKER_HUB_SERVER } else { registry };
    DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.expose().clone()),
        identitytoken: login.identity_token.as_ref().map(|token| token.expose().clone()),
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }
}

fn login(entry: Entry) -> Option<Login> {
    let from_auth = entry.auth.and_then(|auth| {
        let bytes = STANDARD.decode(auth.expose().trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (user, password) = text.trim_end_matches('\0').split_once(':')?;
        Some((user.to_owned(), Secret::new(password.to_owned())))
    });
    let (username, password) = from_auth.or(entry.username.zip(entry.password))?;
    Some(Login { username, password, identity_token: entry.identitytoken })
}

/// The registry of an image: `docker.io` unless the first part looks like a host.
pub(crate) fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => match first {
            "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
            host => host,
        },
        Some(_) | None => DOCKER_HUB,
    }
}

/// The host of a server as it is written in `config.json`.
fn host(server: &str) -> String {
    let server = server.strip_prefix("https://").unwrap_or(server);
    let server = server.strip_prefix("http://").unwrap_or(server);
    let host = server.split('/').next().unwrap_or_default();
    let hub = matches!(host, "index.docker.io" | "registry-1.docker.io" | DOCKER_HUB);
    if hub { DOCKER_HUB.to_owned() } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_by_the_registry_of_the_image() {
        let file = br#"{
            "auths": {
                "https://index.docker.io/v1/": { "auth": "bWU6YTpi" },
                "registry.example.com:5000": { "auth": "eW91OnNlY3JldA==" },
                "helped.example.com": {}
            },
            "credsStore": "pass"
        }"#;
        let credentials = Credentials::parse(file).unwrap();
        let user = |image| credentials.of_image(image).map(|c| (c.username, c.password));
        let some = |a: &str, b: &str| Some((Some(a.to_owned()), Some(b.to_owned())));
        assert_eq!(user("nginx:1"), some("me", "a:b"));
        assert_eq!(user("docker.io/library/nginx"), some("me", "a:b"));
        assert_eq!(user("registry.example.com:5000/a/b:v1"), some("you", "secret"));
        assert_eq!(user("registry.example.com/a"), None);
        assert_eq!(user("helped.example.com/a"), None);
        assert_eq!(credentials.helper(), Some("pass"));
        assert!(credentials.all().unwrap().contains_key(DOCKER_HUB_SERVER));
        assert!(!format!("{credentials:?}").contains("secret"));
    }

    #[test]
    fn the_first_part_is_a_host_only_when_it_looks_like_one() {
        for (image, host) in [
            ("nginx", "docker.io"),
            ("team/app:v1", "docker.io"),
            ("localhost/app", "localhost"),
            ("localhost:5000/app", "localhost:5000"),
            ("ghcr.io/team/app", "ghcr.io"),
            ("index.docker.io/a/b", "docker.io"),
        ] {
            assert_eq!(registry(image), host, "{image}");
        }
    }
}
