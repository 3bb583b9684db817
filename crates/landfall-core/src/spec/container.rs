//! What one container is made of, in Compose's terms: everything that is handed to the engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Key;
use crate::secret::Secret;

/// Container settings of a service. `None` and empty mean "as the image or the engine has it".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerSpec {
    /// Overrides the image's entrypoint; `Some([])` clears it.
    pub entrypoint: Option<Vec<String>>,
    /// Overrides the image's command; `Some([])` clears it.
    pub command: Option<Vec<String>>,
    /// Environment; every value is treated as a secret.
    pub environment: BTreeMap<String, Secret<String>>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// `user[:group]`.
    pub user: Option<String>,
    /// Extra groups.
    pub group_add: Vec<String>,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Domain name inside.
    pub domainname: Option<String>,
    /// Volumes, binds and tmpfs.
    pub mounts: Vec<Mount>,
    /// Compose's own health check.
    pub healthcheck: Option<Healthcheck>,
    /// Signal that asks it to stop, for example `SIGQUIT`.
    pub stop_signal: Option<String>,
    /// Time between that signal and the kill.
    pub stop_grace_ms: Option<u64>,
    /// Run an init process as PID 1.
    pub init: Option<bool>,
    /// Root file system read-only.
    pub read_only: bool,
    /// All capabilities and devices.
    pub privileged: bool,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Capabilities dropped.
    pub cap_drop: Vec<String>,
    /// For example `no-new-privileges:true`.
    pub security_opt: Vec<String>,
    /// Devices passed in.
    pub devices: Vec<Device>,
    /// DNS servers.
    pub dns: Vec<String>,
    /// DNS search domains.
    pub dns_search: Vec<String>,
    /// Resolver options.
    pub dns_opt: Vec<String>,
    /// `host:address` pairs for `/etc/hosts`.
    pub extra_hosts: Vec<String>,
    /// Kernel parameters.
    pub sysctls: BTreeMap<String, String>,
    /// Resource limits of processes, by name.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Size of `/dev/shm`.
    pub shm_size_bytes: Option<u64>,
    /// Memory, CPU and process limits.
    pub resources: Resources,
    /// Log driver.
    pub logging: Option<Logging>,
    /// Allocate a terminal.
    pub tty: bool,
    /// Keep standard input open.
    pub stdin_open: bool,
    /// OOM score adjustment.
    pub oom_score_adj: Option<i64>,
}

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path inside.
    pub target: String,
    /// What is mounted.
    pub kind: MountKind,
    /// Not writable from inside.
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum MountKind {
    /// A named volume.
    Volume {
        /// Key in [`crate::spec::AppSpec::volumes`].
        volume: Key,
        /// Do not copy the image's content into a fresh volume.
        nocopy: bool,
    },
    /// A volume without a name, made with the container and removed with it.
    AnonymousVolume,
    /// A host path, used where it is: data.
    Bind {
        /// Absolute host path.
        source: String,
        /// Make a missing host folder.
        create_host_path: bool,
        /// Mount propagation, for example `rshared`.
        propagation: Option<String>,
    },
    /// Content sealed into the release.
    Sealed {
        /// Key in [`crate::spec::AppSpec::files`].
        tree: String,
    },
    /// Memory.
    Tmpfs {
        /// Size limit.
        size_bytes: Option<u64>,
        /// Permission bits.
        mode: Option<u32>,
    },
}

/// Compose's `healthcheck`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// What to run.
    pub test: HealthTest,
    /// Time between probes at the engine.
    pub interval_ms: Option<u64>,
    /// Time a probe may take.
    pub timeout_ms: Option<u64>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<u32>,
    /// Time in which failures do not count.
    pub start_period_ms: Option<u64>,
    /// Time between probes during the start period (engine 25 and newer).
    pub start_interval_ms: Option<u64>,
}

/// What a health check runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthTest {
    /// `NONE` or `disable: true`: also switches the image's own check off.
    None,
    /// `CMD`: an argument vector.
    Command(Vec<String>),
    /// `CMD-SHELL`: a line for the container's own shell.
    Shell(String),
}

/// A device passed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Path on the host.
    pub source: String,
    /// Path inside.
    pub target: String,
    /// Any of `r`, `w`, `m`.
    pub permissions: String,
}

/// Soft and hard limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Soft limit; -1 is none.
    pub soft: i64,
    /// Hard limit; -1 is none.
    pub hard: i64,
}

/// Limits and reservations. CPU in billionths of a core.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// CPU limit.
    pub nano_cpus: Option<i64>,
    /// Relative CPU weight.
    pub cpu_shares: Option<i64>,
    /// CPUs it may use, for example `0-1`.
    pub cpuset: Option<String>,
    /// Memory limit.
    pub memory_bytes: Option<i64>,
    /// Memory that is kept for it.
    pub memory_reservation_bytes: Option<i64>,
    /// Memory plus swap; -1 is no limit.
    pub memory_swap_bytes: Option<i64>,
    /// Number of processes.
    pub pids: Option<i64>,
    /// Block device weight.
    pub blkio_weight: Option<u16>,
}

/// Log driver and its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// For example `json-file`.
    pub driver: Option<String>,
    /// As written.
    pub options: BTreeMap<String, String>,
}
