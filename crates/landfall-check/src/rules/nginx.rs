//! nginx and the way into the app.

use landfall_core::diagnostic::Severity::{Note, Warning};

use crate::facts::{App, Directive, Port, nginx_files};
use crate::finding::Out;
use crate::know::{Family, url_parts};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "nginx-static-upstream",
        severity: Warning,
        title: "an address that nginx looks up once",
        why: "nginx resolves the names in `upstream` and `proxy_pass` when it starts, and never again. \
            When the service behind is made anew or scaled it has another address, and nginx answers 502 \
            until somebody reloads it. If the name does not resolve at start, nginx does not start.",
        fix: "write `resolver 127.0.0.11 valid=10s; set $up http://web:8000; proxy_pass $up;`",
        before: "server {\n  location / {\n    proxy_pass http://web:8000;\n  }\n}\n",
        after: "server {\n  resolver 127.0.0.11 valid=10s;\n  location / {\n    set $up http://web:8000;\n    \
            proxy_pass $up;\n  }\n}\n",
        run: static_upstream,
    },
    Rule {
        id: "nginx-logs-to-file",
        severity: Note,
        title: "logs of nginx in a file",
        why: "`docker logs` and whatever collects logs see what a container prints. Logs in a file are \
            seen by nobody, are not rotated, and fill the volume they lie in.",
        fix: "write `access_log /dev/stdout;` and `error_log /dev/stderr;`",
        before: "access_log /srv/logs/access.log;\n",
        after: "access_log /dev/stdout;\n",
        run: logs,
    },
    Rule {
        id: "no-tls",
        severity: Note,
        title: "an app that is reachable without TLS only",
        why: "Everything goes over the wire in the clear, passwords and session cookies too, and browsers \
            warn visitors. It is as meant when something in front of this host ends TLS.",
        fix: "publish 443 with a certificate, or put TLS in front of it",
        before: "services:\n  proxy:\n    image: nginx:1.27\n    ports: [\"80:80\"]\n",
        after: "services:\n  proxy:\n    image: nginx:1.27\n    ports: [\"80:80\", \"443:443\"]\n",
        run: no_tls,
    },
];

fn static_upstream(app: &App<'_>, out: &mut Out) {
    let names = app.host_names();
    for service in app.services() {
        let files = nginx_files(app, service);
        // A passed name may be that of an `upstream` block, whose servers count instead.
        let upstreams = files.iter().filter(|directive| directive.name() == "upstream");
        let upstreams: Vec<&str> = upstreams.map(Directive::argument).collect();
        let mut seen: Vec<&str> = Vec::new();
        for directive in &files {
            let Some(host) = static_host(directive) else { continue };
            let is_upstream = directive.name() != "server" && upstreams.contains(&host);
            if is_upstream || !names.contains_key(host) || seen.contains(&host) {
                continue;
            }
            seen.push(host);
            let message = format!("nginx looks `{host}` up once, when it starts");
            out.service(service, directive.at.clone(), message);
        }
    }
}

/// The name that a directive makes nginx look up at its start.
fn static_host(directive: &Directive) -> Option<&str> {
    let target = directive.argument();
    let host = match directive.name() {
        "server" if !directive.words.iter().any(|word| word == "resolve") => target,
        "proxy_pass" | "uwsgi_pass" | "fastcgi_pass" | "grpc_pass" | "scgi_pass" => {
            url_parts(target).map_or(target, |parts| parts.host)
        }
        _ => return None,
    };
    let host = host.split([':', '/']).next().unwrap_or(host);
    (!target.contains('$') && !host.is_empty()).then_some(host)
}

fn logs(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for directive in nginx_files(app, service) {
            let path = directive.argument();
            let is_log = matches!(directive.name(), "access_log" | "error_log");
            let is_file =
                path.starts_with('/') && !path.starts_with("/dev/") && !path.contains('$');
            // The official image links its usual files to the container's output.
            let usual = matches!(path, "/var/log/nginx/access.log" | "/var/log/nginx/error.log");
            let covered = service.mounts.iter().any(|mount| mount.covers(path));
            if is_log && is_file && (!usual || covered) {
                let message = format!("nginx writes `{path}`, where nobody sees it");
                out.service(service, directive.at, message);
            }
        }
    }
}

fn no_tls(app: &App<'_>, out: &mut Out) {
    let ends_tls = app.services().any(|service| {
        let own = service
            .ports
            .iter()
            .any(|port| port.has_target(443) || port.publishes(443) || port.has_target(8443));
        let routed = service.view.at_path("x-landfall.routes").is_some();
        let tunnel = service.image.as_ref().is_some_and(|image| image.last.contains("cloudflared"));
        own || routed || tunnel
    });
    if ends_tls {
        return;
    }
    for service in app.services().filter(|s| s.family == Family::Proxy || !s.family.is_backend()) {
        let open = |port: &&Port| port.is_public() && port.publishes(80);
        if let Some(port) = service.ports.iter().find(open) {
            let message =
                format!("`{}` serves on port 80, and nothing here serves TLS", service.name);
            out.service(service, port.at.clone(), message);
        }
    }
}
