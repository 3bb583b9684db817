//! `landfall config` prints what Compose makes of the files, and nothing else on standard output.

use serde_json::{Value, json};

use crate::stage::{Stage, same_as_transcript};

const SHOP: &str = "\
name: shop
services:
  web:
    image: shop:${RELEASE:-v1}
    command: serve --price $$5
    depends_on: [db]
    ports: [\"8080:80\"]
    environment:
      QUOTED: 'it''s: \"so\"'
      LINES: |
        one
          two
      ODD: \" yes\"
      NO: \"no\"
      OCTAL: \"0755\"
      EMPTY:
    volumes: [\"data:/data\", \"./conf:/conf:ro\"]
    x-landfall: {health: {path: /up}}
  db:
    image: postgres:16.4
    volumes: [\"pg:/var/lib/postgresql/data\"]
  mail:
    image: axllent/mailpit:v1.20
    profiles: [debug]
volumes: {data: {}, pg: {}, unused: {}}
x-note: [1, 2.5, {a: null}]
";

fn shop() -> Stage {
    Stage::new(&[("compose.yaml", SHOP)])
}

fn stdout(stage: &Stage, args: &[&str]) -> String {
    let output = stage.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(stage: &Stage, args: &[&str]) -> Value {
    let args = [args, &["config", "--format", "json"]].concat();
    serde_json::from_str(&stdout(stage, &args)).unwrap()
}

#[test]
fn the_whole_is_printed_as_yaml() {
    same_as_transcript("config", &shop().transcript(&["config"]));
}

#[test]
fn yaml_reads_back_as_the_same_tree() {
    let stage = shop();
    let folder = stage.path("compose.yaml").parent().unwrap().canonicalize().unwrap();
    let yaml = stdout(&stage, &["config"]);
    std::fs::write(stage.path("again.yaml"), &yaml).unwrap();
    let folder = folder.to_str().unwrap();
    let again = json_of(&stage, &["-f", "again.yaml", "--project-directory", folder]);
    assert_eq!(again, json_of(&stage, &[]));
    assert_eq!(stdout(&stage, &["-f", "again.yaml", "config"]), yaml);
}

#[test]
fn json_has_the_shape_of_docker_compose() {
    let tree = json_of(&shop(), &["--profile", "debug"]);
    let web = &tree["services"]["web"];
    assert_eq!(web["command"], json!(["serve", "--price", "$$5"]));
    assert_eq!(web["depends_on"]["db"]["condition"], "service_started");
    let port = json!({"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"});
    assert_eq!(web["ports"], json!([port]));
    assert!(tree["services"]["mail"].is_object());
    assert_eq!(tree["x-note"], json!([1, 2.5, {"a": null}]));
    assert!(tree["volumes"].get("unused").is_none());
}

#[test]
fn parts_are_printed_a_line_each() {
    let stage = shop().env("RELEASE", "v9");
    let table: &[(&[&str], &str)] = &[
        (&["--services"], "db\nweb\n"),
        (&["--services", "--profile", "debug"], "db\nmail\nweb\n"),
        (&["--services", "db"], "db\n"),
        (&["--images"], "postgres:16.4\nshop:v9\n"),
        (&["--volumes"], "data\npg\n"),
        (&["--volumes", "db"], "pg\n"),
        (&["--networks"], "default\n"),
        (&["--volumes", "--all-resources"], "data\npg\nunused\n"),
        (&["--profiles"], "debug\n"),
    ];
    for (args, expected) in table {
        assert_eq!(stdout(&stage, &[&["config"], *args].concat()), *expected, "{args:?}");
    }
    let environment = stdout(&stage, &["config", "--environment"]);
    assert!(
        environment.contains("\nRELEASE=v9\n")
            && environment.contains("COMPOSE_PROJECT_NAME=shop\n")
    );
    let variables = stdout(&stage, &["config", "--variables"]);
    let expected = "NAME     REQUIRED  DEFAULT VALUE  ALTERNATE VALUE\nRELEASE  no        v1\n";
    assert_eq!(variables, expected);
}

/// Services with what is hard about their hash: order, escapes, what is left out.
const HASHED: &str = r#"services:
  web:
    image: shop:v1
    command: serve --price $$5
    environment: {HTML: "<a href='x'>&</a>", TAB: "a\tb"}
    hostname: web
    healthcheck: {test: [CMD, check], interval: 90s, timeout: 3s, retries: 2}
    ports: ["127.0.0.1:8080:80"]
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 7}
    volumes: ["data:/data", "/srv/conf:/conf:ro"]
    cgroup_parent: p
    cgroup: host
    cpus: 0.5
    deploy: {mode: replicated, replicas: 2, labels: {z: a}, resources: {reservations: {memory: 64m}}}
    logging: {driver: local, options: {max-size: 1m}}
    networks: {default: {aliases: [www]}}
    post_start: [{command: warm up, user: root}]
    pull_policy: always
    depends_on: [db]
    build: .
  db: {image: "postgres:16.4"}
volumes: {data: {}}
"#;

#[test]
fn hashes_are_those_of_docker_compose() {
    let stage = Stage::new(&[("compose.yaml", HASHED)]);
    let hashes = stdout(&stage, &["-p", "shop", "config", "--hash", "*"]);
    // From docker compose 2.40.3.
    let db = "db d7c64ca47656c17967763fe2494e976a2dd59487a2895ab63399b827d2148e57\n";
    let web = "web 0f10154860d5ba58721e7dea1873fe63a750dc6985e6245c490332ae8306c3e4\n";
    assert_eq!(hashes, format!("{db}{web}"));
    assert_eq!(stdout(&stage, &["-p", "shop", "config", "--hash", "web"]), web);
    let refused = stage.run(&["config", "--hash", "nope"]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn only_the_result_is_on_standard_output() {
    let unset = [("compose.yaml", "services:\n  web:\n    image: nginx:${TAG}\n")];
    let stage = Stage::new(&unset);
    for args in [&["config"][..], &["config", "--format", "json"], &["config", "-o", "out.yaml"]] {
        let output = stage.run(args);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("`TAG` is not set"), "{args:?}");
    }
    let quiet = stage.run(&["config", "-q"]);
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty());
    assert_eq!(std::fs::read(stage.path("out.yaml")).unwrap(), stage.run(&["config"]).stdout);
}

#[test]
fn flags_stand_before_or_after_the_verb() {
    let files = [
        ("a.yaml", "services: {web: {image: 'nginx:1'}}\n"),
        ("b.yaml", "services: {web: {image: '${IMAGE}'}, more: {image: x, profiles: [p]}}\n"),
        ("vars", "IMAGE=nginx:2\n"),
    ];
    let stage = Stage::new(&files);
    let flags = ["-f", "a.yaml", "--file", "b.yaml", "-p", "shop", "--env-file", "vars"];
    let more = ["--profile", "p", "--project-directory", "."];
    let before = [&flags[..], &more[..], &["config"]].concat();
    let after = [&["config"], &flags[..], &more[..]].concat();
    let both = [&flags[..], &["config"], &more[..]].concat();
    let text = stdout(&stage, &before);
    assert!(text.starts_with("name: shop\nservices:\n  more:\n") && text.contains("nginx:2"));
    assert_eq!(stdout(&stage, &after), text);
    assert_eq!(stdout(&stage, &both), text);
    let odd = Stage::new(&[("-.yml", "services: {web: {image: 'nginx:1'}}\n")]);
    assert!(stdout(&odd, &["-f", "-.yml", "-p", "shop", "config"]).contains("nginx:1"));
}

#[test]
fn standard_input_is_a_file_too() {
    let stage = Stage::new(&[("in", SHOP), ("more.yaml", "services: {web: {image: other}}\n")]);
    let file = || std::fs::File::open(stage.path("in")).unwrap();
    let text = |args: &[&str]| {
        let output = stage.run_with(args, file());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["-f", "-", "config"]).contains("image: shop:v1"));
    assert_eq!(
        text(&["config", "-f", "-", "-f", "more.yaml", "--images"]),
        "postgres:16.4\nother\n"
    );
    let checked = stage.run_with(&["check", "-f", "-"], file());
    assert!(String::from_utf8(checked.stdout).unwrap().contains(" --> -:"));
    assert_eq!(stage.run_with(&["init", "-f", "-"], file()).status.code(), Some(2));
}

#[test]
fn refusals_say_everything_at_once() {
    let broken = "services:\n  web:\n    imgae: nginx\n    ports: nope\n    image: a\n  db: {}\n";
    let stage = Stage::new(&[("compose.yaml", broken)]);
    let mut text = stage.transcript(&["config"]);
    text += &stage.transcript(&["config", "--format", "json"]);
    text += &shop().transcript(&["config", "wbe"]);
    text += &shop().transcript(&["config", "--format", "sarif"]);
    text += &shop().transcript(&["config", "--services", "--images"]);
    same_as_transcript("config-refused", &text);
}
