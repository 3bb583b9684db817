//! What a container shares with the host, with another service or with a foreign container.

use serde::{Deserialize, Serialize};

use crate::id::ServiceName;

/// Namespaces that are not the container's own. `None` means "as the engine has it".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespaces {
    /// `network_mode`, where it is no network: host, service or container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Namespace>,
    /// `pid`: host, service or container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<Namespace>,
    /// `ipc`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipc: Option<Namespace>,
    /// `uts: host`.
    #[serde(skip_serializing_if = "crate::spec::is_default")]
    pub uts_host: bool,
    /// `userns_mode`, for example `host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `cgroup`: `host` or `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
}

/// Whose namespace it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// The host's.
    Host,
    /// Its own, and nobody else's.
    Private,
    /// Its own, and others may join it.
    Shareable,
    /// None at all.
    None,
    /// That of a service of this release.
    Service(ServiceName),
    /// That of a container which landfall does not manage, by name or id.
    Container(String),
}

/// `volumes_from`: mounts everything that another container mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumesFrom {
    /// Whose; a service or a container.
    pub from: Namespace,
    /// Not writable from inside.
    pub read_only: bool,
}

impl Namespaces {
    /// Services that must exist before a container that has these.
    pub fn services(&self) -> impl Iterator<Item = &ServiceName> {
        [&self.network, &self.pid, &self.ipc].into_iter().flatten().filter_map(Namespace::service)
    }
}

impl Namespace {
    /// The service, if it is one's.
    pub fn service(&self) -> Option<&ServiceName> {
        match self {
            Self::Service(name) => Some(name),
            Self::Host | Self::Private | Self::Shareable | Self::None | Self::Container(_) => None,
        }
    }
}

impl crate::spec::ContainerSpec {
    /// Services whose containers this one cannot exist without: it lives in their namespaces or
    /// mounts what they mount.
    pub fn peers(&self) -> std::collections::BTreeSet<&ServiceName> {
        let mounted = self.volumes_from.iter().filter_map(|from| from.from.service());
        self.namespaces.services().chain(mounted).collect()
    }
}
