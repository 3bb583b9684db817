//! What services say about each other.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Note, Warning};

use crate::facts::{App, Directive, Service, Variable, nginx_files};
use crate::finding::Out;
use crate::know::url_parts;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "depends-without-condition",
        severity: Warning,
        title: "waiting for a start instead of for readiness",
        why: "A `depends_on` list waits until the other container was started, not until it works. A \
            database is not ready then, and a migration has not even begun. The app meets half a \
            schema or no server; that it mostly works is luck of timing.",
        fix: "write `condition: service_healthy`, or `service_completed_successfully` for a one-off",
        before: "services:\n  web:\n    image: web:1.4.2\n    depends_on: [db]\n  db:\n    image: \
            postgres:16.4\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    depends_on:\n      db: {condition: \
            service_healthy}\n  db:\n    image: postgres:16.4\n",
        run: without_condition,
    },
    Rule {
        id: "links",
        severity: Note,
        title: "links, which networks replaced",
        why: "`links` comes from the time before networks. Today services reach each other by name \
            anyway; what is left of it is an alias and an order of starts that waits for nothing.",
        fix: "take it away; write `depends_on` for the order and `networks` with `aliases` for a name",
        before: "services:\n  web:\n    image: web:1.4.2\n    links: [db]\n  db:\n    image: \
            postgres:16.4\n",
        after: "services:\n  web:\n    image: web:1.4.2\n  db:\n    image: postgres:16.4\n",
        run: links,
    },
    Rule {
        id: "dangling-reference",
        severity: Warning,
        title: "an address that no service has",
        why: "A service was renamed, or a port of the host is used inside the network. The name does \
            not resolve there, or nobody listens: the app starts and fails at its first query.",
        fix: "write the service's name and the port on which its container listens",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {API_URL: \"http://api:8000\"}\n\
            \u{20} backend:\n    image: api:1.4.2\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {API_URL: \
            \"http://backend:8000\"}\n  backend:\n    image: api:1.4.2\n",
        run: dangling,
    },
];

fn without_condition(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let waits = service.view.get("depends_on").into_iter().flat_map(View::entries);
        for (name, on) in waits {
            let condition = on.get("condition");
            // What was made of a list has the place of its item everywhere.
            let is_bare = condition.is_none_or(|condition| condition.at() == on.key_at());
            let started = condition.and_then(View::text).is_none_or(|c| c == "service_started");
            let Some(other) = app.service(name).filter(|_| is_bare && started) else { continue };
            let what = if other.family.is_backend() {
                other.family.described()
            } else if other.is_one_off || other.is_job(app) {
                "a one-off"
            } else {
                continue;
            };
            let message =
                format!("`{}` waits only for the start of `{name}`, which is {what}", service.name);
            let finding = out.service(service, on.key_at(), message);
            if what == "a one-off" {
                finding.hint("write `condition: service_completed_successfully`");
            } else if other.view.get("healthcheck").is_none() {
                finding.hint("write `condition: service_healthy`, and give it a `healthcheck`");
            }
        }
    }
}

fn links(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for key in ["links", "external_links"] {
            if let Some(links) = service.view.get(key).filter(|l| l.items().next().is_some()) {
                let message = format!("`{}` uses `{key}`, which networks replaced", service.name);
                out.service(service, links.key_at(), message);
            }
        }
    }
}

const SCHEMES: &[&str] = &[
    "amqp",
    "amqps",
    "grpc",
    "http",
    "https",
    "kafka",
    "memcached",
    "mongodb",
    "mysql",
    "mysql2",
    "mariadb",
    "nats",
    "postgis",
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "tcp",
    "ws",
    "wss",
];

fn dangling(app: &App<'_>, out: &mut Out) {
    let names = app.host_names();
    let known = |host: &str| names.contains_key(host);
    for service in app.services() {
        if reaches_others(app, service) {
            continue;
        }
        for variable in &service.environment {
            let Some((host, port)) = address(variable) else { continue };
            if !is_label(host) || has_extra_host(service, host) {
                continue;
            }
            let (name, of) = (variable.name, service.name);
            if let Some(other) = names.get(host).and_then(|name| app.service(name)) {
                published_side(service, variable, other, port, out);
            } else if !known(host) {
                let message =
                    format!("`{name}` of `{of}` points to `{host}`, which is no service here");
                out.service(service, variable.at.clone(), message);
            }
        }
        let files = nginx_files(app, service);
        let upstreams: Vec<&str> =
            files.iter().filter(|d| d.name() == "upstream").map(Directive::argument).collect();
        for directive in &files {
            let passes = matches!(
                directive.name(),
                "proxy_pass" | "uwsgi_pass" | "fastcgi_pass" | "grpc_pass"
            );
            let target = directive.argument();
            let host = url_parts(target).map_or(target, |parts| parts.host);
            let host = host.split(':').next().unwrap_or(host);
            let is_upstream = upstreams.contains(&host);
            if passes && is_label(host) && !target.contains('$') && !known(host) && !is_upstream {
                let message = format!("nginx passes to `{host}`, which is no service here");
                out.service(service, directive.at.clone(), message);
            }
        }
    }
}

/// The host and port that a variable points to.
fn address<'v>(variable: &'v Variable<'_>) -> Option<(&'v str, Option<u16>)> {
    let value = variable.value();
    if let Some(parts) = url_parts(value) {
        let driver = parts.scheme.split('+').next().unwrap_or_default();
        let one = !parts.host.contains(',') && SCHEMES.contains(&driver);
        return one.then_some((parts.host, parts.port));
    }
    // `DB_HOST: db`; the host alone is too often something else, unless it is near a service.
    None
}

/// A name without dots, as services have; `localhost` and numbers are none.
fn is_label(host: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !host.is_empty()
        && host.chars().all(good)
        && host != "localhost"
        && host.chars().any(|c| c.is_ascii_alphabetic())
}

/// It may reach what is not in these files: other projects' networks, or the host's.
fn reaches_others(app: &App<'_>, service: &Service<'_>) -> bool {
    let networks = service.view.get("networks").into_iter();
    let joined = networks
        .flat_map(View::entries)
        .filter_map(|(name, _)| app.model.root().get("networks")?.get(name));
    let external =
        |network: View<'_>| network.get("external").is_some_and(|e| e.boolean() != Some(false));
    service.view.get("network_mode").is_some()
        || service.view.get("external_links").is_some()
        || joined.into_iter().any(external)
        || app.model.root().at_path("networks.default").is_some_and(external)
}

fn has_extra_host(service: &Service<'_>, host: &str) -> bool {
    let hosts = service.view.get("extra_hosts").into_iter();
    hosts
        .flat_map(|hosts| hosts.items().filter_map(View::printed).collect::<Vec<_>>())
        .any(|line| line.split(['=', ':']).next() == Some(host))
        || service
            .view
            .get("extra_hosts")
            .is_some_and(|hosts| hosts.entries().any(|(h, _)| h == host))
}

/// The host's side of a published port, used inside the network.
fn published_side(
    service: &Service<'_>,
    variable: &Variable<'_>,
    other: &Service<'_>,
    port: Option<u16>,
    out: &mut Out,
) {
    let Some(port) = port else { return };
    let is_target = other.ports.iter().any(|p| p.has_target(port));
    let published = other.ports.iter().find(|p| p.publishes(port) && !p.has_target(port));
    let Some(published) = published.filter(|_| !is_target) else { return };
    let (name, target) = (variable.name, published.target.0);
    let message =
        format!("`{name}` of `{}` uses the host's port of `{}`", service.name, other.name);
    out.service(service, variable.at.clone(), message)
        .hint(format!("inside the network it is {target}"))
        .related(published.at.clone(), "it is published here");
}
