//! Published ports: what can live beside a second release, and what takes whose place.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use landfall_core::id::ServiceName;
use landfall_core::spec::{Namespace, Protocol, PublishedPort, RouteSettings, Workload};

use super::Scene;
use super::workload::described;
use crate::decode::{NetworkMode, ServiceDraft};
use crate::report::Code;
use crate::short::port::{Port, Published};
use crate::source::{Span, Spanned};

/// Two services, or a port and a route, cannot have one place on the host.
pub(super) fn refuse_conflicts(scene: &mut Scene<'_>, workloads: &BTreeMap<ServiceName, Workload>) {
    let mut wanted = Vec::new();
    for (name, (_, service)) in scene.active {
        let native = workloads.get(name) == Some(&Workload::Stateful);
        let name = name.as_str();
        wanted.extend(service.ports.iter().filter_map(|port| by_port(name, port, native)));
        wanted.extend(service.landfall.routes.iter().map(|route| by_route(name, route)));
    }
    wanted.sort_by_key(|wanted| wanted.at);
    let mut taken: BTreeMap<u16, Vec<Taken>> = BTreeMap::new();
    for wanted in wanted {
        take(scene, taken.entry(wanted.number).or_default(), wanted);
    }
}

fn by_port(name: &str, port: &Spanned<Port>, native: bool) -> Option<Taken> {
    let Published::Port(number) = port.value.published else { return None };
    Some(Taken {
        name: name.to_owned(),
        protocol: port.value.protocol,
        ip: port.value.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        number,
        by: By::Port { native },
        at: port.span,
    })
}

fn by_route(name: &str, route: &Spanned<RouteSettings>) -> Taken {
    let host = route.value.host.clone().unwrap_or_default();
    Taken {
        name: name.to_owned(),
        protocol: Protocol::Tcp,
        ip: route.value.listen.ip(),
        number: route.value.listen.port(),
        by: By::Route(format!("{host}{}", route.value.path)),
        at: route.span,
    }
}

struct Taken {
    name: String,
    protocol: Protocol,
    ip: IpAddr,
    number: u16,
    by: By,
    at: Span,
}

enum By {
    /// A published port; a native one is the engine's own, not the edge's.
    Port { native: bool },
    /// A route, by host and path.
    Route(String),
}

fn take(scene: &mut Scene<'_>, taken: &mut Vec<Taken>, wanted: Taken) {
    let clash = taken.iter().find(|other| {
        let same_place = other.protocol == wanted.protocol
            && (other.ip == wanted.ip || other.ip.is_unspecified() || wanted.ip.is_unspecified());
        let same_use = match (&other.by, &wanted.by) {
            (By::Route(one), By::Route(other)) => one == other,
            (By::Route(_), By::Port { native }) | (By::Port { native }, By::Route(_)) => *native,
            // One service may publish two of its ports on one only by mistake, too.
            (By::Port { .. }, By::Port { .. }) => true,
        };
        same_place && same_use
    });
    if let Some(other) = clash {
        let message = format!(
            "`{}` and `{}` both want the host port {}",
            other.name, wanted.name, wanted.number
        );
        scene
            .report
            .error(Code::PortTaken, wanted.at, message)
            .related(other.at, format!("`{}` has it here", other.name));
    }
    taken.push(wanted);
}

/// The ports of one service, as far as they can be served.
pub(super) fn published(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    ports: &[Spanned<Port>],
    workload: Workload,
) -> Vec<PublishedPort> {
    ports.iter().filter_map(|port| publish(scene, name, port, workload)).collect()
}

/// Whether the ports are published at all: in a network namespace that is not its own, the engine
/// publishes none.
pub(super) fn are_published(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    service: &ServiceDraft,
    workload: Workload,
) -> bool {
    let Some(NetworkMode::Shared(namespace)) = service.network_mode.as_ref().map(|m| &m.value)
    else {
        return true;
    };
    let Some(port) = service.ports.first() else { return true };
    match namespace {
        Namespace::Host => {
            let message = format!(
                "`ports` of `{name}` are not published: it listens on the host itself, at its own ports"
            );
            scene.report.warning(Code::Differently, port.span, message);
            false
        }
        // The edge reaches it at the other's address.
        Namespace::Service(_) if workload != Workload::Stateful => true,
        Namespace::Service(_)
        | Namespace::Container(_)
        | Namespace::Private
        | Namespace::Shareable
        | Namespace::None => {
            let message = format!("`{name}` publishes a port and has no network of its own");
            scene
                .report
                .error(Code::Conflict, port.span, message)
                .hint("publish it where the network belongs to");
            false
        }
    }
}

fn publish(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    port: &Spanned<Port>,
    workload: Workload,
) -> Option<PublishedPort> {
    let native = workload == Workload::Stateful;
    let (problem, hint) = match (port.value.published, port.value.protocol) {
        _ if workload == Workload::OneOff => {
            ("publishes a port, which nothing would serve", "remove the port")
        }
        (Published::Range(..), _) => (
            "publishes a port somewhere in a range, which is not supported yet",
            "write one host port, such as `8080:80`",
        ),
        (Published::Any, _) if !native => {
            let message = format!("`{name}` names no host port for this one: it is not published");
            let hint = "write `8080:80` to publish it, or `expose` it when other services need it";
            scene.report.warning(Code::Differently, port.span, message).hint(hint);
            return None;
        }
        (_, Protocol::Udp) if !native => (
            "publishes a UDP port, which two releases cannot share yet",
            "write `x-landfall: {update: in-place}` to have the service replaced in place",
        ),
        (published, protocol) => {
            let published = match published {
                Published::Port(number) => Some(number),
                Published::Any | Published::Range(..) => None,
            };
            let host_ip = port.value.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            return Some(PublishedPort { host_ip, published, target: port.value.target, protocol });
        }
    };
    let code = if workload == Workload::OneOff { Code::Contradiction } else { Code::SideBySide };
    let kind = described(workload);
    scene.report.error(code, port.span, format!("`{name}` is {kind} and {problem}")).hint(hint);
    None
}
