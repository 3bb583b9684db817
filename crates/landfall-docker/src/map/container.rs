//! A container, as `POST /containers/create` wants it.

use bollard::models::{ContainerCreateBody, RestartPolicy, RestartPolicyNameEnum};
use landfall_deploy::ports::{ContainerRequest, EngineError};

use super::hooks::{HOOKS_LABEL, Hooks};
use super::{health, host, labels, network, signed, unless_empty};

/// Says that a container was asked for without a restart policy, so that starting it again gives it
/// none. Stopping takes the policy off, and an undo starts what was stopped.
pub(crate) const RESTART_LABEL: &str = "landfall.restart";
/// The only value of [`RESTART_LABEL`].
pub(crate) const RESTART_NO: &str = "no";

/// Everything but the name, which travels in the query.
pub(crate) fn create_body(request: &ContainerRequest) -> Result<ContainerCreateBody, EngineError> {
    let spec = &request.container;
    let mut labels = labels(&request.labels, &spec.labels);
    if !request.restart {
        labels.insert(RESTART_LABEL.to_owned(), RESTART_NO.to_owned());
    }
    if let Some(hooks) = Hooks::of(spec) {
        labels.insert(HOOKS_LABEL.to_owned(), hooks);
    }
    let env: Vec<_> =
        spec.environment.iter().map(|(key, value)| format!("{key}={}", value.expose())).collect();
    let mut exposed: Vec<_> = request.publish.iter().map(host::port_key).collect();
    exposed.sort();
    exposed.dedup();
    Ok(ContainerCreateBody {
        image: Some(request.image.0.clone()),
        labels: Some(labels),
        entrypoint: spec.entrypoint.clone(),
        cmd: spec.command.clone(),
        env: unless_empty(&env),
        working_dir: spec.working_dir.clone(),
        user: spec.user.clone(),
        hostname: spec.hostname.clone(),
        domainname: spec.domainname.clone(),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec.stop_grace_ms.map(|ms| signed(ms.div_ceil(1000))),
        tty: spec.tty.then_some(true),
        open_stdin: spec.stdin_open.then_some(true),
        healthcheck: health::to_engine(spec.healthcheck.as_ref(), request.disable_healthcheck),
        exposed_ports: unless_empty(&exposed),
        host_config: Some(host::config(request)?),
        networking_config: network::at_create(request.attachments.first()),
        ..ContainerCreateBody::default()
    })
}

/// `always`, or none.
pub(crate) fn restart_policy(restart: bool) -> RestartPolicy {
    let name = if restart { RestartPolicyNameEnum::ALWAYS } else { RestartPolicyNameEnum::NO };
    RestartPolicy { name: Some(name), maximum_retry_count: None }
}

#[cfg(test)]
mod tests {
    use landfall_core::id::{ImageId, ReleaseNumber, RolloutNumber};
    use landfall_core::label::{Labels, Scope};
    use landfall_core::plan::Attachment;
    use landfall_core::spec::{ContainerSpec, Protocol, PublishedPort};
    use landfall_deploy::ports::ResolvedMount;
    use serde_json::{Value, json};

    use super::*;

    fn labels() -> Labels {
        Labels {
            app: "shop".parse().unwrap(),
            release: ReleaseNumber(1),
            rollout: RolloutNumber(2),
            step: 3,
            scope: Scope::App,
            service: Some("db".parse().unwrap()),
            replica: Some(1),
            revision: None,
        }
    }

    fn plain() -> ContainerRequest {
        ContainerRequest {
            name: "shop-d2-web-1".into(),
            labels: labels(),
            image: ImageId("sha256:0f3a".into()),
            platform: None,
            container: ContainerSpec::default(),
            mounts: vec![],
            attachments: vec![],
            peers: std::collections::BTreeMap::new(),
            publish: vec![],
            restart: true,
            disable_healthcheck: true,
        }
    }

    fn said(request: &ContainerRequest) -> Value {
        serde_json::to_value(create_body(request).unwrap()).unwrap()
    }

    #[test]
    fn a_plain_container_says_no_more_than_it_must() {
        let expected = json!({
            "Image": "sha256:0f3a",
            "Labels": {
                "landfall.app": "shop", "landfall.release": "1", "landfall.rollout": "2",
                "landfall.step": "3", "landfall.scope": "app", "landfall.service": "db",
                "landfall.replica": "1",
            },
            "Healthcheck": { "Test": ["NONE"] },
            "HostConfig": { "NetworkMode": "none", "RestartPolicy": { "Name": "always" } },
        });
        assert_eq!(said(&plain()), expected);
    }

    #[test]
    fn a_one_off_says_so_in_a_label_that_outlives_its_policy() {
        let said = said(&ContainerRequest { restart: false, ..plain() });
        assert_eq!(said["HostConfig"]["RestartPolicy"]["Name"], "no");
        assert_eq!(said["Labels"]["landfall.restart"], "no");
    }

    #[test]
    fn cleared_is_not_the_same_as_unset() {
        let mut request = plain();
        request.container.entrypoint = Some(vec![]);
        assert_eq!(said(&request)["Entrypoint"], json!([]));
        assert!(said(&request).get("Cmd").is_none());
    }

    fn full() -> ContainerRequest {
        let mut request = plain();
        request.container = serde_json::from_str(include_str!("golden/spec.json")).unwrap();
        request.mounts = vec![
            ResolvedMount::Volume {
                name: "shop_data".into(),
                target: "/data".into(),
                read_only: false,
                nocopy: true,
                subpath: None,
            },
            ResolvedMount::Anonymous { target: "/cache".into(), labels: [].into() },
            ResolvedMount::Tmpfs {
                target: "/run".into(),
                size_bytes: Some(1024),
                mode: Some(0o1777),
                options: vec![],
            },
        ];
        request.attachments = vec![
            Attachment {
                network: "shop_default".into(),
                address: Some("10.201.0.5".parse().unwrap()),
                aliases: vec!["db".into()],
                ..Attachment::default()
            },
            Attachment { network: "other".into(), ..Attachment::default() },
        ];
        request.publish = vec![
            PublishedPort {
                host_ip: "127.0.0.1".parse().unwrap(),
                published: Some(5432),
                target: 5432,
                protocol: Protocol::Tcp,
            },
            PublishedPort {
                host_ip: "0.0.0.0".parse().unwrap(),
                published: None,
                target: 5432,
                protocol: Protocol::Tcp,
            },
        ];
        request.disable_healthcheck = false;
        request
    }

    #[test]
    fn what_came_later_reaches_the_engine_too() {
        let mut request = plain();
        request.container = serde_json::from_value(json!({
            "namespaces": {
                "network": {"service": "vpn"}, "pid": "host", "ipc": "shareable",
                "uts_host": true, "user": "host", "cgroup": "private",
            },
            "volumes_from": [
                {"from": {"service": "vpn"}, "read_only": true},
                {"from": {"container": "other"}, "read_only": false},
            ],
            "post_start": [{"command": ["warm"], "environment": {"A": "b"}}],
            "device_requests": [{"driver": "cdi", "device_ids": ["v/c=n"]}],
            "device_cgroup_rules": ["c 1:3 r"],
            "runtime": "runsc", "cgroup_parent": "/p",
            "storage_opt": {"size": "1G"}, "annotations": {"a": "b"},
            "resources": {
                "cpu_period_us": 1, "cpu_quota_us": 2, "cpu_rt_period_us": 3,
                "cpu_rt_runtime_us": 4, "memory_swappiness": 5, "oom_kill_disable": true,
                "block": {
                    "weights": [{"path": "/dev/sda", "weight": 10}],
                    "read_bps": [{"path": "/dev/sda", "rate": 1}],
                    "read_iops": [{"path": "/dev/sda", "rate": 2}],
                    "write_bps": [{"path": "/dev/sda", "rate": 3}],
                    "write_iops": [{"path": "/dev/sda", "rate": 4}],
                },
            },
        }))
        .unwrap();
        request.peers = [("vpn".parse().unwrap(), "shop-vpn-d2-1".to_owned())].into();
        let said = said(&request);
        let rate = |rate: i64| json!([{"Path": "/dev/sda", "Rate": rate}]);
        let expected = json!({
            "Annotations": {"a": "b"},
            "BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 10}],
            "BlkioDeviceReadBps": rate(1), "BlkioDeviceReadIOps": rate(2),
            "BlkioDeviceWriteBps": rate(3), "BlkioDeviceWriteIOps": rate(4),
            "CgroupParent": "/p", "CgroupnsMode": "private",
            "CpuPeriod": 1, "CpuQuota": 2, "CpuRealtimePeriod": 3, "CpuRealtimeRuntime": 4,
            "DeviceCgroupRules": ["c 1:3 r"],
            "DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["v/c=n"]}],
            "IpcMode": "shareable", "MemorySwappiness": 5,
            "NetworkMode": "container:shop-vpn-d2-1", "OomKillDisable": true, "PidMode": "host",
            "RestartPolicy": {"Name": "always"}, "Runtime": "runsc",
            "StorageOpt": {"size": "1G"}, "UTSMode": "host", "UsernsMode": "host",
            "VolumesFrom": ["shop-vpn-d2-1:ro", "other:rw"],
        });
        assert_eq!(said["HostConfig"], expected, "{said:#}");
        let hooks = crate::map::hooks_of(Some(
            &[(HOOKS_LABEL.to_owned(), said["Labels"][HOOKS_LABEL].as_str().unwrap().to_owned())]
                .into(),
        ));
        assert_eq!(hooks.post_start, request.container.post_start);
    }

    #[test]
    fn a_peer_nobody_planned_is_refused() {
        let mut request = plain();
        request.container.namespaces.pid =
            Some(landfall_core::spec::Namespace::Service("vpn".parse().unwrap()));
        assert!(create_body(&request).is_err());
        request.peers = [("vpn".parse().unwrap(), "../other".to_owned())].into();
        assert!(create_body(&request).is_err());
    }

    #[test]
    fn every_field_reaches_the_engine() {
        let said = said(&full());
        let expected: Value = serde_json::from_str(include_str!("golden/container.json")).unwrap();
        assert_eq!(said, expected, "{said:#}");
    }
}
