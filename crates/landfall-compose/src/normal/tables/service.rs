//! A service.

use super::build::{BUILD, DEVELOP};
use super::deploy::{BLKIO, DEPLOY, HEALTH};
use crate::normal::shape::Kind::{
    Bytes, Command, Devices, Duration, EnvFiles, Flag, Float, Gpus, Grants, Hosts, Int, List, Map,
    Object, Pairs, PairsOfLists, Ports, PrintedList, Text, Texts, Ulimit, Variables, Volumes,
};
use crate::normal::shape::{Shape, always, filled, written};

pub(in crate::normal) const SERVICE: Shape = &[
    filled("profiles", Texts),
    filled("annotations", Pairs),
    written("attach", Flag),
    written("build", Object(BUILD)),
    written("develop", Object(DEVELOP)),
    written("blkio_config", Object(BLKIO)),
    filled("cap_add", Texts),
    filled("cap_drop", Texts),
    filled("cgroup_parent", Text),
    filled("cgroup", Text),
    filled("cpu_count", Int),
    filled("cpu_percent", Float),
    filled("cpu_period", Int),
    filled("cpu_quota", Int),
    filled("cpu_rt_period", Int),
    filled("cpu_rt_runtime", Int),
    filled("cpus", Float),
    filled("cpuset", Text),
    filled("cpu_shares", Int),
    always("command", Command),
    filled("configs", Grants),
    filled("container_name", Text),
    written("credential_spec", Object(CREDENTIAL)),
    filled("depends_on", Map(&Object(DEPENDENCY))),
    written("deploy", Object(DEPLOY)),
    filled("device_cgroup_rules", Texts),
    filled("devices", Devices),
    filled("dns", Texts),
    filled("dns_opt", Texts),
    filled("dns_search", Texts),
    filled("dockerfile", Text),
    filled("domainname", Text),
    always("entrypoint", Command),
    written("provider", Object(PROVIDER)),
    filled("environment", Variables),
    filled("env_file", EnvFiles),
    filled("expose", PrintedList),
    filled("external_links", Texts),
    filled("extra_hosts", Hosts),
    filled("group_add", Texts),
    filled("gpus", Gpus),
    filled("hostname", Text),
    written("healthcheck", Object(HEALTH)),
    filled("image", Text),
    written("init", Flag),
    filled("ipc", Text),
    filled("isolation", Text),
    filled("labels", Pairs),
    filled("label_file", Texts),
    filled("links", Texts),
    written("logging", Object(LOGGING)),
    filled("log_driver", Text),
    filled("log_opt", Pairs),
    filled("mem_limit", Bytes),
    filled("mem_reservation", Bytes),
    filled("memswap_limit", Bytes),
    filled("mem_swappiness", Bytes),
    filled("mac_address", Text),
    filled("models", Map(&Object(SERVICE_MODEL))),
    filled("net", Text),
    filled("network_mode", Text),
    filled("networks", Map(&Object(ATTACHMENT))),
    filled("oom_kill_disable", Flag),
    filled("oom_score_adj", Int),
    filled("pid", Text),
    filled("pids_limit", Int),
    filled("platform", Text),
    filled("ports", Ports),
    filled("privileged", Flag),
    filled("pull_policy", Text),
    filled("read_only", Flag),
    filled("restart", Text),
    filled("runtime", Text),
    written("scale", Int),
    filled("secrets", Grants),
    filled("security_opt", Texts),
    filled("shm_size", Bytes),
    filled("stdin_open", Flag),
    written("stop_grace_period", Duration),
    filled("stop_signal", Text),
    filled("storage_opt", Pairs),
    filled("sysctls", Pairs),
    filled("tmpfs", Texts),
    filled("tty", Flag),
    filled("ulimits", Map(&Ulimit)),
    filled("use_api_socket", Flag),
    filled("user", Text),
    filled("userns_mode", Text),
    filled("uts", Text),
    filled("volume_driver", Text),
    filled("volumes", Volumes),
    filled("volumes_from", Texts),
    filled("working_dir", Text),
    filled("pre_start", List(&Object(HOOK))),
    filled("post_start", List(&Object(HOOK))),
    filled("pre_stop", List(&Object(HOOK))),
];

pub(super) const HOOK: Shape = &[
    always("command", Command),
    filled("user", Text),
    filled("privileged", Flag),
    filled("working_dir", Text),
    filled("environment", Variables),
];

const DEPENDENCY: Shape =
    &[filled("condition", Text), filled("restart", Flag), always("required", Flag)];

const CREDENTIAL: Shape = &[filled("config", Text), filled("file", Text), filled("registry", Text)];

const PROVIDER: Shape = &[filled("type", Text), filled("options", PairsOfLists)];

const LOGGING: Shape = &[filled("driver", Text), filled("options", Pairs)];

const SERVICE_MODEL: Shape = &[filled("endpoint_var", Text), filled("model_var", Text)];

const ATTACHMENT: Shape = &[
    filled("aliases", Texts),
    filled("driver_opts", Pairs),
    filled("gw_priority", Int),
    filled("interface_name", Text),
    filled("ipv4_address", Text),
    filled("ipv6_address", Text),
    filled("link_local_ips", Texts),
    filled("mac_address", Text),
    filled("priority", Int),
];
