//! How services run, and what `x-landfall` sets.

use serde_json::json;

use super::support::App;

#[test]
fn workloads_are_told_from_the_file() {
    let cases = [
        ("image: nginx", "", "replicated"),
        ("image: postgres:16", "", "stateful"),
        ("image: postgres:16\n    x-landfall: {update: rolling}", "", "replicated"),
        ("image: me/app\n    x-landfall: {update: in-place}", "", "stateful"),
        ("image: me/app\n    x-landfall: {singleton: true}", "", "singleton"),
        ("image: me/app\n    x-landfall: {job: before-cutover}", "", "one_off"),
        (
            "image: me/app",
            "depends_on: {it: {condition: service_completed_successfully}}",
            "one_off",
        ),
        (
            "image: redis",
            "depends_on: {it: {condition: service_completed_successfully}}",
            "one_off",
        ),
        ("image: me/app\n    restart: 'no'", "depends_on: [it]", "one_off"),
        ("image: me/app\n    restart: 'no'", "", "replicated"),
        ("image: me/app\n    restart: no\n    expose: [80]", "depends_on: [it]", "replicated"),
        (
            "image: me/app\n    restart: 'no'",
            "depends_on: {it: {condition: service_healthy}}",
            "replicated",
        ),
        ("image: redis\n    restart: 'no'", "depends_on: [it]", "stateful"),
    ];
    for (service, other, expected) in cases {
        let text =
            format!("services:\n  it:\n    {service}\n  other:\n    image: a\n    {other}\n");
        let spec = App::new(&[("compose.yaml", &text)]).spec();
        assert_eq!(spec["services"]["it"]["workload"], expected, "{service} / {other}");
    }
}

#[test]
fn settings_have_defaults_and_are_read() {
    let text = "x-landfall: {drain: 1m, deadline: 10m, keep: 3}\nservices:\n  web:\n    image: a\n    \
                x-landfall:\n      health: {path: /up, port: 8000, successes: 3, timeout: 5s, \
                stay_up: 500ms}\n      routes:\n        - {listen: 80, host: Shop.example, port: 8000}\n        \
                - {listen: '127.0.0.1:81', path: /api, port: 9000}\n  plain: {image: b}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    assert_eq!(
        spec["settings"],
        json!({"drain_ms": 60_000, "progress_deadline_ms": 600_000, "keep": 3})
    );
    let web = &spec["services"]["web"];
    assert_eq!(
        web["health"],
        json!({"path": "/up", "port": 8000, "successes": 3, "timeout_ms": 5000, "stay_up_ms": 500})
    );
    assert_eq!(
        web["routes"],
        json!([
            {"listen": "0.0.0.0:80", "host": "shop.example", "path": "/", "port": 8000},
            {"listen": "127.0.0.1:81", "host": null, "path": "/api", "port": 9000},
        ])
    );
    assert_eq!(spec["services"]["plain"]["health"]["successes"], 2);
}

#[test]
fn a_release_volume_is_told() {
    let text = "services:\n  web: {image: a, volumes: ['static:/static']}\nvolumes:\n  static: \
                {x-landfall: {scope: release}}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    assert_eq!(spec["volumes"]["static"]["scope"], "release");
}

#[test]
fn profiles_choose_services() {
    let text = "services:\n  web: {image: a}\n  debug:\n    image: b\n    profiles: [dev]\n    \
                provider: {type: x}\n  tools: {image: c, profiles: [ops, dev]}\n";
    let names =
        |app: App| app.load().spec.services.keys().map(ToString::to_string).collect::<Vec<_>>();
    let app = || App::new(&[("compose.yaml", text)]);
    assert_eq!(names(app()), ["web"]);
    assert_eq!(names(app().profile("ops")), ["tools", "web"]);
    assert_eq!(names(app().variable("COMPOSE_PROFILES", "x,ops")), ["tools", "web"]);
    // What is enabled must be deployable.
    assert_eq!(app().profile("*").codes(), ["LF0501!"]);
}
