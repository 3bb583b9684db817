//! `AppSpec`: what a user's compose files say, resolved and typed.
//!
//! Made by `landfall-compose`, sealed into a [`crate::release::Release`]. It knows no file syntax and
//! no engine. Sizes carry their unit in the name; durations are milliseconds.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{AppName, Key, ServiceName};
use crate::secret::Secret;

mod container;
mod devices;
mod mount;
mod namespaces;
mod network;
mod settings;

pub use container::{ContainerSpec, HealthTest, Healthcheck, Hook, Logging, Resources, Ulimit};
pub use devices::{BlockLimits, Device, DeviceRate, DeviceRequest, DeviceWeight};
pub use mount::{Mount, MountKind, Recursive, Relabel};
pub use namespaces::{Namespace, Namespaces, VolumesFrom};
pub use network::{EndpointSpec, Ipam, IpamPool, NetworkAttachment, NetworkSpec};
pub use settings::{AppSettings, HealthSettings, RouteSettings};

/// For fields that came later: unset, they leave no trace, so that older hashes stay what they were.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One app, resolved: every variable filled in, every path absolute or sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSpec {
    /// The Compose project name.
    pub name: AppName,
    /// Services of the enabled profiles.
    pub services: BTreeMap<ServiceName, ServiceSpec>,
    /// Networks that a service uses, `default` included.
    pub networks: BTreeMap<Key, NetworkSpec>,
    /// Named volumes that a service uses.
    pub volumes: BTreeMap<Key, VolumeSpec>,
    /// Content of read-only binds, configs and file secrets, by the id that mounts name.
    pub files: BTreeMap<String, SealedTree>,
    /// App-wide `x-landfall` settings, defaults filled in.
    pub settings: AppSettings,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// Image reference as written (or Compose's default name of a built image).
    pub image: String,
    /// Whether the image may, must or must not be pulled.
    pub pull: PullPolicy,
    /// Target platform, for example `linux/amd64`.
    pub platform: Option<String>,
    /// How it runs.
    pub workload: Workload,
    /// Wanted replicas; 1 for singletons, stateful services and one-offs.
    pub replicas: u32,
    /// Everything the container is made of.
    pub container: ContainerSpec,
    /// Networks by key. Empty: `network_mode: none`, or a network namespace that is not its own.
    pub networks: BTreeMap<Key, NetworkAttachment>,
    /// Published ports.
    pub ports: Vec<PublishedPort>,
    /// Container ports declared by `expose` (TCP).
    pub expose: Vec<u16>,
    /// What must hold of other services before this one starts.
    pub depends_on: BTreeMap<ServiceName, Dependency>,
    /// Routes asked for under `x-landfall`, beyond the published ports.
    pub routes: Vec<RouteSettings>,
    /// Health settings under `x-landfall`.
    pub health: HealthSettings,
}

/// Compose's default `stop_grace_period`.
const STOP_GRACE_MS: u64 = 10_000;
/// Databases write a lot when they stop; killing one costs a recovery.
const STOP_GRACE_STATEFUL_MS: u64 = 60_000;
/// No file may hold up a rollout for longer than this.
const STOP_GRACE_MAX_MS: u64 = 600_000;

impl ServiceSpec {
    /// Time between asking its containers to stop and killing them.
    pub fn stop_grace_ms(&self) -> u64 {
        let default = match self.workload {
            Workload::Stateful => STOP_GRACE_STATEFUL_MS,
            Workload::Replicated | Workload::Singleton | Workload::OneOff => STOP_GRACE_MS,
        };
        self.container.stop_grace_ms.unwrap_or(default).min(STOP_GRACE_MAX_MS)
    }
}

/// How a service runs (DESIGN §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// New replicas start beside the old ones.
    Replicated,
    /// Must never run twice: stop old, start new, just before the cutover.
    Singleton,
    /// Keeps data: left alone while unchanged, replaced in place when changed.
    Stateful,
    /// Runs to completion once a release.
    OneOff,
}

impl Workload {
    /// The word of the glossary.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::Singleton => "singleton",
            Self::Stateful => "stateful",
            Self::OneOff => "one-off",
        }
    }
}

/// Compose's `pull_policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullPolicy {
    /// Pull when the engine has no such image.
    Missing,
    /// Always ask the registry.
    Always,
    /// Never pull.
    Never,
    /// Built by us, never pulled.
    Build,
}

/// One entry of `ports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Host address; `0.0.0.0` when the file names none.
    pub host_ip: IpAddr,
    /// Host port; `None` lets the engine choose (stateful services only).
    pub published: Option<u16>,
    /// Container port.
    pub target: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// Transport of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One entry of `depends_on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// What must hold.
    pub condition: Condition,
    /// `false`: a missing or failed dependency is only a warning.
    pub required: bool,
}

/// Compose's dependency conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its container was started.
    ServiceStarted,
    /// Its gate is passed.
    ServiceHealthy,
    /// It ran to completion with exit code 0.
    ServiceCompletedSuccessfully,
}

/// A named volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// Name at the engine as Compose gives it: `<project>_<key>`, or `name:`.
    pub name: String,
    /// It must exist already; never created, never removed.
    pub external: bool,
    /// Whose lifetime it shares.
    pub scope: VolumeScope,
    /// Volume driver; `None` is the engine's `local`.
    pub driver: Option<String>,
    /// Driver options, as written.
    pub driver_opts: BTreeMap<String, String>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
}

/// Lifetime of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeScope {
    /// Data: shared by all releases, never removed by us.
    App,
    /// Made for each release and removed with it (collected static files).
    Release,
}

/// Files sealed by content: one file, or a folder's tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTree {
    /// A single file is mounted as a file, a folder as a folder.
    pub kind: SealedKind,
    /// Regular files by relative path (`/` separated, no `..`; the empty path for a single file).
    pub entries: BTreeMap<String, SealedFile>,
}

/// What a sealed tree is mounted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealedKind {
    /// One file.
    File,
    /// A folder.
    Folder,
}

/// One sealed regular file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Permission bits, for example `0o644`.
    pub mode: u32,
    /// Owner, when the compose file names one.
    pub uid: Option<u32>,
    /// Group, when the compose file names one.
    pub gid: Option<u32>,
    /// Content, base64. It may be a secret.
    pub content: Secret<String>,
}
