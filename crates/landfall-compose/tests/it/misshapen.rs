//! More broken files: shapes that the specification does not have, circles, bombs. What is said about
//! each stands in `transcripts`, word for word.

use super::broken::{Broken, explain};

const SHAPES: &[Broken] = &[
    (
        "needed_keys",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    depends_on: {db: {restart: true}}
    volumes: [{source: data, target: /data}]
    develop: {watch: [{target: /app}]}
    post_start: [{user: root}]
    ulimits: {nofile: {soft: 1024}}
    deploy: {resources: {reservations: {devices: [{count: 1}]}}}
  db: {image: b}
volumes: {data: {}}
models: {small: {name: x}}
",
        )],
    ),
    (
        "wrong_words",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    cgroup: hosts
    gpus: everything
    pull_policy: sometimes
    container_name: w
    depends_on: {db: {condition: service_helthy}}
    volumes:
      - {type: bnd, source: ., target: /app}
      - {type: bind, source: ., target: /src, bind: {recursive: 'on', selinux: y}}
    deploy: {update_config: {order: start_first}}
    develop: {watch: [{path: ., action: synch}]}
  db: {image: b}
",
        )],
    ),
    (
        "nothing_behind_the_colon",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    ports:\n    environment:\n    restart:\n  db:\n",
        )],
    ),
    (
        "numbers_out_of_range",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    oom_score_adj: 2000
    cpu_percent: 250
    blkio_config: {weight: 70000}
    healthcheck: {test: 'true', retries: -1}
    deploy: {placement: {max_replicas_per_node: -1}}
    ports: [{target: 80.5}]
",
        )],
    ),
    (
        "keys_at_the_wrong_place",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    replicas: 2
    dockerfile: Dockerfile
    interval: 5s
    deploy: {restart: always, cpus: 2}
    build: {image: a}
ports: ['80:80']
",
        )],
    ),
    (
        "twice_in_a_list",
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: a\n    security_opt: [no-new-privileges, no-new-privileges]\n    \
             group_add: [audio, 29, audio]\n    dns_search: [a, a]\n",
        )],
    ),
    (
        "extensions_where_there_are_none",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    env_file: [{path: web.env, required: false, x-why: none}]
    blkio_config: {x-why: none}
  x y: {image: b}
networks: {back: {x-landfall: {scope: release}}}
configs: {app: {content: a, x-landfall: {}}}
",
        )],
    ),
    (
        "a_space_after_the_colon",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    environment:
      - LEVEL: debug
    ports:
      - 8080: 80
    volumes:
      - data: /data
    command:
      - echo: hello
    extra_hosts:
      - db: 10.0.0.1
volumes: {data: {}}
",
        )],
    ),
    ("services_in_a_list", &[("compose.yaml", "services:\n  - web: {image: a}\n")]),
    (
        "a_service_that_is_a_text",
        &[("compose.yaml", "services:\n  web: nginx\n  db: {image: b}\n")],
    ),
    (
        "networks_of_the_wrong_shape",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    networks: {front: {aliases: www, priority: high, ipv4: 10.0.0.2}}
networks:
  front: bridge
  back: {internal: maybe, ipam: {config: {subnet: 10.0.0.0/24}, gateway: 10.0.0.1}}
",
        )],
    ),
    (
        "deploy_of_the_wrong_shape",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    deploy:
      replicas: two
      resources: {limits: {memory: 512, cpu: 2}, reservation: {}}
      update_config: {paralellism: 2, delay: 10}
      restart_policy: always
",
        )],
    ),
    (
        "builds_of_the_wrong_shape",
        &[
            ("Dockerfile", "FROM scratch\n"),
            (
                "compose.yaml",
                "\
services:
  web: {build: [.]}
  api: {build: {contxt: ., args: [{A: 1}], target: 2, no_cache: always}}
  job: {build: {context: ., ssh: [key], cache_from: a, secrets: {key: x}}}
",
            ),
        ],
    ),
    (
        "an_override_of_the_wrong_shape",
        &[
            ("compose.yaml", "services:\n  web: {image: a, tty: true}\n"),
            ("compose.override.yaml", "services:\n  web:\n    tty: [yes]\n    imagee: b\n"),
        ],
    ),
    (
        "values_from_variables",
        &[
            (
                "compose.yaml",
                "services:\n  web:\n    image: a\n    scale: ${COUNT}\n    mem_limit: ${LIMIT}\n    \
                 tty: ${TTY}\n    stop_grace_period: ${GRACE}\n    ports: ['${PORT}:80']\n",
            ),
            (".env", "COUNT=hunter2\nLIMIT=hunter2\nTTY=hunter2\nGRACE=hunter2\nPORT=hunter2\n"),
        ],
    ),
    (
        "secrets_of_the_wrong_shape",
        &[(
            "compose.yaml",
            "\
services:
  web:
    image: a
    environment:
      PASSWORD: [hunter2]
      TOKEN: {value: hunter2}
    secrets: {key: hunter2}
secrets:
  key: hunter2
  other: {file: [hunter2], content: hunter2}
",
        )],
    ),
];

const FILES: &[Broken] = &[
    (
        "extends_in_a_circle",
        &[
            ("compose.yaml", "services:\n  web: {extends: {file: base.yaml, service: base}}\n"),
            ("base.yaml", "services:\n  base: {extends: {file: compose.yaml, service: web}}\n"),
        ],
    ),
    (
        "includes_in_a_circle",
        &[
            ("compose.yaml", "include: [a.yaml]\nservices: {web: {image: a}}\n"),
            ("a.yaml", "include:\n  - b.yaml\n"),
            ("b.yaml", "include:\n  - path: compose.yaml\n"),
        ],
    ),
    (
        "includes_that_cannot_be_read",
        &[(
            "compose.yaml",
            "include:\n  - missing.yaml\n  - https://example.com/compose.yaml\n  - {pth: a.yaml}\n\
             services: {web: {image: a}}\n",
        )],
    ),
    (
        "broken_includes",
        &[
            ("compose.yaml", "include: [a.yaml]\nservices: {web: {image: a}}\n"),
            ("a.yaml", "services:\n  db: {imgae: b, ports: '80'}\n"),
        ],
    ),
    (
        "an_alias_bomb",
        &[(
            "compose.yaml",
            "\
x-a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]
x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
x-c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
x-d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
x-e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]
x-f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]
x-g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]
services: {web: {image: a, labels: *g}}
",
        )],
    ),
    ("an_unknown_alias", &[("compose.yaml", "services:\n  web: *base\n")]),
    (
        "an_open_quote",
        &[("compose.yaml", "services:\n  web:\n    image: \"nginx\n    tty: true\n")],
    ),
    ("a_bad_escape", &[("compose.yaml", "services:\n  web:\n    image: \"a\\qb\"\n")]),
    ("no_space_after_the_colon", &[("compose.yaml", "services:\n  web:\n    image:nginx\n")]),
    ("wrong_indentation", &[("compose.yaml", "services:\n  web:\n    image: a\n   tty: true\n")]),
];

#[test]
fn misshapen_files_are_explained() {
    explain(SHAPES);
}

#[test]
fn files_that_lead_nowhere_are_explained() {
    explain(FILES);
}
