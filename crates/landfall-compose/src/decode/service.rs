//! A service: its draft and the table of its keys. The handlers are in the modules beside.

use std::collections::BTreeMap;

use landfall_core::spec::{ContainerSpec, Dependency, PullPolicy};

use super::grants::{CONFIG_FOLDER, Grant, SECRET_FOLDER, grants};
use super::keys::Rule::{self, Ignored, Refused, Take};
use super::limits::Limits;
use super::namespaces::{NetworkMode, Peer};
use super::networks::Joined;
use super::{Keys, ServiceExtension};
use super::{block, build, depends, deploy, gpus, health, hooks, landfall, limits, namespaces};
use super::{networks, ports, process, volumes};
use crate::project::BuildSpec;
use crate::short::port::Port;
use crate::short::volume::Volume;
use crate::source::{Span, Spanned};

/// A service as written, before it is known what it refers to.
#[derive(Debug, Default)]
pub(crate) struct ServiceDraft {
    /// What it extends was not found, which has been said.
    pub(crate) incomplete: bool,
    pub(crate) image: Option<Spanned<String>>,
    pub(crate) build: Option<Spanned<BuildSpec>>,
    pub(crate) pull: Option<PullPolicy>,
    pub(crate) platform: Option<String>,
    pub(crate) container: ContainerSpec,
    /// `None`: named without a value and not set in the environment either.
    pub(crate) environment: BTreeMap<String, Option<String>>,
    pub(crate) env_files: Vec<EnvFile>,
    pub(crate) label_files: Vec<Spanned<String>>,
    pub(crate) restart: Option<Spanned<Restart>>,
    pub(crate) replicas: Option<Spanned<u32>>,
    pub(crate) scale: Option<Spanned<u32>>,
    pub(crate) limits: Limits,
    pub(crate) ports: Vec<Spanned<Port>>,
    pub(crate) expose: Vec<u16>,
    pub(crate) volumes: Vec<Spanned<Volume>>,
    pub(crate) configs: Vec<Spanned<Grant>>,
    pub(crate) secrets: Vec<Spanned<Grant>>,
    pub(crate) networks: Option<Vec<Joined>>,
    pub(crate) network_mode: Option<Spanned<NetworkMode>>,
    pub(crate) mac_address: Option<Spanned<String>>,
    pub(crate) container_name: Option<Spanned<String>>,
    /// Services that it lives in the namespaces of, or mounts the mounts of.
    pub(crate) peers: Vec<Peer>,
    /// Devices that only one container can use, with the place of each.
    pub(crate) exclusive_devices: Vec<Span>,
    pub(crate) depends_on: Vec<(Spanned<String>, Dependency)>,
    pub(crate) links: Vec<Spanned<Link>>,
    pub(crate) external_links: Vec<Spanned<Link>>,
    pub(crate) profiles: Vec<String>,
    pub(crate) landfall: ServiceExtension,
}

/// One `env_file`.
#[derive(Debug)]
pub(crate) struct EnvFile {
    pub(crate) path: Spanned<String>,
    pub(crate) required: bool,
    pub(crate) format: crate::env::Format,
}

/// `restart`, as far as it tells how a service is meant to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restart {
    /// `no`: it is meant to end.
    No,
    /// Anything else: it is meant to stay.
    Stays,
}

/// One entry of `links` or `external_links`.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) service: String,
    pub(crate) alias: Option<String>,
}

const WINDOWS: &str = "it exists on Windows only";
const CONTAINERS_ONLY: &str = "landfall runs containers only";

/// Every key of a service.
pub(crate) const SERVICE: Keys<ServiceDraft> = Keys { owner: "a service", rules: RULES };

const RULES: &[(&str, Rule<ServiceDraft>)] = &[
    ("annotations", Take(|d, e, s| s.container.annotations = d.pairs(&e.value))),
    ("attach", Ignored("it is about the terminal of `docker compose up`")),
    ("blkio_config", Take(block::blkio)),
    ("build", Take(build::build)),
    ("cap_add", Take(|d, e, s| s.container.cap_add = d.texts(&e.value))),
    ("cap_drop", Take(|d, e, s| s.container.cap_drop = d.texts(&e.value))),
    ("cgroup", Take(namespaces::cgroup)),
    ("cgroup_parent", Take(|d, e, s| s.container.cgroup_parent = d.text(&e.value))),
    ("command", Take(|d, e, s| s.container.command = d.command(&e.value))),
    ("configs", Take(|d, e, s| s.configs = grants(d, &e.value, CONFIG_FOLDER))),
    ("container_name", Take(process::container_name)),
    ("cpu_count", Ignored(WINDOWS)),
    ("cpu_percent", Ignored(WINDOWS)),
    ("cpu_period", Take(|d, e, s| s.container.resources.cpu_period_us = d.integer(&e.value))),
    ("cpu_quota", Take(|d, e, s| s.container.resources.cpu_quota_us = d.integer(&e.value))),
    ("cpu_rt_period", Take(|d, e, s| s.container.resources.cpu_rt_period_us = d.integer(&e.value))),
    (
        "cpu_rt_runtime",
        Take(|d, e, s| s.container.resources.cpu_rt_runtime_us = d.integer(&e.value)),
    ),
    ("cpu_shares", Take(|d, e, s| s.container.resources.cpu_shares = d.integer(&e.value))),
    ("cpus", Take(|d, e, s| s.limits.cpus = limits::cpus(d, e))),
    ("cpuset", Take(|d, e, s| s.container.resources.cpuset = d.text(&e.value))),
    (
        "credential_spec",
        Refused(WINDOWS, "leave it out, and give the service its credentials as `secrets`"),
    ),
    ("depends_on", Take(depends::depends_on)),
    ("deploy", Take(deploy::deploy)),
    ("develop", Ignored("it is about `docker compose watch`")),
    ("device_cgroup_rules", Take(|d, e, s| s.container.device_cgroup_rules = d.texts(&e.value))),
    ("devices", Take(process::devices)),
    ("dns", Take(|d, e, s| s.container.dns = d.filled_texts(&e.value))),
    ("dns_opt", Take(|d, e, s| s.container.dns_opt = d.texts(&e.value))),
    ("dns_search", Take(|d, e, s| s.container.dns_search = d.filled_texts(&e.value))),
    ("domainname", Take(|d, e, s| s.container.domainname = d.text(&e.value))),
    ("entrypoint", Take(|d, e, s| s.container.entrypoint = d.command(&e.value))),
    ("env_file", Take(process::env_files)),
    ("environment", Take(|d, e, s| s.environment = d.variables(&e.value))),
    ("expose", Take(ports::expose)),
    ("extends", Take(|_, _, s| s.incomplete = true)),
    ("external_links", Take(depends::external_links)),
    ("extra_hosts", Take(|d, e, s| s.container.extra_hosts = d.hosts(&e.value))),
    ("gpus", Take(gpus::gpus)),
    ("group_add", Take(|d, e, s| s.container.group_add = d.printed_list(&e.value))),
    ("healthcheck", Take(health::healthcheck)),
    ("hostname", Take(|d, e, s| s.container.hostname = d.text(&e.value))),
    ("image", Take(process::image)),
    ("init", Take(|d, e, s| s.container.init = d.boolean(&e.value))),
    ("ipc", Take(namespaces::ipc)),
    ("isolation", Take(namespaces::isolation)),
    ("label_file", Take(process::label_files)),
    ("labels", Take(|d, e, s| s.container.labels = d.pairs(&e.value))),
    ("links", Take(depends::links)),
    ("logging", Take(process::logging)),
    (
        "mac_address",
        Take(|d, e, s| s.mac_address = d.text(&e.value).map(|mac| Spanned::new(mac, e.key))),
    ),
    ("mem_limit", Take(|d, e, s| s.limits.memory = limits::memory(d, e))),
    ("mem_reservation", Take(|d, e, s| s.limits.reservation = limits::memory(d, e))),
    ("mem_swappiness", Take(limits::swappiness)),
    ("memswap_limit", Take(limits::swap)),
    (
        "models",
        Refused(
            CONTAINERS_ONLY,
            "run the model in a service, and give its address in `environment`",
        ),
    ),
    ("network_mode", Take(namespaces::network_mode)),
    ("networks", Take(networks::attachments)),
    (
        "oom_kill_disable",
        Take(|d, e, s| s.container.resources.oom_kill_disable = d.boolean(&e.value)),
    ),
    ("oom_score_adj", Take(limits::oom_score)),
    ("pid", Take(namespaces::pid)),
    ("pids_limit", Take(|d, e, s| s.limits.pids = limits::pids(d, e))),
    ("platform", Take(|d, e, s| s.platform = d.text(&e.value))),
    ("ports", Take(ports::ports)),
    ("post_start", Take(|d, e, s| s.container.post_start = hooks::hooks(d, &e.value))),
    (
        "pre_start",
        Refused(
            "a container has no moment before its start",
            "write a service that others wait for with `service_completed_successfully`",
        ),
    ),
    ("pre_stop", Take(|d, e, s| s.container.pre_stop = hooks::hooks(d, &e.value))),
    ("privileged", Take(|d, e, s| d.switch(e, &mut s.container.privileged))),
    ("profiles", Take(|d, e, s| s.profiles = d.texts(&e.value))),
    (
        "provider",
        Refused(CONTAINERS_ONLY, "make it outside, and give its address in `environment`"),
    ),
    ("pull_policy", Take(process::pull_policy)),
    (
        "pull_refresh_after",
        Ignored("write `pull_policy: always` to ask the registry at every deploy"),
    ),
    ("read_only", Take(|d, e, s| d.switch(e, &mut s.container.read_only))),
    ("restart", Take(process::restart)),
    ("runtime", Take(|d, e, s| s.container.runtime = d.text(&e.value))),
    ("scale", Take(|d, e, s| s.scale = deploy::replicas(d, e))),
    ("secrets", Take(|d, e, s| s.secrets = grants(d, &e.value, SECRET_FOLDER))),
    ("security_opt", Take(|d, e, s| s.container.security_opt = d.texts(&e.value))),
    ("shm_size", Take(|d, e, s| s.container.shm_size_bytes = d.size_bytes(&e.value))),
    ("stdin_open", Take(|d, e, s| d.switch(e, &mut s.container.stdin_open))),
    ("stop_grace_period", Take(|d, e, s| s.container.stop_grace_ms = d.duration_ms(&e.value))),
    ("stop_signal", Take(|d, e, s| s.container.stop_signal = d.text(&e.value))),
    ("storage_opt", Take(|d, e, s| s.container.storage_opt = d.pairs(&e.value))),
    ("sysctls", Take(|d, e, s| s.container.sysctls = d.pairs(&e.value))),
    ("tmpfs", Take(volumes::tmpfs)),
    ("tty", Take(|d, e, s| d.switch(e, &mut s.container.tty))),
    ("ulimits", Take(limits::ulimits)),
    (
        "use_api_socket",
        Refused(
            "it hands out the host without naming it",
            "mount `/var/run/docker.sock` under `volumes` if the service must have it",
        ),
    ),
    ("user", Take(|d, e, s| s.container.user = d.text(&e.value))),
    ("userns_mode", Take(namespaces::userns)),
    ("uts", Take(namespaces::uts)),
    ("volumes", Take(volumes::volumes)),
    ("volumes_from", Take(namespaces::volumes_from)),
    ("working_dir", Take(|d, e, s| s.container.working_dir = d.text(&e.value))),
    ("x-landfall", Take(landfall::service)),
];
