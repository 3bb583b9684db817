//! What a service shares: with the host, with another service, with a container outside.

use landfall_core::id::ServiceName;
use landfall_core::spec::{Namespace, VolumesFrom};

use super::Decoder;
use super::service::ServiceDraft;
use crate::source::{Span, Spanned};
use crate::yaml::{Entry, Node};

/// `network_mode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetworkMode {
    /// No network at all.
    None,
    /// The engine's default, which for an app is its `default` network.
    Bridge,
    /// The host's, a service's or a container's network namespace.
    Shared(Namespace),
}

/// A service that another one cannot exist without.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) service: Spanned<String>,
    pub(crate) tie: Tie,
}

/// What ties a service to its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tie {
    /// It lives in the other's network namespace.
    Network,
    /// It lives in the other's PID namespace.
    Pid,
    /// It lives in the other's IPC namespace.
    Ipc,
    /// It mounts the other's mounts.
    Volumes,
}

pub(super) fn network_mode(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let Some(text) = d.text(&entry.value) else { return };
    let mode = match text.as_str() {
        "none" => NetworkMode::None,
        "bridge" | "default" => NetworkMode::Bridge,
        _ => {
            let Some(namespace) = shared(d, &entry.value, service, Tie::Network) else {
                let why = "it names a network of the engine";
                let instead =
                    "define the network under `networks:` with `external: true` and join it";
                d.refused("this `network_mode`", entry.value.span, why, instead);
                return;
            };
            service.container.namespaces.network = Some(namespace.clone());
            NetworkMode::Shared(namespace)
        }
    };
    service.network_mode = Some(Spanned::new(mode, entry.value.span));
}

pub(super) fn pid(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let namespace = shared(d, &entry.value, service, Tie::Pid);
    if namespace.is_none() && entry.value.as_text() != Some("") {
        d.invalid(&entry.value, "must be `host`, `service:NAME` or `container:NAME`");
    }
    service.container.namespaces.pid = namespace;
}

pub(super) fn ipc(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let namespace = match entry.value.as_text() {
        Some("private") => Some(Namespace::Private),
        Some("shareable") => Some(Namespace::Shareable),
        Some("none") => Some(Namespace::None),
        _ => shared(d, &entry.value, service, Tie::Ipc),
    };
    if namespace.is_none() && entry.value.as_text() != Some("") {
        let all =
            "must be `private`, `shareable`, `none`, `host`, `service:NAME` or `container:NAME`";
        d.invalid(&entry.value, all);
    }
    service.container.namespaces.ipc = namespace;
}

pub(super) fn uts(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    match d.text(&entry.value).as_deref() {
        Some("host") => service.container.namespaces.uts_host = true,
        Some("") | None => {}
        Some(_) => {
            d.invalid(&entry.value, "must be `host`");
        }
    }
}

pub(super) fn userns(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    service.container.namespaces.user = d.text(&entry.value).filter(|text| !text.is_empty());
}

pub(super) fn cgroup(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    match d.text(&entry.value).as_deref() {
        Some(word @ ("host" | "private")) => {
            service.container.namespaces.cgroup = Some(word.to_owned());
        }
        Some("") | None => {}
        Some(_) => {
            d.invalid(&entry.value, "must be `host` or `private`");
        }
    }
}

/// The one isolation that Linux has is the default.
pub(super) fn isolation(d: &mut Decoder<'_>, entry: &Entry, _: &mut ServiceDraft) {
    match d.text(&entry.value).as_deref() {
        Some("default" | "") | None => {}
        Some(_) => d.refused("`isolation`", entry.key, "it exists on Windows only", "leave it out"),
    }
}

/// `SERVICE[:ro]` or `container:NAME[:ro]`.
pub(super) fn volumes_from(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let Some(text) = d.text(item) else { return };
        let (text, read_only) = match text.rsplit_once(':') {
            Some((name, "ro")) => (name, true),
            Some((name, "rw")) => (name, false),
            _ => (text.as_str(), false),
        };
        let from = match text.strip_prefix("container:") {
            Some(name) => container(d, item, name),
            None => peer(d, item, text, service, Tie::Volumes),
        };
        service.container.volumes_from.push(VolumesFrom { from, read_only });
    });
}

/// `host`, `service:NAME` or `container:NAME`.
fn shared(
    d: &mut Decoder<'_>,
    node: &Node,
    service: &mut ServiceDraft,
    tie: Tie,
) -> Option<Namespace> {
    let text = d.text(node)?;
    if text == "host" {
        return Some(Namespace::Host);
    }
    if let Some(name) = text.strip_prefix("container:") {
        return Some(container(d, node, name));
    }
    let name = text.strip_prefix("service:")?;
    Some(peer(d, node, name, service, tie))
}

fn peer(
    d: &mut Decoder<'_>,
    node: &Node,
    name: &str,
    service: &mut ServiceDraft,
    tie: Tie,
) -> Namespace {
    match name.parse::<ServiceName>() {
        Ok(parsed) => {
            service.peers.push(Peer { service: Spanned::new(name.to_owned(), node.span), tie });
            Namespace::Service(parsed)
        }
        Err(error) => {
            d.invalid(node, &error.to_string());
            Namespace::Private
        }
    }
}

/// A container that landfall does not manage. Its name travels in paths and lists.
fn container(d: &mut Decoder<'_>, node: &Node, name: &str) -> Namespace {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(safe) {
        d.invalid(node, "a container is named by letters, digits, `_`, `.` and `-`");
        return Namespace::Private;
    }
    Namespace::Container(name.to_owned())
}

impl Tie {
    /// The key that ties.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Network => "network_mode",
            Self::Pid => "pid",
            Self::Ipc => "ipc",
            Self::Volumes => "volumes_from",
        }
    }
}

impl Peer {
    /// Where it is said.
    pub(crate) fn at(&self) -> Span {
        self.service.span
    }
}
