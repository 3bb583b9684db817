//! `include`, `extends`, several documents and the tags that steer merging.

use serde_json::json;

use super::support::App;

#[test]
fn an_included_app_keeps_its_folder_and_its_variables() {
    let app = App::new(&[
        (
            "compose.yaml",
            "include: [{path: [sub/compose.yaml, sub/over.yaml]}]\nservices: {web: {image: 'i:$ONE', depends_on: [db]}}\n",
        ),
        (".env", "ONE=outer\n"),
        (
            "sub/compose.yaml",
            "services: {db: {image: 'i:$ONE-$TWO', volumes: ['./data:/d', 'v:/e', 'vol:/f'], env_file: a.env}}\nvolumes: {vol: }\n",
        ),
        ("sub/over.yaml", "services: {db: {hostname: h}}\n"),
        ("sub/.env", "ONE=inner\nTWO=inner\n"),
        ("sub/a.env", "A=1\n"),
    ]);
    let sub = app.path("sub/data");
    let config = app.config();
    let db = &config["services"]["db"];
    assert_eq!(db["image"], "i:outer-inner");
    assert_eq!(db["hostname"], "h");
    assert_eq!(db["environment"], json!({"A": "1"}));
    assert_eq!(db["volumes"][0]["source"], sub.to_str().unwrap());
    assert_eq!(config["volumes"]["vol"]["name"], "app_vol");
    assert_eq!(config["services"]["web"]["image"], "i:outer");
}

#[test]
fn an_include_may_name_its_folder_and_its_environment() {
    let app = App::new(&[
        (
            "compose.yaml",
            "include: [{path: a/b.yaml, project_directory: c, env_file: [one.env, /dev/null]}]\n",
        ),
        ("a/b.yaml", "services: {db: {image: 'i:$T', build: ./x, environment: [T]}}\n"),
        ("c/.env", "T=no\n"),
        ("one.env", "T=yes\n"),
    ]);
    let config = app.config();
    let db = &config["services"]["db"];
    assert_eq!(
        (db["image"].as_str(), db["environment"]["T"].as_str()),
        (Some("i:yes"), Some("yes"))
    );
    assert_eq!(db["build"]["context"], app.path("c/x").to_str().unwrap());
}

#[test]
fn what_is_included_twice_is_one_and_what_differs_is_merged() {
    let app = App::new(&[
        ("compose.yaml", "include: [a.yaml, b.yaml]\nservices: {db: {hostname: mine}}\n"),
        ("a.yaml", "include: [db.yaml]\nservices: {a: {image: i}}\n"),
        ("b.yaml", "include: [db.yaml]\nservices: {b: {image: i}}\n"),
        ("db.yaml", "services: {db: {image: i, hostname: theirs}}\n"),
    ]);
    let config = app.config();
    assert_eq!(config["services"].as_object().unwrap().len(), 3);
    assert_eq!(config["services"]["db"]["hostname"], "mine");
}

#[test]
fn circles_and_what_is_far_away_are_refused() {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("compose.yaml", "include: [b.yaml]"), ("b.yaml", "include: [compose.yaml]")], "LF0402"),
        (&[("compose.yaml", "include: [compose.yaml]")], "LF0402"),
        (&[("compose.yaml", "include: ['https://example.com/x.git']")], "LF0501"),
        (&[("compose.yaml", "include: ['oci://example.com/x']")], "LF0501"),
        (&[("compose.yaml", "include: [gone.yaml]")], "LF0101"),
        (&[("compose.yaml", "services: {a: {extends: b}, b: {extends: a}}")], "LF0402"),
    ];
    for (files, code) in cases {
        let codes = App::new(files).refused();
        assert!(codes.iter().any(|found| found == code), "{files:?}: {codes:?}");
    }
}

#[test]
fn services_extend_others_of_any_file() {
    let app = App::new(&[
        (
            "compose.yaml",
            "include: [inc.yaml]\nservices:\n  web: {extends: {file: base/b.yaml, service: base}, ports: ['2:2'], environment: {B: own}}\n  more: {extends: inc, hostname: h}\n",
        ),
        ("inc.yaml", "services: {inc: {image: included}}\n"),
        (
            "base/b.yaml",
            "services:\n  base: {extends: deep, build: ., env_file: b.env, volumes: ['./v:/v']}\n  deep: {image: deep, ports: ['1:1'], environment: [A=1, B=1]}\n",
        ),
        ("base/b.env", "C=file\n"),
    ]);
    let config = app.config();
    let web = &config["services"]["web"];
    assert_eq!(web["image"], "deep");
    assert_eq!(web["environment"], json!({"A": "1", "B": "own", "C": "file"}));
    assert_eq!(web["ports"].as_array().unwrap().len(), 2);
    assert_eq!(web["build"]["context"], app.path("base").to_str().unwrap());
    assert_eq!(web["volumes"][0]["source"], app.path("base/v").to_str().unwrap());
    assert_eq!(config["services"]["more"]["image"], "included");
}

#[test]
fn tags_take_back_and_replace() {
    let base = "services: {web: {image: i, ports: ['80:80'], environment: {A: 1, B: 1}, cap_add: [X], command: a, labels: {l: 1}}}\n";
    let over = "x-none: &none {ports: !reset [], cap_add: !override [Y]}
services: {web: {<<: *none, environment: {A: !reset null}, command: !reset null, labels: !override {m: 2}}}\n";
    let app = App::new(&[("a.yaml", base), ("b.yaml", over)]).file("a.yaml").file("b.yaml");
    let web = app.config()["services"]["web"].clone();
    assert_eq!((web.get("ports"), &web["command"]), (None, &json!(null)));
    assert_eq!((&web["environment"], &web["cap_add"]), (&json!({"B": "1"}), &json!(["Y"])));
    assert_eq!(web["labels"], json!({"m": "2"}));
    let app = App::new(&[("compose.yaml", &format!("{base}---\n{over}"))]);
    assert_eq!(app.config()["services"]["web"], web);
}

#[test]
fn each_key_merges_by_its_own_rule() {
    let base = "services: {web: {image: i, command: a, healthcheck: {test: x, interval: 1s}, logging: {driver: d, options: {a: 1}}, extra_hosts: ['a:1.1.1.1'], depends_on: [x], ulimits: {n: 5}, volumes: ['one:/d'], dns: 1.1.1.1}, x: {image: i}}
volumes: {one: , two: }
networks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, gateway: 10.0.0.1}]}}}\n";
    let over = "services: {web: {command: [b], healthcheck: {test: [CMD, y]}, logging: {driver: e, options: {b: 2}}, extra_hosts: ['a:1.1.1.1', 'b:2.2.2.2'], depends_on: {x: {condition: service_healthy}}, ulimits: {n: {soft: 1, hard: 2}}, volumes: ['two:/d/'], dns: [1.1.1.1, 8.8.8.8], networks: [n]}}
networks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, ip_range: 10.1.0.0/16}, {subnet: 11.0.0.0/8}]}}}\n";
    let app = App::new(&[("a.yaml", base), ("b.yaml", over)]).file("a.yaml").file("b.yaml");
    let config = app.config();
    let web = &config["services"]["web"];
    assert_eq!(web["command"], json!(["b"]));
    assert_eq!(web["healthcheck"], json!({"test": ["CMD", "y"], "interval": "1s"}));
    assert_eq!(web["logging"], json!({"driver": "e", "options": {"b": "2"}}));
    assert_eq!(web["extra_hosts"], json!(["a=1.1.1.1", "b=2.2.2.2"]));
    assert_eq!(web["depends_on"], json!({"x": {"condition": "service_healthy", "required": true}}));
    assert_eq!(web["ulimits"], json!({"n": {"soft": 1, "hard": 2}}));
    assert_eq!(
        (web["volumes"].as_array().unwrap().len(), &web["volumes"][0]["source"]),
        (1, &json!("two"))
    );
    assert_eq!(web["dns"], json!(["1.1.1.1", "8.8.8.8"]));
    let pools = json!([
        {"subnet": "10.0.0.0/8", "gateway": "10.0.0.1", "ip_range": "10.1.0.0/16"},
        {"subnet": "11.0.0.0/8"},
    ]);
    assert_eq!(config["networks"]["n"]["ipam"]["config"], pools);
}
