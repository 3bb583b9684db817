//! What each key of a service becomes, as tables.

use serde_json::{Value, json};

use super::support::{App, web};

/// A part of a service, a place in its spec, and what stands there.
fn check(cases: &[(&str, &str, Value)]) {
    for (service, pointer, expected) in cases {
        assert_eq!(web(service, pointer), *expected, "{service}");
    }
}

#[test]
fn what_runs_is_read() {
    check(&[
        ("command: run --now 'a b'", "/container/command", json!(["run", "--now", "a b"])),
        ("command: [a, 'b c']", "/container/command", json!(["a", "b c"])),
        ("command: ''", "/container/command", json!([])),
        ("command:", "/container/command", Value::Null),
        ("entrypoint: []", "/container/entrypoint", json!([])),
        (
            "environment: {A: 1, B: true, C: x}",
            "/container/environment",
            json!({"A": "1", "B": "true", "C": "x"}),
        ),
        (
            "environment: [A=1, B=x=y, C=]",
            "/container/environment",
            json!({"A": "1", "B": "x=y", "C": ""}),
        ),
        ("environment: [UNSET]", "/container/environment", json!({})),
        ("labels: [a=b, c]", "/container/labels", json!({"a": "b", "c": ""})),
        ("stop_grace_period: 1m30s", "/container/stop_grace_ms", json!(90_000)),
        ("stop_signal: SIGQUIT", "/container/stop_signal", json!("SIGQUIT")),
        ("init: true", "/container/init", json!(true)),
        ("user: '1000:1000'", "/container/user", json!("1000:1000")),
        ("group_add: [100, docker]", "/container/group_add", json!(["100", "docker"])),
    ]);
}

#[test]
fn what_surrounds_it_is_read() {
    check(&[
        ("dns: 1.1.1.1", "/container/dns", json!(["1.1.1.1"])),
        (
            "extra_hosts: ['a:1.2.3.4', 'b=[::1]']",
            "/container/extra_hosts",
            json!(["a:1.2.3.4", "b:::1"]),
        ),
        (
            "extra_hosts: {a: [1.2.3.4, 1.2.3.5]}",
            "/container/extra_hosts",
            json!(["a:1.2.3.4", "a:1.2.3.5"]),
        ),
        (
            "sysctls: {net.core.somaxconn: 1024}",
            "/container/sysctls",
            json!({"net.core.somaxconn": "1024"}),
        ),
        (
            "ulimits: {nproc: 65535}",
            "/container/ulimits/nproc",
            json!({"soft": 65_535, "hard": 65_535}),
        ),
        (
            "ulimits: {nofile: {soft: 1, hard: 2}}",
            "/container/ulimits/nofile",
            json!({"soft": 1, "hard": 2}),
        ),
        ("shm_size: 64m", "/container/shm_size_bytes", json!(67_108_864)),
    ]);
}

#[test]
fn limits_and_numbers_are_read() {
    check(&[
        ("mem_limit: 1g", "/container/resources/memory_bytes", json!(1_073_741_824)),
        ("memswap_limit: -1", "/container/resources/memory_swap_bytes", json!(-1)),
        ("cpus: 0.5", "/container/resources/nano_cpus", json!(500_000_000)),
        ("cpus: '1.5'", "/container/resources/nano_cpus", json!(1_500_000_000)),
        ("pids_limit: 50", "/container/resources/pids", json!(50)),
        (
            "deploy: {resources: {limits: {cpus: '2', memory: 512M, pids: 9}}}",
            "/container/resources/memory_bytes",
            json!(536_870_912),
        ),
        (
            "deploy: {resources: {reservations: {memory: 1m}}}",
            "/container/resources/memory_reservation_bytes",
            json!(1_048_576),
        ),
        ("deploy: {replicas: 3}", "/replicas", json!(3)),
        ("scale: 2", "/replicas", json!(2)),
        (
            "devices: ['/dev/fuse', '/dev/a:/dev/b:r']",
            "/container/devices/1",
            json!({"source": "/dev/a", "target": "/dev/b", "permissions": "r"}),
        ),
        (
            "logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}",
            "/container/logging",
            json!({"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}),
        ),
        (
            "tmpfs: '/run:size=64m,mode=1777'",
            "/container/mounts/0",
            json!({"target": "/run", "kind": {"type": "tmpfs", "size_bytes": 67_108_864, "mode": 0o1777}, "read_only": false}),
        ),
        ("platform: linux/arm64", "/platform", json!("linux/arm64")),
        ("pull_policy: always", "/pull", json!("always")),
        ("expose: [80, '90-91', '53/udp']", "/expose", json!([80, 90, 91])),
        ("cap_add: [NET_ADMIN]\nprivileged: true", "/container/privileged", json!(true)),
        ("read_only: 'true'", "/container/read_only", json!(true)),
        ("x-anything: {a: 1}", "/replicas", json!(1)),
        ("network_mode: none", "/networks", json!({})),
        ("network_mode: bridge", "/networks", json!({"default": {"aliases": []}})),
    ]);
}

#[test]
fn health_checks_are_read() {
    let cases = [
        ("{test: curl localhost}", json!({"shell": "curl localhost"})),
        ("{test: [CMD, curl, x]}", json!({"command": ["curl", "x"]})),
        ("{test: [CMD-SHELL, 'a || b']}", json!({"shell": "a || b"})),
        ("{test: [NONE]}", json!("none")),
        ("{disable: true}", json!("none")),
    ];
    for (check, expected) in cases {
        assert_eq!(web(&format!("healthcheck: {check}"), "/container/healthcheck/test"), expected);
    }
    let all = "healthcheck: {test: x, interval: 2s, timeout: 3s, retries: 4, start_period: 1m, \
               start_interval: 500ms}";
    let expected = json!({"test": {"shell": "x"}, "interval_ms": 2000, "timeout_ms": 3000,
        "retries": 4, "start_period_ms": 60_000, "start_interval_ms": 500});
    assert_eq!(web(all, "/container/healthcheck"), expected);
}

#[test]
fn ports_are_read() {
    let cases = [
        ("'8080:80'", json!([["0.0.0.0", 8080, 80]])),
        ("'127.0.0.1:8080:80'", json!([["127.0.0.1", 8080, 80]])),
        ("'80-81:90-91'", json!([["0.0.0.0", 80, 90], ["0.0.0.0", 81, 91]])),
        ("{target: 80, published: '8080', host_ip: '::1'}", json!([["::1", 8080, 80]])),
        ("'8080:80', '8080:80'", json!([["0.0.0.0", 8080, 80]])),
    ];
    for (ports, expected) in cases {
        let got = web(&format!("ports: [{ports}]"), "/ports");
        let short: Vec<Value> = got
            .as_array()
            .unwrap()
            .iter()
            .map(|port| json!([port["host_ip"], port["published"], port["target"]]))
            .collect();
        assert_eq!(json!(short), expected, "{ports}");
    }
}

#[test]
fn networks_are_joined_by_key() {
    let text = "services:\n  a: {image: a}\n  b: {image: b, networks: [back]}\n  \
                c: {image: c, networks: {back: {aliases: [see]}, default: }, links: ['b:bee']}\n\
                networks: {back: {internal: true}, unused: {}}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    assert_eq!(spec["services"]["a"]["networks"], json!({"default": {"aliases": []}}));
    assert_eq!(spec["services"]["b"]["networks"], json!({"back": {"aliases": ["bee"]}}));
    assert_eq!(spec["services"]["c"]["networks"]["back"], json!({"aliases": ["see"]}));
    assert_eq!(spec["services"]["c"]["depends_on"]["b"]["condition"], "service_started");
    assert_eq!(spec["networks"]["back"]["internal"], true);
    assert!(spec["networks"].get("unused").is_none());
}

#[test]
fn volumes_are_named_as_compose_does() {
    let text = "services:\n  a:\n    image: a\n    volumes: ['data:/data', 'own:/own:ro', \
                'given:/given', /anon]\nvolumes:\n  data:\n  own: {name: shared}\n  given: \
                {external: true}\n  unused: {}\n  made: {x-landfall: {scope: release}}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    let names = ["data", "own", "given"].map(|key| spec["volumes"][key]["name"].clone());
    assert_eq!(names, ["app_data", "shared", "given"]);
    assert_eq!(spec["volumes"].as_object().unwrap().len(), 3);
    let mounts = &spec["services"]["a"]["container"]["mounts"];
    assert_eq!(mounts[1]["read_only"], true);
    assert_eq!(mounts[3]["kind"]["type"], "anonymous_volume");
}

#[test]
fn builds_are_kept_beside_the_spec() {
    let text = "services:\n  web:\n    build:\n      context: app\n      dockerfile: D\n      \
                args: [A=1, HOMELESS]\n      target: prod\n    platform: linux/amd64\n  \
                api: {build: ., image: me/api}\n";
    let files = [("compose.yaml", text), ("app/D", ""), ("Dockerfile", "")];
    let app = App::new(&files);
    let project = app.load();
    let web = &project.builds[&"web".parse().unwrap()];
    assert_eq!(web.context, app.path("app"));
    assert_eq!((web.dockerfile.as_deref(), web.target.as_deref()), (Some("D"), Some("prod")));
    assert_eq!(web.args.keys().collect::<Vec<_>>(), ["A"]);
    assert_eq!(web.platform.as_deref(), Some("linux/amd64"));
    let spec = app.spec();
    assert_eq!(spec["services"]["web"]["image"], "app-web");
    assert_eq!(spec["services"]["web"]["pull"], "build");
    assert_eq!(spec["services"]["api"]["image"], "me/api");
}
