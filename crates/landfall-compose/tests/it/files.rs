//! Which files are read, how they are merged, and what is sealed.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use super::support::App;

const PLAIN: &str = "services:\n  web: {image: a}\n";

#[test]
fn files_are_found_as_compose_finds_them() {
    let image = |app: &App| app.spec()["services"]["web"]["image"].clone();
    let with = |name: &str| format!("services:\n  web: {{image: {name}}}\n");
    let (one, two, over) = (with("one"), with("two"), with("over"));
    let app = App::new(&[("docker-compose.yml", &two), ("compose.yaml", &one)]);
    assert_eq!(image(&app), "one");
    let app = App::new(&[("docker-compose.yml", &two), ("docker-compose.override.yml", &over)]);
    assert_eq!(image(&app), "over");
    let mut app = App::new(&[("compose.yaml", &one), ("a/b/x", "")]);
    app.options.directory = app.path("a/b");
    assert_eq!(image(&app), "one");
    let app = App::new(&[("compose.yaml", &one), ("x/other.yaml", &two)]);
    assert_eq!(image(&app.variable("COMPOSE_FILE", "compose.yaml:x/other.yaml")), "two");
    let app =
        App::new(&[("compose.yaml", &one), ("x.yaml", &two), (".env", "COMPOSE_FILE=x.yaml")]);
    assert_eq!(image(&app), "two");
    let app = App::new(&[("compose.yaml", &one), ("x.yaml", &two)]).file("x.yaml");
    assert_eq!(image(&app), "two");
}

#[test]
fn names_come_from_where_compose_takes_them() {
    let name = |app: App| app.load().spec.name.to_string();
    let named = format!("name: ${{N:-written}}\n{PLAIN}");
    let app = |file: &str| {
        let mut app = App::new(&[("My.Shop_1/compose.yaml", file)]).file("My.Shop_1/compose.yaml");
        app.options.project_name = None;
        app
    };
    assert_eq!(name(app(PLAIN)), "myshop_1");
    assert_eq!(name(app(&named)), "written");
    assert_eq!(name(app(&named).variable("COMPOSE_PROJECT_NAME", "var")), "var");
    let mut given = app(&named).variable("COMPOSE_PROJECT_NAME", "var");
    given.options.project_name = Some("given".to_owned());
    assert_eq!(name(given), "given");
}

#[test]
fn variables_come_from_the_shell_first() {
    let text = "services:\n  web:\n    image: ${A}-${B}-${C:-c}\n    env_file: [one.env, {path: no.env, \
                required: false}, {path: raw.env, format: raw}]\n    environment: {OWN: own, B: }\n";
    let files = [
        ("compose.yaml", text),
        (".env", "A=file\nB=file\n"),
        ("one.env", "OWN=file\nONE=${A}\nTWO='$A'\n"),
        ("raw.env", "RAW=\"$A\"\n"),
    ];
    let app = App::new(&files).variable("A", "shell");
    let spec = app.spec();
    let web = &spec["services"]["web"];
    assert_eq!(web["image"], "shell-file-c");
    assert_eq!(
        web["container"]["environment"],
        json!({"B": "file", "ONE": "shell", "OWN": "own", "RAW": "\"$A\"", "TWO": "$A"})
    );
    let mut app =
        App::new(&[("compose.yaml", "services:\n  web: {image: '${A}'}\n"), ("e", "A=e")]);
    app.options.env_files.push("e".into());
    assert_eq!(app.spec()["services"]["web"]["image"], "e");
}

#[test]
fn a_name_without_a_value_counts_even_over_a_file() {
    let text = "services: {web: {image: a, env_file: e, environment: [GONE, SHELL]}}";
    let app = App::new(&[("compose.yaml", text), ("e", "GONE=file\nSHELL=file\nKEPT=file\n")]);
    let project = app.variable("SHELL", "shell").load();
    let spec = project.spec.services.values().next().unwrap();
    let environment: Vec<_> = spec.container.environment.iter().collect();
    let shown: Vec<_> =
        environment.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
    assert_eq!(shown, [("KEPT", "file"), ("SHELL", "shell")]);
}

#[test]
fn later_files_go_over_earlier_ones() {
    let base = "services:\n  web:\n    image: a\n    command: [a]\n    ports: ['80:80']\n    \
                environment: {A: 1, B: 2}\n    volumes: ['./x:/data', './y:/y']\n    dns: [1.1.1.1]\n    \
                labels: [a=1]\n    healthcheck: {test: [CMD, a], interval: 1s}\n  gone: {image: x}\n";
    let over = "services:\n  web:\n    command: [b]\n    ports: ['81:81']\n    environment: [B=3, C=4]\n    \
                volumes: ['./z:/data']\n    dns: 1.1.1.1\n    labels: !reset {}\n    \
                healthcheck: {test: [CMD, b]}\n  gone: !reset null\n";
    let app = App::new(&[("a.yaml", base), ("b.yaml", over)]).file("a.yaml").file("b.yaml");
    let spec = app.spec();
    assert!(spec["services"].get("gone").is_none());
    let web = &spec["services"]["web"];
    assert_eq!(web["image"], "a");
    assert_eq!(web["ports"].as_array().unwrap().len(), 2);
    let container = &web["container"];
    assert_eq!(container["command"], json!(["b"]));
    assert_eq!(container["environment"], json!({"A": "1", "B": "3", "C": "4"}));
    assert_eq!(container["dns"], json!(["1.1.1.1"]));
    assert_eq!(container["labels"], json!({}));
    assert_eq!(container["healthcheck"]["test"], json!({"command": ["b"]}));
    assert_eq!(container["healthcheck"]["interval_ms"], 1000);
    let sources: Vec<&str> = container["mounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| mount["kind"]["source"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(sources, ["z", "y"]);

    let replaced = "services:\n  web: {ports: !override ['82:82']}\n";
    let app = App::new(&[("a.yaml", base), ("b.yaml", replaced)]).file("a.yaml").file("b.yaml");
    assert_eq!(app.spec()["services"]["web"]["ports"][0]["published"], 82);
}

#[test]
fn services_extend_services() {
    let files = [
        (
            "compose.yaml",
            "services:\n  web:\n    extends: {service: base}\n    environment: {B: own}\n  base:\n    \
             extends: {file: common/base.yaml, service: root}\n    image: base\n",
        ),
        (
            "common/base.yaml",
            "services:\n  root:\n    image: root\n    environment: {A: root, B: root}\n    \
             env_file: root.env\n    volumes: ['./conf:/conf:ro']\n",
        ),
        ("common/root.env", "C=file\n"),
        ("common/conf/x", "x"),
    ];
    let spec = App::new(&files).spec();
    let web = &spec["services"]["web"];
    assert_eq!(web["image"], "base");
    assert_eq!(web["container"]["environment"], json!({"A": "root", "B": "own", "C": "file"}));
    assert_eq!(web["container"]["mounts"][0]["kind"]["type"], "sealed");
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let text = "x-base: &base\n  image: a\n  environment: &env {A: 1}\nservices:\n  web:\n    <<: *base\n    \
                environment: {<<: *env, B: 2}\n  api: {<<: [*base, {command: [x]}], image: b}\n";
    let spec = App::new(&[("compose.yaml", text)]).spec();
    assert_eq!(spec["services"]["web"]["container"]["environment"], json!({"A": "1", "B": "2"}));
    assert_eq!(spec["services"]["api"]["image"], "b");
    assert_eq!(spec["services"]["api"]["container"]["command"], json!(["x"]));
}

#[test]
fn read_only_content_is_sealed_and_data_is_not() {
    let text = "services:\n  web:\n    image: a\n    volumes:\n      - ./conf:/etc/conf:ro\n      \
                - ./one.txt:/one:ro\n      - ./data:/data\n      - /etc/localtime:/etc/localtime:ro\n      \
                - {type: bind, source: ./conf, target: /again, read_only: true}\n    configs: [app, \
                {source: app, target: /etc/app, mode: 0440, uid: '5'}]\n    secrets: [token, {source: \
                pass, target: db_pass}]\nconfigs: {app: {content: 'port=${PORT}'}}\nsecrets:\n  token: \
                {environment: TOKEN}\n  pass: {file: ./pass.txt}\n";
    let files = [
        ("compose.yaml", text),
        ("conf/a.conf", "a"),
        ("conf/sub/b.sh", "b"),
        ("one.txt", "1"),
        ("pass.txt", "p"),
    ];
    let app = App::new(&files).variable("PORT", "80").variable("TOKEN", "t");
    let script = app.path("conf/sub/b.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("a.conf", app.path("conf/link.conf")).unwrap();
    let spec = app.spec();
    let mounts = spec["services"]["web"]["container"]["mounts"].as_array().unwrap();
    let shown: Vec<String> = mounts
        .iter()
        .map(|mount| {
            let kind = &mount["kind"];
            let what = kind["tree"].as_str().or(kind["source"].as_str()).unwrap();
            let root = app.path("").to_string_lossy().into_owned();
            format!(
                "{} {} {}",
                mount["target"].as_str().unwrap(),
                kind["type"],
                what.replace(&root, "./")
            )
        })
        .collect();
    let expected = [
        "/etc/conf \"sealed\" bind-conf",
        "/one \"sealed\" bind-one.txt",
        "/data \"bind\" ./data",
        "/etc/localtime \"bind\" /etc/localtime",
        "/again \"sealed\" bind-conf",
        "/app \"sealed\" config-app",
        "/etc/app \"sealed\" config-app-2",
        "/run/secrets/token \"sealed\" secret-token",
        "/run/secrets/db_pass \"sealed\" secret-pass",
    ];
    assert_eq!(shown, expected);
    let conf = &spec["files"]["bind-conf"];
    assert_eq!(conf["kind"], "folder");
    let names: Vec<&String> = conf["entries"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["a.conf", "link.conf", "sub/b.sh"]);
    assert_eq!(conf["entries"]["sub/b.sh"]["mode"], 0o755);
    assert_eq!(spec["files"]["config-app"]["entries"][""]["content"], "cG9ydD04MA==");
    assert_eq!(spec["files"]["config-app-2"]["entries"][""]["mode"], 0o440);
    assert_eq!(spec["files"]["config-app-2"]["entries"][""]["uid"], 5);
    assert_eq!(spec["files"]["secret-token"]["entries"][""]["mode"], 0o444);
}

#[test]
fn what_cannot_be_sealed_is_refused() {
    let text = "services:\n  web: {image: a, volumes: ['./conf:/conf:ro']}\n";
    let with = |prepare: &dyn Fn(&App)| {
        let app = App::new(&[("compose.yaml", text), ("conf/a", "a")]);
        prepare(&app);
        app
    };
    let app = with(&|app| symlink("/etc/hostname", app.path("conf/out")).unwrap());
    assert_eq!(app.codes(), ["LF0603!"]);
    assert!(app.said().contains("leads out of the folder"));
    let app = with(&|app| symlink("nowhere", app.path("conf/dead")).unwrap());
    assert!(app.said().contains("leads nowhere"));
    let app = with(&|app| symlink(".", app.path("conf/round")).unwrap());
    assert_eq!(app.codes().len(), 1);
    let app = with(&|app| {
        std::os::unix::net::UnixListener::bind(app.path("conf/s")).unwrap();
    });
    assert!(app.said().contains("neither a file nor a folder"));
    let app = with(&|app| app.write("conf/big", &vec![0; 17 * 1024 * 1024]));
    assert_eq!(app.codes(), ["LF0602!"]);
    let app = with(&|app| (0..4_000).for_each(|n| app.write(&format!("conf/{n}"), b"")));
    assert_eq!(app.codes(), ["LF0602!"]);
}

#[test]
fn a_socket_stays_a_bind() {
    let text = "services:\n  web: {image: a, volumes: ['./run.sock:/run.sock:ro']}\n";
    let app = App::new(&[("compose.yaml", text)]);
    let _listener = std::os::unix::net::UnixListener::bind(app.path("run.sock")).unwrap();
    let kind = &app.spec()["services"]["web"]["container"]["mounts"][0]["kind"];
    assert_eq!(kind["type"], "bind");
    assert_eq!(kind["source"], app.path("run.sock").to_string_lossy().as_ref());
}

#[test]
fn the_examples_load_without_a_word() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for example in std::fs::read_dir(examples.canonicalize().unwrap()).unwrap() {
        let directory = example.unwrap().path();
        if !directory.join("compose.yaml").is_file() {
            continue;
        }
        let mut app = App::new(&[]);
        app.options.directory = directory;
        app.options.project_name = None;
        assert_eq!(app.said(), "");
    }
}

#[test]
fn on_another_host_a_path_of_this_one_is_refused_where_it_is_written() {
    let text = "services:\n  web:\n    image: a\n    volumes:\n      - ./data:/data\n      \
                - ~/cache:/cache\n      - ./page:/page:ro\n      - /srv/data:/srv\n      - named:/n\n\
                volumes: {named: {}}\n";
    let mut app = App::new(&[("compose.yaml", text), ("page/index.html", "hello")]);
    let app = {
        app = app.variable("HOME", "/home/ann");
        app.load();
        app.options.is_for_another_host = true;
        app
    };
    let failed = landfall_compose::load(&app.options).unwrap_err();
    let found: Vec<_> = failed
        .diagnostics
        .iter()
        .map(|d| (d.code.as_str(), d.at.as_ref().unwrap().line, d.message.as_str()))
        .collect();
    let expected = [
        ("LF0601", 5, "`./data` starts at a folder of this machine, and the app runs on another"),
        ("LF0601", 6, "`~/cache` starts at a folder of this machine, and the app runs on another"),
    ];
    assert_eq!(found, expected);
}
