//! Limits and devices on a real engine: read where the kernel keeps them.

use landfall_core::spec::{Device, DeviceRequest};
use landfall_deploy::ports::{ContainerRequest, Engine as _, EngineErrorKind};

use crate::support::in_corner;

/// What a file of either kind of cgroup says.
fn cgroup(v1: &str, v2: &str) -> String {
    format!("cat /sys/fs/cgroup/{v1} 2>/dev/null || cat /sys/fs/cgroup/{v2}")
}

#[test]
fn limits_of_cpu_and_memory_reach_the_kernel() {
    in_corner("limits", async |corner| {
        let line = [
            cgroup("cpu/cpu.cfs_quota_us", "cpu.max"),
            cgroup("cpu/cpu.cfs_period_us", "cpu.max"),
            cgroup("memory/memory.limit_in_bytes", "memory.max"),
            cgroup("pids/pids.max", "pids.max"),
            cgroup("cpu/cpu.shares", "cpu.weight"),
        ];
        let mut request = corner.container("app", &line.join("; "));
        let resources = &mut request.container.resources;
        resources.cpu_period_us = Some(50_000);
        resources.cpu_quota_us = Some(20_000);
        resources.cpu_shares = Some(512);
        resources.memory_bytes = Some(64 << 20);
        resources.pids = Some(77);
        let said = corner.said(&request).await;
        assert!(said[0].starts_with("20000"), "{said:?}");
        assert!(said[1].ends_with("50000"), "{said:?}");
        assert_eq!(said[2..4], ["67108864", "77"], "{said:?}");
        // 512 of 1024, or its place on the newer scale, which engines round differently.
        assert!(["512", "20", "59"].contains(&said[4].as_str()), "{said:?}");
    });
}

#[test]
fn rules_and_devices_let_in_what_they_name() {
    in_corner("devices", async |corner| {
        let line = "test -c /dev/mine && echo mapped; mknod /tmp/null c 1 3 && echo x > /tmp/null && echo let";
        let mut request = corner.container("app", line);
        request.container.devices = vec![Device {
            source: "/dev/zero".into(),
            target: "/dev/mine".into(),
            permissions: "r".into(),
        }];
        request.container.device_cgroup_rules = vec!["c 1:3 rwm".into()];
        let said = corner.said(&request).await;
        assert_eq!(said, ["mapped", "let"]);
        let seen = corner.inspect(&request.name).await.host_config.unwrap();
        assert_eq!(seen.device_cgroup_rules.unwrap(), ["c 1:3 rwm"]);
    });
}

#[test]
fn gpus_are_asked_for_by_what_they_must_be_able_to_do() {
    in_corner("gpus", async |corner| {
        let mut request = corner.container("app", "true");
        request.container.device_requests = vec![DeviceRequest {
            count: Some(-1),
            capabilities: vec!["compute".into(), "gpu".into()],
            ..DeviceRequest::default()
        }];
        corner.engine.create(&request).await.unwrap();
        let seen = corner.inspect(&request.name).await.host_config.unwrap();
        let asked = seen.device_requests.unwrap().remove(0);
        assert_eq!(asked.capabilities.unwrap(), [["compute", "gpu"]]);
        assert_eq!(asked.count, Some(-1));
        // Where there is no such driver, the start says so.
        let started = corner.engine.start(&request.name).await;
        if let Err(error) = started {
            assert!(error.message.contains("device driver"), "{error}");
        }
        let cdi = DeviceRequest {
            driver: Some("cdi".into()),
            device_ids: vec!["vendor.com/gpu=0".into()],
            ..DeviceRequest::default()
        };
        let mut named = corner.container("cdi", "true");
        named.container.device_requests = vec![cdi];
        if corner.api_minor().await < 44 {
            let error = corner.engine.create(&named).await.unwrap_err();
            assert!(error.message.contains("Docker Engine 25"), "{error}");
        }
    });
}

#[test]
fn a_runtime_that_the_engine_lacks_is_refused() {
    in_corner("runtime", async |corner| {
        let mut request = corner.container("app", "true");
        request.container.runtime = Some("runc".into());
        corner.run(&ContainerRequest { restart: false, ..request.clone() }).await;
        request.name = corner.name("other");
        request.container.runtime = Some("no-such-runtime".into());
        let error = match corner.engine.create(&request).await {
            Ok(_) => corner.engine.start(&request.name).await.unwrap_err(),
            Err(error) => error,
        };
        assert_ne!(error.kind, EngineErrorKind::Unreachable, "{error}");
        assert!(error.message.contains("untime"), "{error}");
    });
}

#[test]
fn timings_alone_keep_the_images_own_health_test() {
    use landfall_core::spec::{HealthTest, Healthcheck};
    in_corner("timings", async |corner| {
        let mut request = corner.container("app", "sleep 99");
        request.disable_healthcheck = false;
        request.container.healthcheck = Some(Healthcheck {
            test: HealthTest::Image,
            interval_ms: Some(7_000),
            timeout_ms: None,
            retries: None,
            start_period_ms: None,
            start_interval_ms: None,
        });
        corner.engine.create(&request).await.unwrap();
        let seen = corner.inspect(&request.name).await.config.unwrap().healthcheck.unwrap();
        assert_eq!(seen.interval, Some(7_000_000_000));
        assert!(seen.test.unwrap_or_default().is_empty(), "this image has none to keep");
    });
}
