//! Ports of the host.

use std::collections::BTreeMap;

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, Port, Service, ports};
use crate::finding::Out;
use crate::know::Family;
use crate::rule::Rule;

/// Ports of one range that are looked at.
const RANGE_MAX: usize = 1000;
/// Services that are compared for one port.
const HOLDERS_MAX: usize = 16;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "database-published",
        severity: Error,
        title: "a database, cache or queue that everyone can reach",
        why: "A port without an address is published on all interfaces, and Docker's rules come before \
            those of ufw or firewalld, so a firewall on the host does not close it. Open databases are \
            found by scanners within hours; Redis without a password hands over the host.",
        fix: "take `ports` away: services reach each other without it; or publish on `127.0.0.1`",
        before: "services:\n  db:\n    image: postgres:16.4\n    ports: [\"5432:5432\"]\n",
        after: "services:\n  db:\n    image: postgres:16.4\n    ports: [\"127.0.0.1:5432:5432\"]\n",
        run: database_published,
    },
    Rule {
        id: "app-port-public",
        severity: Note,
        title: "an app's own port on all interfaces",
        why: "Behind a proxy the app's own port is a way around it: around TLS, rate limits, access \
            rules and forwarded headers that the app believes. Docker publishes past the firewall of \
            the host, so it is open even where ufw says that it is not.",
        fix: "publish on `127.0.0.1`, or use `expose` and let only the proxy publish",
        before: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"8000:8000\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"127.0.0.1:8000:8000\"]\n",
        run: app_port_public,
    },
    Rule {
        id: "host-port-twice",
        severity: Error,
        title: "one port of the host, wanted twice",
        why: "A host port can be bound once. The second container that wants it does not start, and \
            which one is second may change from start to start. Files that are merged add their ports \
            up, so an overlay often publishes what the base file publishes already; other projects and \
            programs of the host count as well.",
        fix: "give one of them another port, or take it away with `ports: !override []`",
        before: "services:\n  a:\n    image: web:1.4.2\n    ports: [\"80:80\"]\n  b:\n    image: \
            web:1.4.2\n    ports: [\"80:8080\"]\n",
        after: "services:\n  a:\n    image: web:1.4.2\n    ports: [\"80:80\"]\n  b:\n    image: \
            web:1.4.2\n    ports: [\"81:8080\"]\n",
        run: host_port_twice,
    },
];

fn database_published(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|service| service.family.is_backend()) {
        for port in service.ports.iter().filter(|port| port.is_public()) {
            let (name, what) = (service.name, service.family.described());
            let shown = port.shown();
            let message = format!("`{name}` is {what} and publishes {shown} on all interfaces");
            out.service(service, port.at.clone(), message);
        }
    }
}

fn app_port_public(app: &App<'_>, out: &mut Out) {
    let is_front = |port: &Port| port.is_public() && (port.publishes(80) || port.publishes(443));
    let proxy = app.services().find(|s| s.family == Family::Proxy && s.ports.iter().any(is_front));
    let open = |port: &&Port| port.is_public() && !is_front(port) && port.protocol == "tcp";
    let apps = app.services().filter(|s| s.family == Family::App && !s.allows("app-port-public"));
    let all: Vec<(&Service<'_>, &Port)> =
        apps.flat_map(|s| s.ports.iter().filter(open).map(move |port| (s, port))).collect();
    if let Some(proxy) = proxy {
        for (service, port) in all {
            let (name, shown) = (service.name, port.shown());
            let message = format!("`{name}` publishes {shown} around `{}`", proxy.name);
            out.service(service, port.at.clone(), message).severity(Warning);
        }
        return;
    }
    // Without a proxy it may be meant, so that all of them are one finding.
    let [(first, port), rest @ ..] = &all[..] else { return };
    let (name, shown) = (first.name, port.shown());
    let more = if rest.is_empty() { String::new() } else { format!(", one of {}", all.len()) };
    let message = format!("`{name}` publishes {shown} on all interfaces{more}");
    let finding = out.service(first, port.at.clone(), message);
    for (service, port) in rest {
        finding.related(port.at.clone(), format!("`{}` publishes {}", service.name, port.shown()));
    }
}

fn host_port_twice(app: &App<'_>, out: &mut Out) {
    let all: Vec<(&Service<'_>, &Port)> = app
        .services()
        .flat_map(|service| service.ports.iter().map(move |port| (service, port)))
        .filter(|(_, port)| port.published.is_some())
        .take(2000)
        .collect();
    let mut holders: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (index, (service, port)) in all.iter().enumerate() {
        let (first, last) = port.published.unwrap_or_default();
        let numbers = (first..=last).take(RANGE_MAX);
        let known = numbers.clone().filter_map(|number| holders.get(&number)).flatten();
        let before = known.map(|at| all[*at]).find_map(|(other, theirs)| {
            let number =
                port.collides(theirs).filter(|_| !are_alternatives(app, service, other))?;
            Some((number, other, theirs))
        });
        for number in numbers {
            let all = holders.entry(number).or_default();
            if all.len() < HOLDERS_MAX {
                all.push(index);
            }
        }
        let Some((number, other, theirs)) = before else { continue };
        let name = service.name;
        let message = if name == other.name {
            format!("`{name}` publishes port {number} twice")
        } else {
            format!("`{name}` publishes port {number}, as `{}` does", other.name)
        };
        let why = format!("`{}` publishes it here", other.name);
        out.service(service, port.at.clone(), message).related(theirs.at.clone(), why);
    }
    beside_other_files(app, &all, out);
    beside_the_host(app, &all, out);
}

/// Services that do not run together, as far as profiles tell: none in common, and not both enabled.
fn are_alternatives(app: &App<'_>, one: &Service<'_>, other: &Service<'_>) -> bool {
    let profiles = |service: &Service<'_>| -> Vec<String> {
        let list = service.view.get("profiles").into_iter().flat_map(View::items);
        list.filter_map(View::printed).collect()
    };
    let both_run = app.model.is_enabled(one.name) && app.model.is_enabled(other.name);
    let (ours, theirs) = (profiles(one), profiles(other));
    !both_run && !ours.iter().any(|profile| theirs.contains(profile))
}

fn beside_other_files(app: &App<'_>, all: &[(&Service<'_>, &Port)], out: &mut Out) {
    let copies = app.siblings().iter().filter(|(file, _)| super::names::is_copy_by_name(file));
    for (file, model) in copies {
        let others = model.services().filter(|(name, _)| app.service(name).is_none());
        for (name, view) in others {
            for theirs in ports(view) {
                let Some((service, port)) = all.iter().find(|(_, p)| p.collides(&theirs).is_some())
                else {
                    continue;
                };
                let shown = port.shown();
                let message =
                    format!("`{}` publishes {shown}, as `{name}` of {file} does", service.name);
                out.service(service, port.at.clone(), message)
                    .severity(Warning)
                    .hint("give them different ports, or never run both on one host")
                    .related(theirs.at.clone(), format!("`{name}` publishes it here"));
            }
        }
    }
}

fn beside_the_host(app: &App<'_>, all: &[(&Service<'_>, &Port)], out: &mut Out) {
    let Some(engine) = app.engine() else { return };
    let ours = |container: &crate::ContainerFacts| {
        container.project.as_deref() == Some(app.model.name().as_str())
    };
    // While the app runs under landfall, its ports are held by the edge for it.
    let runs_here = engine.containers.iter().any(ours);
    for (service, port) in all {
        let is_it = |(number, protocol): &(u16, String)| {
            port.publishes(*number) && *protocol == port.protocol
        };
        let held = |container: &&crate::ContainerFacts| container.ports.iter().any(is_it);
        let holder = engine.containers.iter().find(held);
        let owner = match holder {
            Some(container) if ours(container) => continue,
            Some(container) => format!("the container `{}`", container.name),
            None => {
                let listens = engine.listening.iter().find(|listening| {
                    let all = matches!(listening.address.as_str(), "" | "0.0.0.0" | "::");
                    let same = port.host_ip.as_deref() == Some(&listening.address);
                    is_it(&(listening.port, listening.protocol.clone()))
                        && (all || port.is_public() || same)
                });
                match listens.filter(|_| !runs_here) {
                    Some(listening) => listening.owner.as_ref().map_or_else(
                        || "another program of this host".to_owned(),
                        |owner| format!("`{owner}`"),
                    ),
                    None => continue,
                }
            }
        };
        let message = format!("`{}` publishes {}, which {owner} has", service.name, port.shown());
        out.service(service, port.at.clone(), message)
            .hint("stop what has it, or publish another port");
    }
}
