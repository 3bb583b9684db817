//! `landfall check` says everything at once, deploys nothing, and ends as its findings ask.

use serde_json::{Value, json};

use crate::canned::Answers;
use crate::stage::{Stage, same_as_transcript};

const SHOP: &str = "\
name: shop
services:
  web:
    image: nginx
    ports: [\"8080:80\"]
    depends_on: [db]
    environment:
      TOKEN: ${TOKEN}
    isolation: hyperv
  db:
    image: postgres:16.4
    ports: [\"5432:5432\"]
    environment:
      POSTGRES_PASSWORD: hunter2
    restart: unless-stopped
    volumes: [\"pg:/var/lib/postgresql/data\"]
volumes: {pg: {}}
";

const CLEAN: &str = "\
services:
  job:
    image: busybox:1.36.1
    command: [\"true\"]
    restart: \"no\"
    user: \"1000:1000\"
    mem_limit: 64m
    logging: {driver: local}
    x-landfall: {job: before-cutover}
";

fn code(stage: &Stage, args: &[&str]) -> i32 {
    stage.run(args).status.code().unwrap()
}

#[test]
fn everything_is_said_at_once() {
    let stage = Stage::new(&[("compose.yaml", SHOP)]);
    same_as_transcript("check", &stage.transcript(&["check"]));
    same_as_transcript("check-verbose", &stage.transcript(&["check", "-v", "--all"]));
    let quiet = String::from_utf8(stage.run(&["check", "-q"]).stdout).unwrap();
    assert!(!quiet.contains("honoured differently:"));
}

#[test]
fn a_file_that_cannot_be_read_is_checked_as_far_as_it_goes() {
    let broken = "services:\n  web:\n    imgae: nginx\n    ports: [\"80:http\"]\n    image: a\n";
    let stage = Stage::new(&[("compose.yaml", broken)]);
    same_as_transcript("check-broken", &stage.transcript(&["check"]));
    let none = Stage::new(&[]).transcript(&["check"]);
    same_as_transcript("check-no-file", &none);
}

#[test]
fn the_exit_code_says_how_bad_it_is() {
    let shop = Stage::new(&[("compose.yaml", SHOP)]);
    assert_eq!(code(&shop, &["check"]), 1);
    let clean = Stage::new(&[("compose.yaml", CLEAN)]);
    assert_eq!(clean.transcript(&["check", "-q"]).lines().last(), Some("--- exit 0"));
    let warned = CLEAN.replace("    user: \"1000:1000\"\n", "").replace("1.36.1", "latest");
    let warned = Stage::new(&[("compose.yaml", &warned)]);
    assert_eq!(code(&warned, &["check"]), 0);
    assert_eq!(code(&warned, &["check", "--deny", "warnings"]), 1);
    let noted = CLEAN.replace("    mem_limit: 64m\n", "");
    let noted = Stage::new(&[("compose.yaml", &noted)]);
    assert_eq!(code(&noted, &["check", "--deny", "warnings"]), 0);
}

#[test]
fn programs_get_one_json_value() {
    let stage = Stage::new(&[("compose.yaml", SHOP)]);
    let output = stage.run(&["check", "--format", "json"]);
    assert!(output.stderr.is_empty());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["exit"], report["app"].is_string()), (&Value::from(1), true));
    let latest = report["findings"].as_array().unwrap();
    let latest = latest.iter().find(|f| f["rule"] == "image-latest").unwrap();
    assert_eq!(latest["service"], "web");
    let end = json!({"line": 4, "column": 17});
    assert_eq!((&latest["at"]["line"], &latest["at"]["end"]), (&Value::from(4), &end));
    let fidelity = report["fidelity"].as_array().unwrap();
    assert!(fidelity.iter().any(|row| row["key"] == "ports" && row["owner"]["name"] == "web"));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("hunter2"));
}

#[test]
fn a_failed_load_tells_programs_where_and_why() {
    let twice =
        "services:\n  web: {image: a, ports: [\"80:1\"]}\n  api: {image: b, ports: [\"80:2\"]}\n";
    let stage = Stage::new(&[("compose.yaml", twice)]);
    let output = stage.run(&["deploy", "--format", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = value["error"]["diagnostics"].as_array().unwrap();
    let found = found.iter().find(|d| d["code"] == "LF0404").unwrap();
    assert_eq!(found["severity"], "error");
    assert_eq!(found["at"]["file"], "compose.yaml");
    assert!(found["at"]["column"].is_u64() && found["at"]["end"]["column"].is_u64());
    assert_eq!(found["related"][0][0]["line"], 2);
}

#[test]
fn sarif_has_what_the_standard_asks_for() {
    let stage = Stage::new(&[("my app/compose.yaml", SHOP)]);
    let output = stage.run(&["-f", "my app/compose.yaml", "check", "--format", "sarif"]);
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().contains("sarif"));
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "landfall");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for field in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[field]["text"].as_str().is_some_and(|t| !t.is_empty()), "{rule}");
        }
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["error", "warning", "note"].contains(&level));
    }
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "my%20app/compose.yaml");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        assert!(place["region"]["startColumn"].as_u64() >= Some(1));
    }
}

#[test]
fn an_engine_is_asked_only_on_request() {
    let stage = Stage::new(&[("compose.yaml", CLEAN)]).env("DOCKER_HOST", "unix:///nowhere.sock");
    assert_eq!(code(&stage, &["check"]), 0);
    same_as_transcript("check-no-engine", &stage.transcript(&["check", "--engine"]));
}

/// An engine with one image, one volume and one container, as 20.10 would tell.
fn engine(stage: &Stage, volume: &std::path::Path) {
    let running = json!([{
        "Names": ["/shop-web-1"], "Image": "sha256:old", "ImageID": "sha256:old",
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 9, "Type": "tcp"}],
    }]);
    let image = json!({"Id": "sha256:new", "Size": 1000, "Config": {"User": "4242"}});
    let there = json!({
        "Name": "shop_data", "Driver": "local", "Mountpoint": volume, "Labels": {}, "Options": {},
        "Scope": "local",
    });
    let none = json!({"message": "no such image"});
    let version = json!({"Version": "20.10.24", "ApiVersion": "1.41"});
    Answers::default()
        .json("GET /version", 200, &version)
        .json("GET /v1.41/version", 200, &version)
        .json("GET /v1.41/info", 200, &json!({"DockerRootDir": volume}))
        .json("GET /v1.41/images/shop:1.4/json", 200, &image)
        .json("GET /v1.41/images/worker:1.4/json", 404, &none)
        .json("GET /v1.41/volumes/shop_data", 200, &there)
        .json("GET /v1.41/networks", 200, &json!([{"Name": "bridge", "Id": "1"}]))
        .json("GET /v1.41/containers/json?all=false&size=false", 200, &running)
        .serve(&stage.path("docker.sock"));
}

#[test]
fn a_live_engine_tells_what_files_cannot() {
    let files = "name: shop\nservices:\n  web:\n    image: shop:1.4\n    \
                 volumes: [\"data:/data\"]\n  worker:\n    image: worker:1.4\n    \
                 networks: [infra]\nvolumes: {data: {}}\nnetworks: {infra: {external: true}}\n";
    let stage = Stage::new(&[("compose.yaml", files), ("volume/x", "")]);
    let socket = format!("unix://{}", stage.path("docker.sock").display());
    let stage = stage.env("DOCKER_HOST", &socket);
    engine(&stage, &stage.path("volume"));
    let output = stage.run(&["check", "--engine", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["error"].is_null(), "{report:#}");
    let found = report["findings"].as_array().unwrap();
    let rules: Vec<&str> = found.iter().filter_map(|f| f["rule"].as_str()).collect();
    for rule in ["volume-owner", "stale-image", "external-missing"] {
        assert!(rules.contains(&rule), "{rule}: {rules:?}");
    }
    let without = stage.run(&["check", "--format", "json"]).stdout;
    assert!(!String::from_utf8(without).unwrap().contains("stale-image"));
}
