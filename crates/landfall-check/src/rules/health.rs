//! Whether anything tells that a service works.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Note, Warning};

use crate::facts::{App, Service};
use crate::finding::Out;
use crate::know::Family;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "route-without-health",
        severity: Warning,
        title: "a published service that nothing checks",
        why: "Without a healthcheck a container counts as good once its process runs. A deploy then \
            sends users to a release that still starts up, cannot reach its database or answers every \
            request with an error. landfall falls back to asking whether the port accepts \
            connections, which says little.",
        fix: "add a `healthcheck`, or `x-landfall: {health: {path: /healthz}}`",
        before: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"80:8000\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"80:8000\"]\n    x-landfall:\n\
            \u{20}     health: {path: /healthz}\n",
        run: route,
    },
    Rule {
        id: "database-without-health",
        severity: Warning,
        title: "a database that nothing checks",
        why: "A database needs seconds to start, more after a crash and on its first start. Without a \
            healthcheck nobody can wait for it: apps start too early, fail, and are restarted until \
            it happens to work.",
        fix: "add a `healthcheck` that asks the server itself",
        before: "services:\n  db:\n    image: postgres:16.4\n",
        after: "services:\n  db:\n    image: postgres:16.4\n    healthcheck:\n      test: [CMD, \
            pg_isready, -q, -h, 127.0.0.1]\n",
        run: database,
    },
    Rule {
        id: "no-healthcheck",
        severity: Note,
        title: "a long-running service that nothing checks",
        why: "Workers, schedulers and inner services hang as well. Without a healthcheck a hung one \
            looks like a good one: nothing restarts it, and a deploy that breaks it succeeds.",
        fix: "add a `healthcheck` that does a little of the service's work",
        before: "services:\n  worker:\n    image: web:1.4.2\n    command: [celery, -A, shop, worker]\n",
        after: "services:\n  worker:\n    image: web:1.4.2\n    command: [celery, -A, shop, worker]\n\
            \u{20}   healthcheck:\n      test: [CMD, celery, -A, shop, inspect, ping]\n",
        run: others,
    },
];

/// Whether the compose file, landfall's settings or the Dockerfile have a check.
fn is_checked(app: &App<'_>, service: &Service<'_>) -> bool {
    if let Some(check) = service.view.get("healthcheck") {
        let disabled = check.get("disable").and_then(View::boolean) == Some(true);
        let none = check.get("test").is_some_and(|test| {
            test.items().next().and_then(View::text) == Some("NONE") || test.text() == Some("NONE")
        });
        return !disabled && !none;
    }
    let by_landfall = service.view.at_path("x-landfall.health").is_some();
    by_landfall || service.dockerfile(app).is_some_and(|file| file.last("HEALTHCHECK").is_some())
}

fn unchecked<'s, 'a>(app: &'s App<'a>) -> impl Iterator<Item = &'s Service<'a>> {
    app.services().filter(|service| {
        !service.is_one_off
            && !service.is_job(app)
            && !service.has_profiles()
            && !is_checked(app, service)
    })
}

fn route(app: &App<'_>, out: &mut Out) {
    for service in unchecked(app).filter(|s| s.is_routed() && !s.family.is_backend()) {
        let message =
            format!("`{}` is published, and nothing tells whether it works", service.name);
        out.service(service, service.view.key_at(), message);
    }
}

fn database(app: &App<'_>, out: &mut Out) {
    for service in unchecked(app).filter(|service| service.family.is_backend()) {
        let (name, what) = (service.name, service.family.described());
        let message = format!("`{name}` is {what} without a healthcheck");
        let finding = out.service(service, service.view.key_at(), message);
        let test = match service.family {
            Family::Postgres => "pg_isready, -q, -h, 127.0.0.1",
            Family::Mysql => "mysqladmin, ping, -h, 127.0.0.1",
            Family::Mongo => "mongosh, --quiet, --eval, \"db.adminCommand('ping')\"",
            Family::Redis => "redis-cli, ping",
            Family::Rabbit => "rabbitmq-diagnostics, -q, ping",
            Family::Memcached | Family::Store | Family::Proxy | Family::App => continue,
        };
        finding.hint(format!("add `healthcheck: {{test: [CMD, {test}]}}`"));
    }
}

fn others(app: &App<'_>, out: &mut Out) {
    let services = unchecked(app).filter(|s| !s.is_routed() && !s.family.is_backend());
    out.group(services, |names, is_one| {
        format!("nothing tells whether {names} still {}", if is_one { "works" } else { "work" })
    });
}
