//! What one container is made of, in Compose's terms: everything that is handed to the engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::devices::{BlockLimits, Device, DeviceRequest};
use super::is_default;
use super::mount::Mount;
use super::namespaces::{Namespaces, VolumesFrom};
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
    /// What it shares with the host or with others.
    #[serde(skip_serializing_if = "is_default")]
    pub namespaces: Namespaces,
    /// Containers whose mounts it mounts too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes_from: Vec<VolumesFrom>,
    /// Run inside, one after the other, once it is started; it is not ready before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_start: Vec<Hook>,
    /// Run inside, one after the other, before it is asked to stop.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_stop: Vec<Hook>,
    /// Devices that a driver chooses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_requests: Vec<DeviceRequest>,
    /// For example `c 1:3 mr`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_cgroup_rules: Vec<String>,
    /// OCI runtime, for example `runsc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Parent of its cgroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup_parent: Option<String>,
    /// Options of the storage driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_opt: BTreeMap<String, String>,
    /// OCI annotations (engine 24 and newer).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A command that is run inside a container at a moment of its life.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// The argument vector.
    pub command: Vec<String>,
    /// `user[:group]`; `None` is the container's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// With all capabilities.
    #[serde(skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// Working directory; `None` is the container's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Environment beside the container's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Secret<String>>,
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
    /// The image's own test, with other timings.
    Image,
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
    /// Limits of single block devices.
    #[serde(skip_serializing_if = "is_default")]
    pub block: BlockLimits,
    /// Length of a CPU accounting period, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_period_us: Option<i64>,
    /// CPU time in one such period, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_quota_us: Option<i64>,
    /// Length of a real-time period, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_rt_period_us: Option<i64>,
    /// Real-time CPU time in one such period, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_rt_runtime_us: Option<i64>,
    /// How readily its memory is swapped out, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_swappiness: Option<i64>,
    /// It waits instead of being killed when memory runs out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_kill_disable: Option<bool>,
}

/// Log driver and its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// For example `json-file`.
    pub driver: Option<String>,
    /// As written.
    pub options: BTreeMap<String, String>,
}
