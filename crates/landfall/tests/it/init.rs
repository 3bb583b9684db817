//! `landfall init` writes down what it recognises, overwrites nothing, and what it writes loads.

use std::fs;

use crate::stage::{Stage, same_as_transcript};

/// A name and the files of a project.
type Shape = (&'static str, &'static [(&'static str, &'static str)]);

const COMPOSED: [Shape; 5] = [
    (
        "django",
        &[
            (
                "compose.yaml",
                "name: shop\nservices:\n  web:\n    build: .\n    command: gunicorn shop.wsgi -b 0.0.0.0:8000\n    \
                 ports: [\"8000:8000\"]\n    depends_on:\n      migrate: {condition: service_completed_successfully}\n    \
                 volumes: [\"static:/app/static:ro\", \"media:/app/media\"]\n  migrate:\n    build: .\n    \
                 command: python manage.py migrate --noinput\n    depends_on: [db]\n  collectstatic:\n    build: .\n    \
                 command: ./manage.py collectstatic --noinput\n    volumes: [\"static:/app/static\"]\n  worker:\n    \
                 build: .\n    command: celery -A shop worker\n  beat:\n    build: .\n    command: celery -A shop beat\n  \
                 db:\n    image: postgres:16.4\n    volumes: [\"pg:/var/lib/postgresql/data\"]\n  redis: {image: \
                 \"redis:7.4\"}\nvolumes: {pg: {}, static: {}, media: {}}\n",
            ),
            ("Dockerfile", "FROM python:3.12-slim\n"),
            ("shop/urls.py", "urlpatterns = [path(\"healthz\", views.healthz)]\n"),
        ],
    ),
    (
        "rails",
        &[
            (
                "docker-compose.yml",
                "services:\n  web:\n    build: .\n    command: bin/rails server -b 0.0.0.0\n    ports: \
                 [\"127.0.0.1:3000:3000\"]\n    depends_on: [db, setup]\n    volumes: [\"uploads:/app/storage\"]\n  \
                 setup:\n    build: .\n    command: bin/rails db:prepare\n    restart: \"no\"\n  sidekiq:\n    build: \
                 .\n    command: bundle exec sidekiq\n  clock:\n    build: .\n    command: bundle exec clockwork \
                 clock.rb\n  db: {image: \"mysql:8.4\", volumes: [\"data:/var/lib/mysql\"]}\nvolumes: {data: {}, \
                 uploads: {}}\n",
            ),
            ("Dockerfile", "FROM ruby:3.3\n"),
            ("config/routes.rb", "get \"up\" => \"rails/health#show\"\nget \"/up\" => \"x\"\n"),
        ],
    ),
    (
        "node",
        &[(
            "deploy/compose.yaml",
            "services:\n  app:\n    image: ghcr.io/acme/app:2.1\n    command: sh -c \"npx prisma migrate deploy && \
                 node server.js\"\n    expose: [\"3000\"]\n  db: {image: \"mongo:7.0\", volumes: [\"mongo:/data/db\"]}\n\
                 volumes: {mongo: {}}\n",
        )],
    ),
    (
        "go",
        &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    ports: [\"8080:8080\"]\n    healthcheck: {test: [CMD, /api, \
                 -check]}\n  dns:\n    image: coredns/coredns:1.11.1\n    ports: [\"53:53/udp\"]\n",
            ),
            ("Dockerfile", "FROM golang:1.24\n"),
        ],
    ),
    (
        "php",
        &[
            (
                "compose.yml",
                "services:\n  nginx:\n    image: nginx:1.27\n    ports: [\"80:80\", \"443:443\"]\n    volumes: \
                 [\"./nginx.conf:/etc/nginx/conf.d/default.conf:ro\", \"./src:/var/www\"]\n  php:\n    image: \
                 php:8.3-fpm\n    volumes: [\"./src:/var/www\"]\n  schedule:\n    image: php:8.3-fpm\n    command: sh -c \
                 \"while true; do php artisan schedule:run; sleep 60; done\"\n  said:\n    image: redis:7.4\n    \
                 x-landfall: {update: in-place}\n",
            ),
            ("nginx.conf", "server { location = /ping { return 200; } }\n"),
            ("src/index.php", "<?php\n"),
        ],
    ),
];

const DOCKERFILES: [Shape; 5] = [
    (
        "django",
        &[
            (
                "Dockerfile",
                "FROM python:3.12\nCMD sh -c \"python manage.py migrate && gunicorn -b :8001 shop.wsgi\"\n",
            ),
            ("manage.py", ""),
        ],
    ),
    (
        "rails",
        &[
            (
                "Dockerfile",
                "FROM ruby:3.3 AS base\nFROM base\nEXPOSE 3000\nCMD [\"bin/rails\", \"server\"]\n",
            ),
            ("config/application.rb", ""),
            ("config/routes.rb", "get \"/up\" => \"x\"\n"),
        ],
    ),
    (
        "node",
        &[
            (
                "Dockerfile",
                "FROM node:22\nVOLUME /data\nHEALTHCHECK CMD node check.js\nCMD npm start\n",
            ),
            ("package.json", "{}\n"),
            (".env", "A=b\n"),
        ],
    ),
    (
        "go",
        &[
            (
                "Dockerfile",
                "FROM golang:1.24 AS build\nFROM scratch\nENV PORT=9000\nEXPOSE ${PORT}/tcp 53/udp\n",
            ),
            ("main.go", "mux.HandleFunc(\"GET /healthz\", ok)\n"),
        ],
    ),
    (
        "php",
        &[("Dockerfile", "FROM php:8.3-apache\nCOPY . /var/www/html\n"), ("index.php", "<?php\n")],
    ),
];

/// It must load together with what was there, and `check` must find no contradiction in it.
fn loads(stage: &Stage, files: &[&str]) {
    let named: Vec<&str> = files.iter().flat_map(|file| ["-f", file]).collect();
    let read = stage.run(&[&named[..], &["config", "-q"]].concat());
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let checked = stage.run(&[&named[..], &["check", "--format", "json"]].concat());
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let loaded = report["diagnostics"].as_array().unwrap();
    let errors: Vec<_> = loaded.iter().filter(|d| d["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_is_recognised_is_written_beside_the_compose_file() {
    for (name, files) in COMPOSED {
        let stage = Stage::new(files);
        let compose = files[0].0;
        let args: &[&str] = if name == "node" { &["-f", compose, "init"] } else { &["init"] };
        let mut text = stage.transcript(&[args, &["--stdout"]].concat());
        text += &stage.transcript(args);
        same_as_transcript(&format!("init-{name}"), &text);
        assert_eq!(fs::read_to_string(stage.path(compose)).unwrap(), files[0].1, "left as it was");
        let folder = compose.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let overlay = folder.unwrap_or_default() + "compose.landfall.yaml";
        loads(&stage, &[compose, &overlay]);
    }
}

#[test]
fn a_dockerfile_alone_gets_a_compose_file() {
    for (name, files) in DOCKERFILES {
        let stage = Stage::new(files);
        let mut text = stage.transcript(&["init", "--stdout"]);
        text += &stage.transcript(&["init"]);
        same_as_transcript(&format!("init-dockerfile-{name}"), &text);
        loads(&stage, &["compose.yaml"]);
    }
}

#[test]
fn nothing_is_overwritten_without_force() {
    let stage = Stage::new(&[
        ("compose.yaml", "services: {web: {image: nginx}}\n"),
        ("compose.landfall.yaml", "x-landfall: {keep: 9}\n"),
    ]);
    same_as_transcript("init-exists", &stage.transcript(&["init"]));
    let kept = fs::read_to_string(stage.path("compose.landfall.yaml")).unwrap();
    assert_eq!(kept, "x-landfall: {keep: 9}\n");
    assert!(stage.run(&["init", "--force"]).status.success());
    let written = fs::read_to_string(stage.path("compose.landfall.yaml")).unwrap();
    assert!(written.starts_with("# What landfall should know beyond compose.yaml"));
}

#[test]
fn where_there_is_nothing_to_read_it_says_so() {
    let mut text = Stage::new(&[]).transcript(&["init"]);
    let broken = Stage::new(&[("compose.yaml", "services: [web]\n")]);
    text += &broken.transcript(&["init"]);
    same_as_transcript("init-refused", &text);
}

#[test]
fn programs_get_the_text_or_the_name() {
    let stage = Stage::new(&[("compose.yaml", "services: {web: {image: nginx}}\n")]);
    let printed = stage.run(&["init", "--stdout", "--format", "json"]).stdout;
    let printed: serde_json::Value = serde_json::from_slice(&printed).unwrap();
    assert!(printed["text"].as_str().unwrap().contains("x-landfall"));
    let written = stage.run(&["init", "--format", "json"]).stdout;
    let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written, serde_json::json!({"file": "compose.landfall.yaml", "written": true}));
}
