//! What is printed: long forms, types, defaults, names, paths, environment.

use serde_json::{Value, json};

use super::support::App;

/// A service called `web` with these keys, as it is printed.
fn printed(keys: &str, files: &[(&str, &str)]) -> Value {
    let text = format!("services:\n  web: {{image: i, {keys}}}\nvolumes: {{data: }}\n");
    let mut all = vec![("compose.yaml", text.as_str())];
    all.extend(files);
    let app = App::new(&all);
    let folder = app.options.directory.to_string_lossy().into_owned();
    let text = app.config()["services"]["web"].to_string().replace(&folder, "DIR");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_plain_file_gets_its_defaults() {
    let app = App::new(&[("compose.yaml", "services: {web: {image: i}}\nx-a: {b: [], c: 1.0}\n")]);
    let expected = json!({
        "name": "app",
        "services": {"web": {
            "command": null, "entrypoint": null, "image": "i", "networks": {"default": null},
        }},
        "networks": {"default": {"name": "app_default", "ipam": {}}},
        "x-a": {"b": null, "c": 1},
    });
    assert_eq!(app.config(), expected);
}

#[test]
fn short_forms_become_long_ones() {
    let cases: &[(&str, &str, Value)] = &[
        (
            "ports: ['8080-8081:80-81/udp', 53, '127.0.0.1::9']",
            "/ports",
            json!([
                {"mode": "ingress", "target": 80, "published": "8080", "protocol": "udp"},
                {"mode": "ingress", "target": 81, "published": "8081", "protocol": "udp"},
                {"mode": "ingress", "target": 53, "protocol": "tcp"},
                {"mode": "ingress", "target": 9, "host_ip": "127.0.0.1", "protocol": "tcp"},
            ]),
        ),
        (
            "volumes: ['./a:/a:ro,Z', 'data:/d:nocopy', /anonymous/, 'v:/x']",
            "/volumes",
            json!([
                {"type": "bind", "source": "DIR/a", "target": "/a", "read_only": true,
                 "bind": {"selinux": "Z", "create_host_path": true}},
                {"type": "volume", "source": "data", "target": "/d", "volume": {"nocopy": true}},
                {"type": "volume", "target": "/anonymous", "volume": {}},
                {"type": "volume", "target": "v:/x", "volume": {}},
            ]),
        ),
        (
            "devices: [/dev/a]",
            "/devices/0",
            json!({"source": "/dev/a", "target": "/dev/a", "permissions": "rwm"}),
        ),
        ("gpus: all", "/gpus", json!([{"count": -1}])),
        ("build: .", "/build", json!({"context": "DIR", "dockerfile": "Dockerfile"})),
        ("build: {context: 'https://x/y.git', args: [A, B=1]}", "/build/args", json!({"B": "1"})),
        (
            "extra_hosts: {b: '[::1]', a: [1.1.1.1, 2.2.2.2]}",
            "/extra_hosts",
            json!(["a=1.1.1.1", "a=2.2.2.2", "b=::1"]),
        ),
        (
            "healthcheck: {test: up, interval: 90s, retries: '3'}",
            "/healthcheck",
            json!({"test": ["CMD-SHELL", "up"], "interval": "1m30s", "retries": 3}),
        ),
        (
            "ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}",
            "/ulimits",
            json!({"nproc": 5, "nofile": {"soft": 1, "hard": 2}}),
        ),
        (
            "labels: [a=1, b], environment: {A: 1.10, B: true, C: }",
            "/environment",
            json!({"A": "1.1", "B": "true", "C": null}),
        ),
        ("command: 'a \"b c\" $$d | e', entrypoint: ''", "/command", json!(["a", "b c", "$$d"])),
        ("mem_limit: 1.5g, shm_size: 64m", "/mem_limit", json!("1610612736")),
        ("cpus: '0.10', cpu_shares: '5'", "/cpus", json!(0.1)),
        (
            "deploy: {replicas: 0, labels: {a: }}",
            "/deploy",
            json!({"replicas": 0, "labels": {"a": ""}, "resources": {}, "placement": {}}),
        ),
        ("tmpfs: /run, dns: 1.1.1.1", "/tmpfs", json!(["/run"])),
        ("privileged: 'no', tty: yes, init: false", "/init", json!(false)),
        ("stop_grace_period: 1h, x-mine: 1", "/stop_grace_period", json!("1h0m0s")),
    ];
    for (keys, pointer, expected) in cases {
        let service = printed(keys, &[]);
        assert_eq!(service.pointer(pointer), Some(expected), "{keys}: {service}");
    }
    let service = printed("privileged: 'no', tty: yes, mem_limit: 0, labels: {}, x-mine: 1", &[]);
    let keys: Vec<&String> = service.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["command", "entrypoint", "image", "networks", "tty"]);
}

#[test]
fn what_other_keys_imply_is_written_out() {
    let text = "services:
  web: {image: i, links: ['db:database'], volumes_from: ['files:ro', 'container:x']}
  side: {image: i, network_mode: 'service:web', depends_on: {db: {condition: service_healthy}}}
  db: {image: i}
  files: {image: i}
";
    let services = App::new(&[("compose.yaml", text)]).config()["services"].clone();
    let expected = json!({
        "db": {"condition": "service_started", "required": true, "restart": true},
        "files": {"condition": "service_started", "required": true},
    });
    assert_eq!(services["web"]["depends_on"], expected);
    let expected = json!({
        "db": {"condition": "service_healthy", "required": true},
        "web": {"condition": "service_started", "required": true, "restart": true},
    });
    assert_eq!(services["side"]["depends_on"], expected);
    assert_eq!(services["side"].get("networks"), None);
}

#[test]
fn resources_are_named_and_those_nobody_uses_are_left_out() {
    let text = "services:
  web: {image: i, networks: [front], volumes: ['data:/d'], secrets: [key], profiles: [never]}
  api: {image: i, networks: [back], volumes: ['given:/d'], secrets: [{source: key, mode: 0400}]}
networks: {front: , back: {name: own, ipam: {config: [{subnet: 10.0.0.0/8}]}}}
volumes: {data: , given: {external: true}}
secrets: {key: {environment: KEY}, unused: {file: ./x}}
";
    let app = App::new(&[("compose.yaml", text)]).variable("KEY", "hidden");
    let config = app.config();
    assert_eq!(
        config["networks"],
        json!({"back": {"name": "own", "ipam": {"config": [{"subnet": "10.0.0.0/8"}]}}})
    );
    assert_eq!(config["volumes"], json!({"given": {"name": "given", "external": true}}));
    assert_eq!(config["secrets"], json!({"key": {"name": "app_key", "environment": "KEY"}}));
    let secret = json!([{"source": "key", "target": "/run/secrets/key", "mode": "0400"}]);
    assert_eq!(config["services"]["api"]["secrets"], secret);
    assert_eq!(config["services"].get("web"), None);
    assert_eq!(app.profile("never").config()["networks"]["front"]["name"], "app_front");
}

#[test]
fn environment_files_lie_under_the_environment() {
    let files =
        [("a.env", "A=a\nB=a\nC=${A}x\nD='$A'\nE\n"), ("b.env", "B=b # note\n"), ("l", "x=1\ny=2")];
    let service = printed(
        "env_file: [a.env, {path: b.env}, {path: no.env, required: false}], environment: {A: own, F: }, label_file: l, labels: [y=3]",
        &files,
    );
    let expected = json!({"A": "own", "B": "b", "C": "ownx", "D": "$$A", "F": null});
    assert_eq!(service["environment"], expected);
    assert_eq!(service["labels"], json!({"x": "1", "y": "3"}));
    assert_eq!((service.get("env_file"), service.get("label_file")), (None, None));
}

#[test]
fn paths_start_at_home_or_at_the_project() {
    let text = "services: {web: {build: {context: ../up, additional_contexts: {a: ./a, b: 'docker-image://b'}}, volumes: ['~/x:/x', '/abs/../y:/y'], develop: {watch: [{path: ./src, action: rebuild}]}}}";
    let mut app = App::new(&[("sub/compose.yaml", text)]).variable("HOME", "/home/me");
    app.options.project_directory = Some("sub".into());
    let folder = app.options.directory.to_string_lossy().into_owned();
    let web = app.file("sub/compose.yaml").config()["services"]["web"].clone();
    let at =
        |pointer: &str| web.pointer(pointer).unwrap().as_str().unwrap().replace(&folder, "DIR");
    assert_eq!(at("/build/context"), "DIR/up");
    assert_eq!(at("/build/additional_contexts/a"), "DIR/sub/a");
    assert_eq!(at("/build/additional_contexts/b"), "docker-image://b");
    assert_eq!(at("/volumes/0/source"), "/home/me/x");
    assert_eq!(at("/volumes/1/source"), "/abs/../y");
    assert_eq!(at("/develop/watch/0/path"), "DIR/sub/src");
}
