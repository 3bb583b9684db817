//! The engine: workloads, replicas, networks and volumes, found by label.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_core::gate::Probe;
use landfall_core::id::{AppName, ImageId, RolloutNumber, ServiceName};
use landfall_core::label::{Labels, Scope};
use landfall_core::plan::Attachment;
use landfall_core::record::{Effect, Retry};
use landfall_core::spec::{
    ContainerSpec, Hook, NetworkSpec, PublishedPort, Recursive, Relabel, VolumeSpec,
};

/// A container engine on one host. Mutating calls carry the labels of the step that intends them.
pub trait Engine: Send + Sync {
    /// Containers of an app, running or not, in a stable order.
    fn containers(
        &self,
        selector: &Selector,
    ) -> impl Future<Output = Result<Vec<FoundContainer>, EngineError>> + Send;

    /// One container by id or name; `None` when there is none.
    fn status(
        &self,
        container: &str,
    ) -> impl Future<Output = Result<Option<ReplicaStatus>, EngineError>> + Send;

    /// Creates a container without starting it and returns its id. One of that name with the same
    /// labels is adopted; any other is a conflict, without effect.
    fn create(
        &self,
        request: &ContainerRequest,
    ) -> impl Future<Output = Result<String, EngineError>> + Send;

    /// Starts a container; a running one is fine. One that is started again, after it ran before, runs
    /// its own `post_start` hooks again.
    fn start(&self, container: &str) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Runs commands inside a running container, one after the other, as often as it is called.
    /// `Ok(Err(_))`: one failed or did not end within `limit`, and how; those after it were not run.
    fn run_hooks(
        &self,
        container: &str,
        hooks: &[Hook],
        limit: Duration,
    ) -> impl Future<Output = Result<Result<(), String>, EngineError>> + Send;

    /// Asks a container to stop, kills it after `grace`; a stopped or missing one is fine. It stays
    /// stopped over a restart of the engine. Its own `pre_stop` hooks come first, within `grace`; they
    /// cannot keep it from stopping.
    fn stop(
        &self,
        container: &str,
        grace: Duration,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Kills and removes a container with its anonymous volumes; a missing one is fine.
    fn remove(&self, container: &str) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Asks a replica once. `Ok(Err(_))`: it answered badly or not at all, and how. HTTP is asked at
    /// `address`; an exec probe runs inside.
    fn probe(
        &self,
        container: &str,
        address: Option<Ipv4Addr>,
        probe: &Probe,
    ) -> impl Future<Output = Result<Result<(), String>, EngineError>> + Send;

    /// The last log lines of a container, oldest first.
    fn last_logs(
        &self,
        container: &str,
        lines: usize,
    ) -> impl Future<Output = Result<Vec<String>, EngineError>> + Send;

    /// Networks with our labels.
    fn networks(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<Vec<FoundNetwork>, EngineError>> + Send;

    /// Makes a network; one of that name with our app's label is adopted.
    fn create_network(
        &self,
        request: &NetworkRequest,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Removes a network, taking off containers that are still joined; a missing one is fine.
    fn remove_network(&self, name: &str) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Joins a container to a network; joined already is fine.
    fn connect(
        &self,
        container: &str,
        attachment: &Attachment,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Takes a container off a network; not joined, or either missing, is fine.
    fn disconnect(
        &self,
        container: &str,
        network: &str,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Volumes with our labels.
    fn volumes(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<Vec<FoundVolume>, EngineError>> + Send;

    /// Makes a volume; an existing one of that name is left as it is. An external one is not made:
    /// its absence is `NotFound`, without effect.
    fn create_volume(
        &self,
        request: &VolumeRequest,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Removes a volume of [`Scope::Release`]; a missing one is fine. Refuses any other.
    fn remove_volume(&self, name: &str) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Gives an image one more tag.
    fn tag(
        &self,
        image: &ImageId,
        tag: &str,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Takes a tag off; the image goes with its last one. A missing tag, or an image in use, is fine.
    fn untag(&self, tag: &str) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Tags that begin with a prefix, for example `landfall/shop:`.
    fn tags(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, EngineError>> + Send;

    /// Subnets that the engine's networks use, ours included.
    fn subnets(&self) -> impl Future<Output = Result<Vec<Ipv4Net>, EngineError>> + Send;
}

/// Which containers. Fields that are `None` match all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Of this app; never of all apps.
    pub app: AppName,
    /// Made by this rollout.
    pub rollout: Option<RolloutNumber>,
    /// Of this service.
    pub service: Option<ServiceName>,
    /// Of this lifetime.
    pub scope: Option<Scope>,
}

impl Selector {
    /// Everything of an app.
    pub fn app(app: &AppName) -> Self {
        Self { app: app.clone(), rollout: None, service: None, scope: None }
    }

    /// Only what one rollout made.
    pub fn rollout(self, rollout: RolloutNumber) -> Self {
        Self { rollout: Some(rollout), ..self }
    }

    /// Only one service.
    pub fn service(self, service: &ServiceName) -> Self {
        Self { service: Some(service.clone()), ..self }
    }

    /// Whether labels match.
    pub fn matches(&self, labels: &Labels) -> bool {
        labels.app == self.app
            && self.rollout.is_none_or(|r| r == labels.rollout)
            && self.scope.is_none_or(|s| s == labels.scope)
            && self.service.as_ref().is_none_or(|s| labels.service.as_ref() == Some(s))
    }
}

/// A container with our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundContainer {
    /// Id at the engine.
    pub id: String,
    /// Name, without a leading slash.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Whether it runs.
    pub status: Status,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Never started.
    Created,
    /// Runs (or is paused).
    Running,
    /// Between an exit and its next start.
    Restarting,
    /// Ended.
    Exited,
}

/// One container, looked at closely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// Id at the engine.
    pub id: String,
    /// Its labels, if they are ours.
    pub labels: Option<Labels>,
    /// Whether it runs.
    pub status: Status,
    /// Exits since it was started, the present one included.
    pub exits: u32,
    /// Of the last exit.
    pub exit_code: Option<i64>,
    /// Addresses by network name.
    pub addresses: BTreeMap<String, Ipv4Addr>,
}

/// A container to be created.
#[derive(Debug, Clone)]
pub struct ContainerRequest {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
    /// Image.
    pub image: ImageId,
    /// Platform, when the file names one.
    pub platform: Option<String>,
    /// What it is made of; its mounts are resolved in `mounts`.
    pub container: ContainerSpec,
    /// Mounts with names and host paths.
    pub mounts: Vec<ResolvedMount>,
    /// Networks; empty is none at all, or those of a namespace that it shares.
    pub attachments: Vec<Attachment>,
    /// Containers that it cannot exist without, by their service, for what `container` says of them.
    pub peers: BTreeMap<ServiceName, String>,
    /// Ports published by the engine itself (stateful services).
    pub publish: Vec<PublishRequest>,
    /// Restart policy `always`; one-offs have none.
    pub restart: bool,
    /// Switch the engine's own health check off: the gate asks by itself. Stateful services keep it.
    pub disable_healthcheck: bool,
}

/// A port published by the engine.
pub type PublishRequest = PublishedPort;

/// A mount with everything resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedMount {
    /// A named volume.
    Volume {
        /// Name at the engine.
        name: String,
        /// Path inside.
        target: String,
        /// Not writable.
        read_only: bool,
        /// No copy of the image's content.
        nocopy: bool,
        /// Only this folder of it.
        subpath: Option<String>,
    },
    /// A volume without a name.
    Anonymous {
        /// Path inside.
        target: String,
        /// The user's own labels.
        labels: BTreeMap<String, String>,
    },
    /// A host path.
    Bind {
        /// Absolute host path.
        source: String,
        /// Path inside.
        target: String,
        /// Not writable.
        read_only: bool,
        /// Make a missing host folder.
        create_host_path: bool,
        /// Mount propagation.
        propagation: Option<String>,
        /// Labels for `SELinux`.
        relabel: Option<Relabel>,
        /// What becomes of the mounts below it.
        recursive: Recursive,
    },
    /// Memory.
    Tmpfs {
        /// Path inside.
        target: String,
        /// Size limit.
        size_bytes: Option<u64>,
        /// Permission bits.
        mode: Option<u32>,
        /// Further mount options.
        options: Vec<String>,
    },
    /// The files of an image.
    Image {
        /// Image reference.
        image: String,
        /// Path inside.
        target: String,
        /// Only this folder of it.
        subpath: Option<String>,
    },
}

/// A network with our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNetwork {
    /// Name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses.
    pub subnet: Option<Ipv4Net>,
}

/// A network to be made.
#[derive(Debug, Clone)]
pub struct NetworkRequest {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
    /// Its addresses.
    pub subnet: Ipv4Net,
    /// Gateway address.
    pub gateway: Ipv4Addr,
    /// What the compose file says of it; its own addresses, where it has some, go before the above.
    pub spec: NetworkSpec,
}

/// A volume with our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundVolume {
    /// Name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
}

/// A volume to be made.
#[derive(Debug, Clone)]
pub struct VolumeRequest {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
    /// What the compose file says of it.
    pub spec: VolumeSpec,
}

/// Why an engine call did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// The kind.
    pub kind: EngineErrorKind,
    /// Whether something may have changed.
    pub effect: Effect,
    /// Whether the same call may work later.
    pub retry: Retry,
    /// In words, the engine's own where it has some.
    pub message: String,
}

/// Kinds of engine errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// Nobody answers at the engine's socket.
    Unreachable,
    /// A name or address is taken by something that is not ours.
    Conflict,
    /// A host port is taken.
    PortTaken,
    /// No such image, container or network.
    NotFound,
    /// The engine refused the request as it is.
    Invalid,
    /// It does not know containers that run, until it is started again.
    LostTrack,
    /// It failed by itself.
    Internal,
    /// No answer in time.
    Timeout,
}
