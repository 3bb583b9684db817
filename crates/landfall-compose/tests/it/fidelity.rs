//! What becomes of each key that a file uses.

use landfall_compose::{Fidelity, Owner, Verdict, fidelity, read, support_markdown};

use super::support::App;

fn of(text: &str) -> Vec<Fidelity> {
    let app = App::new(&[("compose.yaml", text)]);
    let model = read(&app.options).unwrap_or_else(|failed| panic!("{:?}", failed.diagnostics));
    fidelity(&model)
}

/// One line a key: owner, key, verdict, place.
fn lines(found: &[Fidelity]) -> Vec<String> {
    let one = |key: &Fidelity| {
        let owner = match &key.owner {
            Owner::App => "app",
            Owner::Service(name)
            | Owner::Network(name)
            | Owner::Volume(name)
            | Owner::Config(name)
            | Owner::Secret(name)
            | Owner::Model(name) => name,
        };
        format!("{owner} {}: {} {}:{}", key.key, key.verdict.words(), key.at.line, key.at.column)
    };
    found.iter().map(one).collect()
}

#[test]
fn every_key_that_is_used_is_judged_at_its_place() {
    let found = of(
        "version: '3'\nservices:\n  web:\n    image: a\n    ports: ['80:80']\n    deploy:\n      \
         replicas: 2\n      update_config: {order: start-first}\n    attach: false\n    \
         pre_start: [{command: x}]\nvolumes:\n  data: {driver: local}\n",
    );
    assert_eq!(
        lines(&found),
        [
            "app version: not honoured: ignored 1:1",
            "web image: honoured differently 4:5",
            "web ports: honoured differently 5:5",
            "web deploy: honoured 6:5",
            "web deploy.update_config: not honoured: ignored 8:7",
            "web attach: not honoured: ignored 9:5",
            "web pre_start: not honoured: refused 10:5",
            "data driver: honoured 12:10",
        ]
    );
    for key in &found {
        assert_eq!(key.explanation.is_none(), key.verdict == Verdict::Honoured, "{key:?}");
        assert!(!key.meaning.is_empty());
    }
}

#[test]
fn a_value_may_have_a_verdict_of_its_own() {
    let policy = |value: &str| {
        let found = of(&format!(
            "services:\n  web:\n    image: a\n    volumes:\n      - {{type: {value}, source: d, target: /t}}\n\
             volumes: {{d: {{}}}}\n"
        ));
        found.into_iter().find(|key| key.key == "volumes.type").map(|key| key.verdict)
    };
    // It is honoured as `volumes` is, so there is nothing more to say.
    assert_eq!(policy("volume"), None);
    assert_eq!(policy("cluster"), Some(Verdict::Refused));
}

#[test]
fn what_compose_adds_by_itself_is_not_listed() {
    let found = of("services:\n  web: {image: a}\n");
    assert_eq!(lines(&found), ["web image: honoured differently 2:9"]);
}

#[test]
fn services_that_are_not_enabled_are_not_listed() {
    let text =
        "services:\n  web: {image: a}\n  mail: {image: b, isolation: x, profiles: [debug]}\n";
    assert_eq!(lines(&of(text)), ["web image: honoured differently 2:9"]);
}

#[test]
fn extensions_are_not_listed() {
    let found = of(
        "x-a: {image: b}\nservices:\n  web: {image: a, x-b: {ports: 1}, x-landfall: {singleton: true}}\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn the_report_is_data_for_programs() {
    let found = of("services:\n  web: {image: a}\n");
    let json = serde_json::to_value(&found[0]).unwrap();
    assert_eq!(json["owner"], serde_json::json!({"kind": "service", "name": "web"}));
    assert_eq!(json["verdict"], "honoured_differently");
    assert_eq!(json["at"]["line"], 2);
}

#[test]
fn the_page_has_a_line_for_every_key_and_no_machine_in_it() {
    let page = support_markdown();
    for key in ["`deploy.update_config.order`", "`depends_on.NAME.condition`", "`ports[].target`"] {
        assert!(page.contains(key), "{key}");
    }
    assert!(page.lines().filter(|line| line.starts_with("| `")).count() > 340);
}
