//! No finding ever shows what may be a secret.

use super::support::App;

const SECRET: &str = "hunter2";

fn never_shows(name: &str, app: &App) {
    let said = app.said();
    assert!(!said.is_empty(), "{name}: nothing was said");
    assert!(!said.contains(SECRET), "{name}:\n{said}");
}

#[test]
fn files_with_secrets_are_shown_without_them() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "a wrong type beside it",
            &[("compose.yaml", "services:\n  a: {image: [], environment: {PASSWORD: hunter2}}\n")],
        ),
        (
            "a list",
            &[(
                "compose.yaml",
                "services:\n  a: {environment: [\"PASSWORD=hunter2\"], imgae: x}\n",
            )],
        ),
        (
            "a surprising value",
            &[(
                "compose.yaml",
                "services:\n  a:\n    image: ''\n    environment: {hunter: 0x7, b: [hunter2]}\n",
            )],
        ),
        (
            "a shared anchor",
            &[(
                "compose.yaml",
                "x-env: &env {PASSWORD: hunter2, bad: [1]}\nservices:\n  a: {image: a, environment: *env}\n",
            )],
        ),
        (
            "no YAML",
            &[("compose.yaml", "services:\n  a:\n    environment:\n      PASSWORD: \"hunter2\n")],
        ),
        (
            "no YAML after it",
            &[("compose.yaml", "services:\n  a:\n    environment: [PASSWORD=hunter2, }\n")],
        ),
        (
            "a broken expression",
            &[(
                "compose.yaml",
                "services:\n  a:\n    image: a\n    environment:\n      A: hunter2 ${ x }\n",
            )],
        ),
        (
            "a variable file",
            &[
                ("compose.yaml", "services:\n  a: {image: a}\n"),
                (".env", "A=\"hunter2\" hunter2\nhunter B=hunter2\n"),
            ],
        ),
        (
            "an inline config",
            &[(
                "compose.yaml",
                "services:\n  a: {image: a}\nconfigs: {c: {content: hunter2, file: x}}\n",
            )],
        ),
        (
            "build arguments",
            &[("compose.yaml", "services:\n  a: {build: {args: {TOKEN: hunter2, B: []}}}\n")],
        ),
    ];
    for (name, files) in cases {
        never_shows(name, &App::new(files));
    }
}

#[test]
fn values_of_variables_are_not_shown() {
    let places = [
        "ports: ['${SECRET}:80']",
        "volumes: ['${SECRET}:/x']",
        "volumes: ['./x:${SECRET}']",
        "volumes: ['./x:/x:${SECRET}']",
        "cpus: ${SECRET}",
        "tty: ${SECRET}",
        "restart: ${SECRET}",
        "stop_grace_period: ${SECRET}",
        "mem_limit: ${SECRET}",
        "pull_policy: ${SECRET}",
        "network_mode: ${SECRET}",
        "tmpfs: '/x:${SECRET}'",
        "healthcheck: {test: ['${SECRET}']}",
        "command: \"${SECRET} 'x\"",
        "environment: {A: '${B:?${SECRET}}'}",
        "extra_hosts: ['${SECRET}']",
    ];
    for place in places {
        let text = format!("services:\n  a:\n    image: a\n    {place}\n");
        let app = App::new(&[("compose.yaml", &text)]).variable("SECRET", SECRET);
        if place.starts_with("volumes: ['${") {
            // A volume is told by its name, which no variable should give.
            continue;
        }
        never_shows(place, &app);
    }
}

#[test]
fn the_spec_prints_no_environment() {
    let text = "services:\n  a:\n    image: a\n    environment: {PASSWORD: hunter2}\n    \
                build: {dockerfile_inline: 'FROM x', args: {A: hunter2}}\n    configs: [c]\n\
                configs: {c: {content: hunter2}}\n";
    let project = App::new(&[("compose.yaml", text)]).load();
    let shown = format!("{:?} {:?}", project.spec, project.builds);
    assert!(!shown.contains(SECRET) && !shown.contains("aHVudGVyMg"), "{shown}");
}
