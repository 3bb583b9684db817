//! What the host grants a container: limits, rights, mounts, ports.

use std::collections::HashMap;

use bollard::models::{
    DeviceMapping, DeviceRequest, HostConfig, HostConfigLogConfig, PortBinding, ResourcesUlimits,
};
use landfall_core::spec::{ContainerSpec, Protocol};
use landfall_deploy::ports::{ContainerRequest, EngineError, PublishRequest};

use super::container::restart_policy;
use super::mount::{self, Said};
use super::{limits, shared, signed, to_hash_map, unless_empty};

pub(super) fn config(request: &ContainerRequest) -> Result<HostConfig, EngineError> {
    let spec = &request.container;
    let (mut binds, mut mounts, mut tmpfs) = (Vec::new(), Vec::new(), HashMap::new());
    for resolved in &request.mounts {
        match mount::to_engine(resolved)? {
            Said::Bind(bind) => binds.push(bind),
            Said::Mount(mount) => mounts.push(*mount),
            Said::Tmpfs(target, options) => drop(tmpfs.insert(target, options)),
        }
    }
    Ok(HostConfig {
        binds: unless_empty(&binds),
        mounts: unless_empty(&mounts),
        tmpfs: unless_empty(&tmpfs),
        volumes_from: unless_empty(&shared::volumes_from(request)?),
        port_bindings: port_bindings(&request.publish),
        restart_policy: Some(restart_policy(request.restart)),
        log_config: spec.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: logging.driver.clone(),
            config: to_hash_map(&logging.options),
        }),
        devices: devices(spec),
        ulimits: ulimits(spec),
        init: spec.init,
        readonly_rootfs: spec.read_only.then_some(true),
        privileged: spec.privileged.then_some(true),
        cap_add: unless_empty(&spec.cap_add),
        cap_drop: unless_empty(&spec.cap_drop),
        security_opt: unless_empty(&spec.security_opt),
        group_add: unless_empty(&spec.group_add),
        dns: unless_empty(&spec.dns),
        dns_search: unless_empty(&spec.dns_search),
        dns_options: unless_empty(&spec.dns_opt),
        extra_hosts: unless_empty(&spec.extra_hosts),
        sysctls: to_hash_map(&spec.sysctls),
        shm_size: spec.shm_size_bytes.map(signed),
        oom_score_adj: spec.oom_score_adj,
        device_requests: unless_empty(&device_requests(spec)),
        device_cgroup_rules: unless_empty(&spec.device_cgroup_rules),
        runtime: spec.runtime.clone(),
        cgroup_parent: spec.cgroup_parent.clone(),
        storage_opt: to_hash_map(&spec.storage_opt),
        annotations: to_hash_map(&spec.annotations),
        ..shared::namespaces(request, limits::resources(spec))?
    })
}

fn devices(spec: &ContainerSpec) -> Option<Vec<DeviceMapping>> {
    let devices: Vec<_> = spec
        .devices
        .iter()
        .map(|device| DeviceMapping {
            path_on_host: Some(device.source.clone()),
            path_in_container: Some(device.target.clone()),
            cgroup_permissions: Some(device.permissions.clone()),
        })
        .collect();
    unless_empty(&devices)
}

fn device_requests(spec: &ContainerSpec) -> Vec<DeviceRequest> {
    let requests = spec.device_requests.iter().map(|request| DeviceRequest {
        driver: request.driver.clone(),
        count: request.count,
        device_ids: unless_empty(&request.device_ids),
        // One list: all of them are needed.
        capabilities: unless_empty(&request.capabilities).map(|all| vec![all]),
        options: to_hash_map(&request.options),
    });
    requests.collect()
}

fn ulimits(spec: &ContainerSpec) -> Option<Vec<ResourcesUlimits>> {
    let ulimits: Vec<_> = spec
        .ulimits
        .iter()
        .map(|(name, limit)| ResourcesUlimits {
            name: Some(name.clone()),
            soft: Some(limit.soft),
            hard: Some(limit.hard),
        })
        .collect();
    unless_empty(&ulimits)
}

/// A container port in the engine's words: `80/tcp`.
pub(super) fn port_key(port: &PublishRequest) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    format!("{}/{protocol}", port.target)
}

fn port_bindings(publish: &[PublishRequest]) -> Option<HashMap<String, Option<Vec<PortBinding>>>> {
    let mut map: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in publish {
        let binding = PortBinding {
            host_ip: Some(port.host_ip.to_string()),
            // Empty lets the engine choose.
            host_port: Some(port.published.map(|p| p.to_string()).unwrap_or_default()),
        };
        map.entry(port_key(port)).or_default().get_or_insert_default().push(binding);
    }
    (!map.is_empty()).then_some(map)
}
