//! Values that are not what they look like.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::Warning;

use crate::facts::App;
use crate::finding::Out;
use crate::know::url_parts;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "scalar-changed",
        severity: Warning,
        title: "a value that YAML changes",
        why: "Without quotes YAML reads numbers, and they come out differently than they were written: \
            `1.10` becomes 1.1, `0777` becomes 511, `1e3` becomes 1000, `True` becomes true. As a \
            version, a mode, a telephone number or a password that is another value.",
        fix: "put it in quotes",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {VERSION: 1.10}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {VERSION: \"1.10\"}\n",
        run: changed,
    },
    Rule {
        id: "allowed-hosts-any",
        severity: Warning,
        title: "an app that believes every host name",
        why: "With `*` the app takes any `Host` header for its own name, and builds links from it: in \
            mails for new passwords, in caches. An attacker who sends another name gets the links.",
        fix: "list the names under which the app is served",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {DJANGO_ALLOWED_HOSTS: \"*\"}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {DJANGO_ALLOWED_HOSTS: \
            shop.example}\n",
        run: any_host,
    },
    Rule {
        id: "site-host-not-allowed",
        severity: Warning,
        title: "a site address that the app itself refuses",
        why: "The address that the app gives out and the hosts that it answers to are set apart from each \
            other. When the one is not among the other, every link that it sends leads to an error.",
        fix: "add the host of the site's address to the allowed hosts",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment:\n      SITE_URL: \
            https://shop.example\n      ALLOWED_HOSTS: www.shop.example\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment:\n      SITE_URL: \
            https://shop.example\n      ALLOWED_HOSTS: shop.example,www.shop.example\n",
        run: site_host,
    },
];

fn changed(app: &App<'_>, out: &mut Out) {
    for (_, name, written) in app.written() {
        let Some(service) = app.service(name) else { continue };
        for path in ["environment", "labels", "build.args", "deploy.labels"] {
            for (key, value) in written.at_path(path).into_iter().flat_map(View::entries) {
                let is_other = value.text().is_none() && !value.is_null();
                let printed = value.printed().filter(|_| is_other);
                if printed.is_some_and(|printed| printed != value.source().trim()) {
                    let message =
                        format!("`{key}` has no quotes, and YAML makes another value of it");
                    out.service(service, value.at(), message);
                }
            }
        }
    }
}

/// Names in a list of hosts.
fn hosts(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split(|c: char| c == ',' || c.is_whitespace() || c == ';');
    parts.map(|part| part.trim_matches(['[', ']', '"', '\''])).filter(|part| !part.is_empty())
}

fn any_host(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for variable in service.environment.iter().filter(|v| v.name.ends_with("ALLOWED_HOSTS")) {
            if hosts(variable.value()).any(|host| host == "*") {
                let message =
                    format!("`{}` lets `{}` answer to any name", variable.name, service.name);
                out.service(service, variable.at.clone(), message);
            }
        }
    }
}

fn site_host(app: &App<'_>, out: &mut Out) {
    const SITES: &[&str] = &["PUBLIC_SITE_URL", "PUBLIC_URL", "SITE_URL", "BASE_URL", "APP_URL"];
    for service in app.services() {
        let allowed = service.environment.iter().find(|v| v.name.ends_with("ALLOWED_HOSTS"));
        let site = service.environment.iter().find(|v| SITES.contains(&v.name));
        let (Some(allowed), Some(site)) = (allowed, site) else { continue };
        let Some(url) = url_parts(site.value()) else { continue };
        let host = url.host.to_ascii_lowercase();
        let fits = |name: &str| {
            let name = name.to_ascii_lowercase();
            let inside = name.strip_prefix('.').is_some_and(|d| host == d || host.ends_with(&name));
            name == "*" || name == host || inside
        };
        if !host.is_empty() && !allowed.value().is_empty() && !hosts(allowed.value()).any(fits) {
            let message = format!("the host of `{}` is not among `{}`", site.name, allowed.name);
            out.service(service, site.at.clone(), message)
                .related(allowed.at.clone(), "these are the hosts that it answers to");
        }
    }
}
