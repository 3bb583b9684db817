//! `ports` and `expose`.

use landfall_core::spec::Protocol;

use super::keys::Rule::{self, Ignored, NoEffect, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::report::Code;
use crate::short::port::{self, Port, Published};
use crate::source::Spanned;
use crate::yaml::{Entry, Node};

pub(super) fn ports(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let ports = if item.as_mapping().is_some() { long(d, item) } else { short(d, item) };
        service.ports.extend(ports.into_iter().map(|port| Spanned::new(port, item.span)));
    });
    if service.ports.len() > port::PORTS_MAX {
        service.ports.clear();
        let message = format!("a service may have at most {} ports", port::PORTS_MAX);
        d.report.error(Code::TooLarge, entry.key, message);
    }
}

fn short(d: &mut Decoder<'_>, item: &Node) -> Vec<Port> {
    let text = match &item.value {
        crate::yaml::Value::Int(port) => port.to_string(),
        _ => match d.text(item) {
            Some(text) => text,
            None => return Vec::new(),
        },
    };
    port::parse(&text).unwrap_or_else(|why| {
        d.invalid(item, &why).hint("write it as `80`, `8080:80` or `127.0.0.1:8080:80`");
        Vec::new()
    })
}

#[derive(Default)]
struct Draft {
    target: Option<u16>,
    published: Option<Published>,
    host_ip: Option<std::net::IpAddr>,
    protocol: Option<Protocol>,
}

const PORT: Keys<Draft> = Keys { owner: "a port", rules: PORT_RULES };
const PORT_RULES: &[(&str, Rule<Draft>)] = &[
    ("app_protocol", Ignored("the edge tells HTTP from TCP by itself")),
    ("host_ip", Take(|d, e, p| p.host_ip = read(d, &e.value, port::parse_ip).flatten())),
    ("mode", Take(mode)),
    ("name", NoEffect),
    ("protocol", Take(|d, e, p| p.protocol = read(d, &e.value, port::parse_protocol))),
    ("published", Take(|d, e, p| p.published = read(d, &e.value, port::parse_published))),
    ("target", Take(|d, e, p| p.target = d.port_number(&e.value))),
];

fn long(d: &mut Decoder<'_>, item: &Node) -> Vec<Port> {
    let errors = d.report.errors_met();
    let mut draft = Draft::default();
    d.keys(item, &PORT, &mut draft);
    let Some(target) = draft.target else {
        if d.report.errors_met() == errors {
            d.report.error(Code::KeyMissing, item.span, "a port needs a `target`");
        }
        return Vec::new();
    };
    vec![Port {
        host_ip: draft.host_ip,
        published: draft.published.unwrap_or(Published::Any),
        target,
        protocol: draft.protocol.unwrap_or(Protocol::Tcp),
    }]
}

fn mode(d: &mut Decoder<'_>, entry: &Entry, _: &mut Draft) {
    if let Some(mode) = d.text(&entry.value)
        && !matches!(mode.as_str(), "ingress" | "host")
    {
        d.invalid(&entry.value, "must be `ingress` or `host`");
    }
}

/// Reads a text or a number by a parser of the short syntax.
fn read<T>(d: &mut Decoder<'_>, node: &Node, parse: fn(&str) -> Result<T, String>) -> Option<T> {
    let text = d.printed(node)?;
    match parse(&text) {
        Ok(value) => Some(value),
        Err(why) => {
            d.invalid(node, &why);
            None
        }
    }
}

/// `expose` opens nothing: services of one network reach each other anyway. TCP ports are kept,
/// because they tell where a service listens.
pub(super) fn expose(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let Some(text) = d.printed(item) else { return };
        let (ports, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
        match (port::parse_range(ports), port::parse_protocol(protocol)) {
            (Ok((first, last)), Ok(protocol)) => {
                if protocol == Protocol::Tcp && last - first < 1024 {
                    service.expose.extend(first..=last);
                }
            }
            (Err(why), _) | (_, Err(why)) => {
                d.invalid(item, &why);
            }
        }
    });
}
