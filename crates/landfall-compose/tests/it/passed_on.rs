//! Everything that the engine can do and a plain service seldom asks for: what it becomes.

use serde_json::{Value, json};

use super::support::{App, web};

fn check(cases: &[(&str, &str, Value)]) {
    for (service, pointer, expected) in cases {
        assert_eq!(web(service, pointer), *expected, "{service}");
    }
}

#[test]
fn limits_and_devices_are_passed_on() {
    check(&[
        ("cpu_period: 50000", "/container/resources/cpu_period_us", json!(50_000)),
        ("cpu_quota: '20000'", "/container/resources/cpu_quota_us", json!(20_000)),
        ("cpu_rt_runtime: '95000'", "/container/resources/cpu_rt_runtime_us", json!(95_000)),
        ("mem_swappiness: 10", "/container/resources/memory_swappiness", json!(10)),
        ("oom_kill_disable: true", "/container/resources/oom_kill_disable", json!(true)),
        (
            "blkio_config: {weight: 300, weight_device: [{path: /dev/sda, weight: 400}]}",
            "/container/resources/block/weights",
            json!([{"path": "/dev/sda", "weight": 400}]),
        ),
        (
            "blkio_config: {device_read_bps: [{path: /dev/sda, rate: 12mb}]}",
            "/container/resources/block/read_bps",
            json!([{"path": "/dev/sda", "rate": 12_582_912}]),
        ),
        (
            "blkio_config: {device_write_iops: [{path: /dev/sda, rate: 30}]}",
            "/container/resources/block/write_iops",
            json!([{"path": "/dev/sda", "rate": 30}]),
        ),
        (
            "device_cgroup_rules: ['c 1:3 mr']",
            "/container/device_cgroup_rules/0",
            json!("c 1:3 mr"),
        ),
        ("runtime: runsc", "/container/runtime", json!("runsc")),
        ("cgroup_parent: m-executor", "/container/cgroup_parent", json!("m-executor")),
        ("cgroup: private", "/container/namespaces/cgroup", json!("private")),
        ("storage_opt: {size: 1G}", "/container/storage_opt/size", json!("1G")),
        ("annotations: [a=b]", "/container/annotations/a", json!("b")),
    ]);
}

#[test]
fn gpus_and_reserved_devices_become_device_requests() {
    let all = json!({"driver": null, "count": -1, "device_ids": [], "capabilities": ["gpu"], "options": {}});
    let nvidia = json!({"driver": "nvidia", "count": 2, "device_ids": [],
        "capabilities": ["gpu"], "options": {"a": "b"}});
    let named = json!({"driver": null, "count": null, "device_ids": ["0", "1"],
        "capabilities": ["tpu"], "options": {}});
    let cdi = json!({"driver": "cdi", "count": null, "device_ids": ["vendor.com/class=name"],
        "capabilities": [], "options": {}});
    let at = "/container/device_requests/0";
    check(&[
        ("gpus: all", at, all),
        ("gpus: [{driver: nvidia, count: 2, options: {a: b}}]", at, nvidia),
        (
            "deploy: {resources: {reservations: {devices: [{capabilities: [tpu], device_ids: ['0', '1']}]}}}",
            at,
            named,
        ),
        ("devices: [vendor.com/class=name]", at, cdi),
    ]);
}

#[test]
fn namespaces_are_shared_as_asked() {
    check(&[
        ("pid: host", "/container/namespaces/pid", json!("host")),
        ("ipc: shareable", "/container/namespaces/ipc", json!("shareable")),
        ("ipc: 'container:other'", "/container/namespaces/ipc", json!({"container": "other"})),
        ("uts: host", "/container/namespaces/uts_host", json!(true)),
        ("userns_mode: host", "/container/namespaces/user", json!("host")),
        ("network_mode: host", "/container/namespaces/network", json!("host")),
        ("network_mode: host", "/networks", json!({})),
        ("network_mode: host", "/workload", json!("stateful")),
        ("network_mode: host\nx-landfall: {update: rolling}", "/workload", json!("replicated")),
        ("network_mode: host\nports: ['80:80']", "/ports", json!([])),
        (
            "network_mode: 'container:vpn'",
            "/container/namespaces/network",
            json!({"container": "vpn"}),
        ),
        ("isolation: default", "/container/namespaces", Value::Null),
    ]);
}

#[test]
fn what_lives_in_another_service_waits_for_it_and_runs_as_it() {
    let text = "services:\n  vpn: {image: vpn, ports: ['8080:80', '51820:51820/udp']}\n  \
                torrent: {image: t, network_mode: 'service:vpn', volumes_from: ['files:ro']}\n  \
                files: {image: f, x-landfall: {singleton: true}}\n  \
                peek: {image: p, pid: 'service:files'}\n";
    let app = App::new(&[("compose.yaml", &text.replace("volumes_from: ['files:ro']", ""))]);
    let spec = app.spec();
    let service = |name: &str| spec["services"][name].clone();
    // A UDP port cannot be there twice, and nor can what listens beside it.
    assert_eq!(service("vpn")["workload"], "stateful");
    assert_eq!(service("vpn")["ports"].as_array().unwrap().len(), 2);
    assert_eq!(service("torrent")["workload"], "stateful");
    assert_eq!(service("torrent")["depends_on"]["vpn"]["condition"], "service_started");
    assert_eq!(service("torrent")["container"]["namespaces"]["network"], json!({"service": "vpn"}));
    assert_eq!(service("peek")["workload"], "singleton");
    // The volumes of what goes before it.
    assert_eq!(App::new(&[("compose.yaml", text)]).codes(), ["LF0503", "LF0701!"]);
}

#[test]
fn hooks_are_passed_on() {
    let hook =
        "post_start: [{command: [warm, up], user: root, environment: [A=b]}, {command: echo hi}]";
    let expected = json!([
        {"command": ["warm", "up"], "user": "root", "environment": {"A": "b"}},
        {"command": ["echo", "hi"]},
    ]);
    check(&[
        (hook, "/container/post_start", expected),
        (
            "pre_stop: [{command: [bye], privileged: true, working_dir: /x, environment: {A: 1}}]",
            "/container/pre_stop/0",
            json!({"command": ["bye"], "privileged": true, "working_dir": "/x", "environment": {"A": "1"}}),
        ),
    ]);
}

#[test]
fn mounts_are_passed_on() {
    let mount = |options: &str| format!("volumes: [{{{options}}}]");
    let bind = "type: bind, source: /srv, target: /x";
    let kind = "/container/mounts/0/kind";
    let cases = [
        (mount(&format!("{bind}, bind: {{recursive: disabled}}")), "/recursive", json!("disabled")),
        (mount(&format!("{bind}, bind: {{selinux: Z}}")), "/relabel", json!("shared")),
        (mount(&format!("{bind}, bind: {{selinux: z}}")), "/relabel", json!("shared")),
        (
            format!(
                "{}\nx-landfall: {{update: in-place}}",
                mount(&format!("{bind}, bind: {{selinux: Z}}"))
            ),
            "/relabel",
            json!("private"),
        ),
        (mount("type: volume, target: /x, volume: {labels: {a: b}}"), "/labels/a", json!("b")),
        (
            mount("type: image, source: app:1, target: /x, image: {subpath: s}"),
            "",
            json!({
            "type": "image", "image": "app:1", "subpath": "s"}),
        ),
        (
            "tmpfs: ['/run:uid=1000,exec,size=1m']".to_owned(),
            "/options",
            json!(["uid=1000", "exec"]),
        ),
    ];
    for (service, pointer, expected) in cases {
        assert_eq!(web(&service, &format!("{kind}{pointer}")), expected, "{service}");
    }
    let text = "services:\n  web:\n    image: a\n    volumes: [{type: volume, source: data, target: /x, \
                volume: {subpath: www, nocopy: true}}]\nvolumes: {data: {}}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    let kind = &spec["services"]["web"]["container"]["mounts"][0]["kind"];
    assert_eq!(
        *kind,
        json!({"type": "volume", "volume": "data", "nocopy": true, "subpath": "www"})
    );
}

#[test]
fn networks_say_what_they_are() {
    let text = "services:\n  db:\n    image: postgres\n    mac_address: '02:42:ac:11:00:02'\n    networks:\n      \
                lan: {ipv4_address: 172.28.5.2, priority: 10, interface_name: lan0, gw_priority: 1}\n      \
                six: {}\n  web:\n    image: web\n    container_name: shop-web\n    ports: ['80:80']\n    \
                external_links: ['other:friend']\n    networks: {proxy: {aliases: [shop]}}\n\
                networks:\n  lan:\n    driver: macvlan\n    driver_opts: {parent: eth0}\n    ipam:\n      config:\n        \
                - {subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24, gateway: 172.28.5.254, aux_addresses: \
                {host1: 172.28.1.5}}\n  six: {enable_ipv6: true, attachable: true}\n  \
                proxy: {external: true, name: edge_net}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    let networks = &spec["networks"];
    assert_eq!(networks["lan"]["driver"], "macvlan");
    assert_eq!(
        networks["lan"]["ipam"]["pools"][0],
        json!({"subnet": "172.28.0.0/16", "ip_range": "172.28.5.0/24", "gateway": "172.28.5.254",
            "aux_addresses": {"host1": "172.28.1.5"}})
    );
    assert_eq!(
        (&networks["six"]["enable_ipv6"], &networks["six"]["attachable"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(networks["proxy"]["external"], "edge_net");
    let db = &spec["services"]["db"]["networks"]["lan"];
    assert_eq!((&db["address"], &db["priority"]), (&json!("172.28.5.2"), &json!(10)));
    assert_eq!(
        db["endpoint"],
        json!({"mac_address": "02:42:ac:11:00:02", "gw_priority": 1,
            "driver_opts": {"com.docker.network.endpoint.ifname": "lan0"}})
    );
    let web = &spec["services"]["web"]["networks"];
    assert_eq!(web["proxy"]["aliases"], json!(["shop", "shop-web"]));
    assert_eq!(web["proxy"]["endpoint"]["links"], json!(["other:friend"]));
    // The edge finds it on a network of its release.
    assert!(web.get("default").is_some());
}

#[test]
fn addresses_are_for_what_lives_once() {
    let text = "services:\n  web: {image: a, networks: {lan: {ipv4_address: 10.5.0.2}}}\n  \
                out: {image: a, networks: {wan: {ipv4_address: 10.6.0.2}}}\nnetworks:\n  \
                lan: {ipam: {config: [{subnet: 10.5.0.0/24}]}}\n  wan: {external: true}\n";
    let app = App::new(&[("compose.yaml", text)]);
    let spec = app.spec();
    assert_eq!(spec["services"]["web"]["networks"]["lan"], json!({"aliases": []}));
    assert_eq!(spec["services"]["out"]["workload"], "stateful");
    assert_eq!(spec["services"]["out"]["networks"]["wan"]["address"], "10.6.0.2");
    assert_eq!(app.codes(), ["LF0504", "LF0503"]);
}

#[test]
fn a_service_without_replicas_does_not_run_and_nobody_waits_for_it() {
    let text = "services:\n  web: {image: a, depends_on: [db]}\n  db: {image: postgres, scale: 0}\n  \
                job: {image: b, deploy: {mode: replicated-job}}\n";
    let app = App::new(&[("compose.yaml", text)]);
    let spec = app.spec();
    assert_eq!(spec["services"].as_object().unwrap().keys().collect::<Vec<_>>(), ["job", "web"]);
    assert_eq!(spec["services"]["web"]["depends_on"], json!({}));
    assert_eq!(spec["services"]["job"]["workload"], "one_off");
    let none =
        App::new(&[("compose.yaml", "services:\n  web: {image: a, deploy: {replicas: 0}}\n")]);
    assert_eq!(none.codes(), ["LF0107!"]);
}

#[test]
fn timings_alone_keep_the_images_own_test() {
    let expected = json!({"test": "image", "interval_ms": 5000, "timeout_ms": null,
        "retries": null, "start_period_ms": null, "start_interval_ms": null});
    check(&[
        ("healthcheck: {interval: 5s}", "/container/healthcheck", expected),
        ("healthcheck: {}", "/container/healthcheck", Value::Null),
    ]);
}

#[test]
fn a_build_keeps_its_names_and_limits() {
    let text = "services:\n  web:\n    build: {context: ., tags: ['a:1'], platforms: [linux/arm64], \
                ulimits: {nofile: 99}, sbom: true, cache_to: [x]}\n";
    let app = App::new(&[("compose.yaml", text), ("Dockerfile", "")]);
    let project = app.load();
    let build = &project.builds[&"web".parse().unwrap()];
    assert_eq!(build.tags, ["a:1"]);
    assert_eq!(build.platform.as_deref(), Some("linux/arm64"));
    assert_eq!(build.ulimits["nofile"].soft, 99);
    assert_eq!(app.codes(), ["LF0502", "LF0502"]);
}
