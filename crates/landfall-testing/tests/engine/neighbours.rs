//! An app that does not live alone: a network of others, a subnet of its own choice, a service within
//! another, one on the host's network, hooks.

use crate::ring::{Ring, clean, data, docker};

const SHARED: &str = "ring-shared";

/// A network that somebody else made, for as long as a story takes.
struct Shared;

impl Shared {
    fn new() -> Self {
        docker(&["network", "rm", SHARED]);
        docker(&["network", "create", "--subnet", "10.94.6.0/24", SHARED]);
        Self
    }

    /// What somebody on that network gets from the name `shop`.
    fn asks() -> String {
        let there = ["run", "--rm", "--network", SHARED, "busybox:latest"];
        let ask = ["wget", "-q", "-T", "5", "-O", "-", "http://shop:8080/"];
        docker(&[&there[..], &ask].concat()).trim().to_owned()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        docker(&["network", "rm", SHARED]);
    }
}

fn text(word: &str, hook: &str, port: u16) -> String {
    format!(
        r#"name: ring
services:
  web:
    image: busybox:latest
    command: ["sh", "-c", "mkdir /site; echo {word} > /site/index.html; exec httpd -f -p 8080 -h /site"]
    ports: ["127.0.0.1:{port}:8080"]
    volumes: ["data:/data"]
    networks: {{default: , shared: {{aliases: [shop]}}, lan: }}
    post_start: [{{command: ["sh", "-c", "{hook}"]}}]
    pre_stop: [{{command: ["sh", "-c", "echo farewell {word} >> /data/hooks.log"]}}]
    stop_signal: SIGKILL
    x-landfall: {{health: {{path: /, timeout: 4s}}}}
  side:
    image: busybox:latest
    network_mode: "service:web"
    init: true
    command: ["sh", "-c", "until wget -q -O /tmp/seen http://127.0.0.1:8080/; do sleep 0.1; done; exec sleep 9999"]
    volumes_from: ["web:ro"]
    x-landfall: {{health: {{stay_up: 100ms}}}}
  store:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "exec sleep 1000000"]
    networks: {{lan: {{ipv4_address: 10.94.7.5}}}}
    x-landfall: {{update: in-place, health: {{stay_up: 100ms}}}}
  host:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "exec sleep 1000000"]
    network_mode: host
    x-landfall: {{health: {{stay_up: 100ms}}}}
  idle: {{image: busybox:latest, scale: 0}}
networks:
  shared: {{external: true, name: {SHARED}}}
  lan: {{ipam: {{config: [{{subnet: 10.94.7.0/24}}]}}}}
volumes: {{data: {{}}}}
"#
    )
}

/// The one container of a service.
fn container(service: &str) -> String {
    let label = format!("label=landfall.service={service}");
    let of_app = ["ps", "--filter", "label=landfall.app=ring", "--filter", &label];
    let names = docker(&[&of_app[..], &["--format", "{{.Names}}"]].concat());
    assert_eq!(names.lines().count(), 1, "{service}: {names}");
    names.trim().to_owned()
}

#[test]
fn neighbours_find_the_release_that_serves_and_addresses_stay() {
    let _shared = Shared::new();
    let ring = Ring::new();
    let greet = "echo hello >> /data/hooks.log";
    let deploys = |word: &str| {
        let said = ring.deploy_text(&text(word, greet, ring.port()));
        assert_eq!(said.exit_code, Some(0), "{}", said.stderr);
        assert_eq!((ring.answer().as_str(), Shared::asks().as_str()), (word, word));
        said
    };
    let first = deploys("one");
    assert!(first.stderr.contains("`host` is replaced in place"), "{}", first.stderr);
    let (store, host) = (container("store"), container("host"));
    let load = ring.load();
    deploys("two");
    clean(load);
    assert_eq!((container("store"), container("host")), (store.clone(), host), "left alone");
    assert_eq!(data("hooks.log"), "hello\nhello\nfarewell one\n");

    let reach = |from: &str| docker(&["exec", from, "ping", "-c", "1", "-W", "2", "10.94.7.5"]);
    assert!(reach(&container("web")).contains("1 packets received"), "its fixed address");
    assert!(reach(&container("side")).contains("1 packets received"), "from within web's network");
    assert_eq!(docker(&["exec", &container("side"), "cat", "/tmp/seen"]), "two\n");
    let kept = docker(&["exec", &container("side"), "cat", "/data/hooks.log"]);
    assert!(kept.contains("hello"), "web's volume");
    let idle = docker(&["ps", "-a", "--filter", "label=landfall.service=idle", "-q"]);
    assert_eq!(idle, "");

    let before = ring.leftovers();
    let bad = ring.deploy_text(&text("three", "echo no luck >&2; exit 4", ring.port()));
    assert_eq!(bad.exit_code, Some(3), "{}", bad.stderr);
    assert!(bad.stderr.contains("post_start") && bad.stderr.contains("no luck"), "{}", bad.stderr);
    assert_eq!((ring.answer().as_str(), Shared::asks().as_str()), ("two", "two"));
    assert_eq!(ring.leftovers(), before);

    let down = ring.run(&["down", "-p", "ring", "--yes"]);
    assert_eq!(down.exit_code, Some(0), "{}", down.stderr);
    let left = ring.leftovers();
    assert!(left.containers.is_empty() && left.networks.is_empty(), "{left:?}");
    assert!(
        docker(&["network", "ls", "--format", "{{.Name}}"]).contains(SHARED),
        "not ours to take"
    );
}
