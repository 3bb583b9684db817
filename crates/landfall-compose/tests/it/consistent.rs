//! What is refused once everything is known, and what is known about variables.

use super::support::App;

#[test]
fn contradictions_are_refused() {
    let cases = [
        ("services: {a: {image: i, networks: [n]}}", "LF0401"),
        ("services: {a: {image: i, volumes: ['vol:/x']}}", "LF0401"),
        ("services: {a: {image: i, secrets: [s]}}", "LF0401"),
        ("services: {a: {image: i, configs: [c]}}", "LF0401"),
        ("services: {a: {image: i, depends_on: [b]}}", "LF0401"),
        ("services: {a: {image: i, network_mode: 'service:b'}}", "LF0401"),
        ("services: {a: {image: i, depends_on: [b]}, b: {image: i, profiles: [p]}}", "LF0403"),
        ("services: {a: {image: i, depends_on: [b]}, b: {image: i, links: [a]}}", "LF0402"),
        ("services: {a: {hostname: h}}", "LF0306"),
        (
            "services: {a: {image: i, container_name: same}, b: {image: i, container_name: same}}",
            "LF0305",
        ),
        ("services: {a: {image: i, container_name: name, scale: 2}}", "LF0305"),
        ("services: {a: {image: i, scale: 2, deploy: {replicas: 3}}}", "LF0305"),
        ("services: {a: {image: i, network_mode: host, networks: [default]}}", "LF0305"),
        ("services: {a: {image: i, volumes: [/x], tmpfs: /x}}", "LF0305"),
        ("services: {a: {image: i}}\nvolumes: {v: {external: true, driver: d}}", "LF0305"),
        ("services: {a: {image: i}}\nsecrets: {s: {file: a, environment: B}}", "LF0305"),
        (
            "services: {a: {build: {context: ., dockerfile: D, dockerfile_inline: FROM x}}}",
            "LF0305",
        ),
    ];
    for (text, code) in cases {
        let codes = App::new(&[("compose.yaml", text)]).refused();
        assert!(codes.iter().any(|found| found == code), "{text}: {codes:?}");
    }
    let optional = "services: {a: {image: i, depends_on: {b: {condition: service_started, required: false}}}, b: {image: i, profiles: [p]}}";
    assert!(App::new(&[("compose.yaml", optional)]).refused().is_empty());
}

#[test]
fn every_use_of_a_variable_is_known_with_its_place() {
    let text = "x-a: &a {image: 'i:$SET'}\nservices:\n  a: *a\n  b: {<<: *a, hostname: '${UNSET:-${INNER-x}}', user: $PLAIN}\n";
    let app = App::new(&[("compose.yaml", text)]).variable("SET", "1");
    let model = app.read();
    let uses: Vec<(String, u32, bool, bool)> = model
        .variables()
        .iter()
        .map(|one| (one.name.clone(), one.at.line, one.is_set, one.has_operator))
        .collect();
    let expected = [
        ("SET", 1, true, false),
        ("UNSET", 4, false, true),
        ("INNER", 4, false, true),
        ("PLAIN", 4, false, false),
    ];
    let expected: Vec<_> = expected.map(|(n, l, s, o)| (n.to_owned(), l, s, o)).into();
    assert_eq!(uses, expected);
}

#[test]
fn variables_of_compose_itself_count() {
    let service = |image: &str| {
        format!("services: {{web: {{image: {image}}}, side: {{image: i, profiles: [p]}}}}\n")
    };
    let (one, two) = (service("one"), service("two"));
    let files = [
        ("one.yaml", one.as_str()),
        ("two.yaml", two.as_str()),
        ("x.env", "TAG=x"),
        (".env", "TAG=dot"),
    ];
    let config = App::new(&files)
        .variable("COMPOSE_FILE", "one.yaml,two.yaml")
        .variable("COMPOSE_PATH_SEPARATOR", ",")
        .variable("COMPOSE_PROFILES", "q, p")
        .config();
    assert_eq!(config["services"]["web"]["image"], "two");
    assert!(config["services"].get("side").is_some());
    let tagged = service("'i:${TAG:-none}-$COMPOSE_PROJECT_NAME'");
    let files = [("compose.yaml", tagged.as_str()), ("x.env", "TAG=x"), (".env", "TAG=dot")];
    let image = |app: App| app.config()["services"]["web"]["image"].as_str().unwrap().to_owned();
    assert_eq!(image(App::new(&files)), "i:dot-app");
    assert_eq!(image(App::new(&files).variable("COMPOSE_ENV_FILES", "x.env")), "i:x-app");
    assert_eq!(image(App::new(&files).variable("COMPOSE_DISABLE_ENV_FILE", "true")), "i:none-app");
}
