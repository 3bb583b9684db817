//! Broken files: what is said about each, word for word.

use super::support::{App, check_transcript};

/// A name, and the files of a project that must not load.
pub(super) type Broken = (&'static str, &'static [(&'static str, &'static str)]);

const BROKEN: &[Broken] = &[
    ("no_file", &[("readme.txt", "")]),
    ("empty_file", &[("compose.yaml", "# nothing\n")]),
    ("no_mapping", &[("compose.yaml", "- services\n")]),
    ("malformed_yaml", &[("compose.yaml", "services:\n  web:\n    image: [nginx\n    ports: x\n")]),
    ("tab_indentation", &[("compose.yaml", "services:\n\tweb:\n\t\timage: nginx\n")]),
    (
        "duplicate_key",
        &[("compose.yaml", "services:\n  web:\n    image: a\n    image: b\n  web: {image: c}\n")],
    ),
    ("old_format", &[("docker-compose.yml", "web:\n  image: nginx\n  ports: ['80:80']\n")]),
    (
        "unknown_keys",
        &[(
            "compose.yaml",
            "servces: {}\nservices:\n  web:\n    imgae: nginx\n    enviroment: {A: 1}\n    \
             healthcheck:\n      test: [CMD, x]\n      intervall: 5s\n    frobnicate: true\n",
        )],
    ),
    (
        "wrong_types",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: 1.10\n    ports: '80:80'\n    command: [run, 8080]\n    \
             tty: maybe\n    environment: {DAY: 2024-01-01}\n    labels: [[a]]\n    \
             stop_grace_period: 10\n",
        )],
    ),
    (
        "unknown_service",
        &[("compose.yaml", "services:\n  web: {image: a, depends_on: [bd]}\n  db: {image: b}\n")],
    ),
    (
        "missing_variable",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: nginx:${TAG:?set the tag}\n    environment:\n      \
             PASSWORD: ${PASSWORD?}\n    command: run ${ broken }\n",
        )],
    ),
    (
        "undefined_things",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    networks: [bakc]\n    volumes: ['dta:/data', \
             'conf:/conf']\n    configs: [app]\n    secrets: [pasword]\nnetworks: {back: {}}\n\
             volumes: {data: {}}\nsecrets: {password: {environment: HOME}}\n",
        )],
    ),
    (
        "dependency_cycle",
        &[(
            "compose.yaml",
            "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [c]}\n  \
             c: {image: c, depends_on: [a]}\n",
        )],
    ),
    ("no_image", &[("compose.yaml", "services:\n  web:\n    ports: ['80:80']\n")]),
    (
        "inactive_profile",
        &[(
            "compose.yaml",
            "services:\n  web: {image: a, depends_on: [mail]}\n  mail:\n    image: b\n    \
             profiles: [debug]\n",
        )],
    ),
    (
        "port_taken_twice",
        &[(
            "compose.yaml",
            "services:\n  web: {image: a, ports: ['80:8000']}\n  api:\n    image: b\n    ports:\n      \
             - target: 9000\n        published: 80\n        host_ip: 127.0.0.1\n",
        )],
    ),
    (
        "ports_that_cannot_be_shared",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    ports: ['53:53/udp', '80', '8000-8010:90']\n",
        )],
    ),
    (
        "bad_ports",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    ports: ['80:http', '99999', 'x:80:80', \
             '80-81:90-95', {published: 80}]\n",
        )],
    ),
    (
        "bad_volumes",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    volumes:\n      - v:/data\n      - data:relative\n      \
             - ./a:/b:bogus\n      - ./missing:/etc/x:ro\n      - {type: bind, target: /x}\nvolumes: \
             {data: {}}\n",
        )],
    ),
    (
        "not_supported",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    network_mode: some-network\n    provider: {type: x}\n    \
             use_api_socket: true\n    volumes: [{type: cluster, source: x, target: /x}]\n    \
             secrets: [key]\n  app:\n    build: {context: ., secrets: [key], no_cache_filter: [a]}\n    \
             networks: [back, six]\nnetworks:\n  back: {driver: overlay}\n  six: {enable_ipv4: false}\n\
             secrets: {key: {external: true}}\n",
        )],
    ),
    (
        "namespaces_that_cannot_be_shared",
        &[(
            "compose.yaml",
            "services:\n  vpn: {image: vpn}\n  db: {image: postgres, network_mode: 'service:vpn'}\n  \
             job: {image: a, x-landfall: {job: before-cutover}}\n  tool: {image: a, pid: 'service:job'}\n  \
             peek: {image: a, ipc: 'service:vpn', hostname: h}\n  app:\n    image: a\n    hostname: h\n    \
             network_mode: 'service:vpn'\n  out: {image: a, network_mode: 'container:x y'}\n  \
             lost: {image: a, volumes_from: [nobody]}\n  other:\n    image: a\n    \
             network_mode: 'container:web'\n    ports: ['80:80']\n",
        )],
    ),
    (
        "fixed_addresses",
        &[(
            "compose.yaml",
            "services:\n  db:\n    image: postgres\n    networks: {default: {ipv4_address: 10.5.0.2}}\n  \
             web:\n    image: a\n    external_links: [other]\n    networks: {back: {ipv4_address: \
             10.5.0.3, mac_address: '02:42:ac:11:00:02'}}\n  bad:\n    image: a\n    networks: {back: \
             {ipv4_address: nine}}\nnetworks:\n  back: {ipam: {config: [{subnet: 10.5.0.0/24}, {gateway: \
             10.6.0.1}]}}\n",
        )],
    ),
    (
        "landfall_keys",
        &[(
            "compose.yaml",
            "x-landfall: {drian: 5s, keep: 0}\nservices:\n  web:\n    image: a\n    x-landfall:\n      \
             update: sideways\n      health: {path: healthz, timeout: 5}\n      routes: [{port: 80}]\n    \
             logging: {x-landfall: {}}\n",
        )],
    ),
    (
        "contradictions",
        &[(
            "compose.yaml",
            "services:\n  beat:\n    image: a\n    deploy: {replicas: 2}\n    x-landfall: \
             {singleton: true, update: in-place}\n  db:\n    image: postgres\n    scale: 3\n    \
             volumes: ['data:/data']\n  migrate:\n    image: a\n    ports: ['81:81']\n    x-landfall: \
             {job: before-cutover}\nvolumes:\n  data: {x-landfall: {scope: release}}\n",
        )],
    ),
    (
        "two_limits",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    mem_limit: 1g\n    scale: 2\n    deploy:\n      \
             replicas: 3\n      resources: {limits: {memory: 2g, cpus: lots}}\n",
        )],
    ),
    ("bad_names", &[("compose.yaml", "name: '-'\nservices:\n  we b: {image: a}\n")]),
    (
        "no_build_folder",
        &[
            ("compose.yaml", "services:\n  web: {build: ./app}\n  api: {build: {context: api}}\n"),
            ("api/main.py", ""),
        ],
    ),
    (
        "extends_nothing",
        &[(
            "compose.yaml",
            "services:\n  web: {extends: {service: bse}}\n  base: {image: a, extends: top}\n  \
             top: {extends: base}\n  far: {extends: {service: x, file: far.yaml}}\n",
        )],
    ),
    (
        "bad_env_file",
        &[
            ("compose.yaml", "services:\n  web: {image: a, env_file: [web.env, none.env]}\n"),
            ("web.env", "GOOD=1\nBAD NAME=hunter2\nOPEN=\"hunter2\n"),
        ],
    ),
    (
        "merge_of_two_kinds",
        &[
            ("compose.yaml", "services:\n  web: {image: a, ports: ['80:80']}\n"),
            ("compose.override.yaml", "services:\n  web: {ports: {http: 80}}\n"),
        ],
    ),
    (
        "healthchecks",
        &[(
            "compose.yaml",
            "services:\n  a: {image: a, healthcheck: {test: [curl, x], interval: 5}}\n  b: {image: b, \
             healthcheck: {test: [CMD-SHELL, a, b]}}\n  c: {image: c, healthcheck: {interval: 5s}}\n",
        )],
    ),
    (
        "alias_in_itself",
        &[("compose.yaml", "services:\n  web: &web\n    image: a\n    labels: *web\n")],
    ),
    (
        "merge_keys",
        &[(
            "compose.yaml",
            "x-a: &a [1]\nx-b: &b {image: b}\nservices:\n  web: {<<: *a, image: x}\n  api:\n    \
             <<: *b\n    <<: *b\n  1: {image: c}\n",
        )],
    ),
];

#[test]
fn broken_files_are_explained() {
    explain(BROKEN);
}

/// Compares what is said about each with its transcript.
pub(super) fn explain(broken: &[Broken]) {
    for (name, files) in broken {
        let mut app = App::new(files);
        if *name == "bad_names" {
            app.options.project_name = None;
        }
        let codes = app.codes();
        assert!(codes.iter().any(|code| code.ends_with('!')), "{name} loads: {codes:?}");
        check_transcript(name, &app.said());
    }
}

#[test]
fn colours_only_add_escapes() {
    let app = App::new(&[("compose.yaml", "services:\n  web: {imgae: x}\n")]);
    let failed = landfall_compose::load(&app.options).unwrap_err();
    let plain = landfall_compose::render(&failed.diagnostics, &failed.sources, false);
    let colored = landfall_compose::render(&failed.diagnostics, &failed.sources, true);
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        stripped.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[rest.find('m').unwrap() + 1..];
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
    assert_ne!(colored, plain);
}

#[test]
fn warnings_are_given_with_the_project() {
    let text = "version: '3'\nservices:\n  web:\n    image: nginx:${TAG}\n    container_name: shop\n    \
                command: echo $TAG && sleep 1\n    restart: always\n    environment: {LEVEL: 1.10}\n    \
                deploy: {placement: {}, restart_policy: {condition: any}}\n    volumes: ['./x:/x:z']\n  \
                init: {image: a, restart: 'no'}\n  api: {image: a, depends_on: [init], tty: yes}\n";
    let app = App::new(&[("compose.yaml", text)]);
    app.load();
    check_transcript("warnings", &app.said());
}
