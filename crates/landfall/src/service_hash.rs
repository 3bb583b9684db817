//! The hash that `docker compose config --hash` prints for a service: it changes when a container
//! would have to be made anew.
//!
//! SHA-256 over the service as Go's `encoding/json` writes it: keys of Compose's own structures in
//! the order of compose-go's fields, those of free maps sorted, `<`, `>` and `&` escaped. What does not
//! concern the container (how to build it, whom it waits for, how many) is left out.

use std::fmt::Write as _;

use landfall_core::hash::sha256_hex;
use serde_json::{Map, Value};

/// The hash of a service of [`landfall_compose::Model::config`].
pub(crate) fn of(service: &Value) -> String {
    let mut service = service.clone();
    if let Some(keys) = service.as_object_mut() {
        for key in ["build", "depends_on", "profiles", "pull_policy", "scale"] {
            keys.remove(key);
        }
        if let Some(deploy) = keys.get_mut("deploy").and_then(Value::as_object_mut) {
            deploy.remove("replicas");
        }
    }
    let mut out = String::new();
    write(&service, "service", &mut out);
    sha256_hex(out.as_bytes())
}

fn write(value: &Value, of: &str, out: &mut String) {
    match value {
        Value::Object(map) => {
            out.push('{');
            for (index, (key, value)) in ordered(map, of).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(key, out);
                out.push(':');
                write(value, inner(of, key), out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, of, out);
            }
            out.push(']');
        }
        Value::String(value) => text(value, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Which structure stands under a key: most are called like it.
fn inner<'a>(of: &'a str, key: &'a str) -> &'a str {
    match of {
        "ulimits" => "ulimit",
        "networks" => "network",
        "models" => "model",
        "environment" | "labels" | "annotations" | "options" | "sysctls" | "storage_opt"
        | "driver_opts" => "map",
        _ => key,
    }
}

fn ordered<'a>(map: &'a Map<String, Value>, of: &str) -> Vec<(&'a String, &'a Value)> {
    let order = order(of);
    let mut entries: Vec<_> = map.iter().collect();
    // Stable, and the map is sorted: what has no rank keeps its place among its kind.
    entries
        .sort_by_key(|(key, _)| order.iter().position(|known| known == key).unwrap_or(order.len()));
    entries
}

/// A text as Go writes it; the doubled dollars of the printed tree are single ones here.
fn text(value: &str, out: &mut String) {
    out.push('"');
    for c in value.replace("$$", "$").chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The order of fields, where it is not that of the alphabet.
fn order(of: &str) -> &'static [&'static str] {
    match of {
        "service" => SERVICE,
        "blkio_config" => &["weight", "weight_device"],
        "configs" | "secrets" => &["source", "target", "uid", "gid", "mode"],
        "deploy" => &[
            "mode",
            "labels",
            "update_config",
            "rollback_config",
            "resources",
            "restart_policy",
            "placement",
            "endpoint_mode",
        ],
        "update_config" | "rollback_config" => {
            &["parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order"]
        }
        "placement" => &["constraints", "preferences", "max_replicas_per_node"],
        "limits" | "reservations" => &["cpus", "memory", "pids", "generic_resources", "devices"],
        // Of a service, and of what it reserves.
        "devices" | "gpus" => &[
            "source",
            "target",
            "permissions",
            "capabilities",
            "driver",
            "count",
            "device_ids",
            "options",
        ],
        "watch" => &["path", "action", "target", "exec", "include", "ignore", "initial_sync"],
        "healthcheck" => {
            &["test", "timeout", "interval", "retries", "start_period", "start_interval", "disable"]
        }
        "exec" | "post_start" | "pre_stop" => {
            &["command", "user", "privileged", "working_dir", "environment"]
        }
        "ports" => &["name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"],
        "provider" => &["type", "options"],
        "ulimit" => &["single", "soft", "hard"],
        "volumes" => &[
            "type",
            "source",
            "target",
            "read_only",
            "consistency",
            "bind",
            "volume",
            "tmpfs",
            "image",
        ],
        "bind" => &["selinux", "propagation", "create_host_path", "recursive"],
        "tmpfs" => &["size", "mode"],
        _ => &[],
    }
}

const SERVICE: &[&str] = &[
    "annotations",
    "attach",
    "develop",
    "blkio_config",
    "cap_add",
    "cap_drop",
    "cgroup_parent",
    "cgroup",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpus",
    "cpuset",
    "cpu_shares",
    "command",
    "configs",
    "container_name",
    "credential_spec",
    "deploy",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "provider",
    "environment",
    "expose",
    "extends",
    "external_links",
    "extra_hosts",
    "group_add",
    "gpus",
    "hostname",
    "healthcheck",
    "image",
    "init",
    "ipc",
    "isolation",
    "labels",
    "links",
    "logging",
    "mem_limit",
    "mem_reservation",
    "memswap_limit",
    "mem_swappiness",
    "mac_address",
    "models",
    "network_mode",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "ports",
    "privileged",
    "read_only",
    "restart",
    "runtime",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "use_api_socket",
    "user",
    "userns_mode",
    "uts",
    "volumes",
    "volumes_from",
    "working_dir",
    "post_start",
    "pre_stop",
];
