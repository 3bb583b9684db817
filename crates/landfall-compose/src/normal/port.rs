//! `ports` of a service: short forms and ranges to long forms, without repetitions.
//!
//! Looser than what a deploy accepts: `0` is a port, and so is what Compose would hand on to the
//! engine. The grammar is that of Docker's `ParsePortSpec`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use super::lists::{mapping, sequence};
use super::tables::PORT;
use super::typed::Typing;
use crate::yaml::{Node, Value};

/// One port, as texts.
struct Port {
    target: u32,
    published: String,
    host_ip: String,
    protocol: String,
}

pub(super) fn ports(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let Some(items) = node.as_sequence() else {
        t.wrong(node, "a list");
        return None;
    };
    let mut all: Vec<Node> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut add = |port: Node| {
        let index = *known.entry(identity(&port)).or_insert(all.len());
        if index < all.len() {
            all[index] = port;
        } else {
            all.push(port);
        }
    };
    for item in items {
        if item.as_mapping().is_some() {
            let Some(port) = t.object(PORT, item) else { continue };
            if port.get("target").is_none() {
                t.invalid(item, "a port must have a `target`");
            }
            add(with_defaults(port));
            continue;
        }
        let short = match &item.value {
            Value::Text(text) => text.to_string(),
            Value::Int(_) => item.printed().unwrap_or_default(),
            _ => {
                t.wrong(item, "a port");
                continue;
            }
        };
        let parsed = parse(&short);
        let count = parsed.as_ref().map_or(1, Vec::len);
        if count > t.ports_left {
            t.invalid(item, "makes too many ports");
            return None;
        }
        t.ports_left -= count;
        match parsed {
            Ok(ports) if ports.iter().any(|port| port.target == 0) => {
                t.invalid(item, "a container has no port 0");
            }
            Ok(ports) => ports.iter().filter_map(|port| long(t, item, port)).for_each(&mut add),
            Err(why) => {
                t.invalid(item, why);
            }
        }
    }
    Some(sequence(node, all))
}

fn long(t: &mut Typing<'_>, at: &Node, port: &Port) -> Option<Node> {
    let target = port.target.to_string();
    let node = mapping(
        at,
        &[
            ("mode", "ingress"),
            ("host_ip", &port.host_ip),
            ("target", &target),
            ("published", &port.published),
            ("protocol", &port.protocol),
        ],
    );
    t.object(PORT, &node)
}

fn with_defaults(mut port: Node) -> Node {
    let span = port.span;
    if let Value::Mapping(entries) = &mut port.value {
        for (name, text) in [("protocol", "tcp"), ("mode", "ingress")] {
            if !entries.contains_key(name) {
                let value = Node::text(text, span);
                Rc::make_mut(entries).insert(name.into(), crate::yaml::Entry { key: span, value });
            }
        }
    }
    port
}

fn identity(port: &Node) -> String {
    let part = |key, default: &str| {
        port.get(key).and_then(Node::printed).unwrap_or_else(|| default.to_owned())
    };
    let (host, published) = (part("host_ip", "0.0.0.0"), part("published", ""));
    format!("{host}:{published}:{}/{}", part("target", ""), part("protocol", "tcp"))
}

fn parse(text: &str) -> Result<Vec<Port>, &'static str> {
    let parts: Vec<&str> = text.split(':').collect();
    let (ip, host, container) = match parts[..] {
        [container] => (String::new(), "", container),
        [host, container] => (String::new(), host, container),
        [ref ip @ .., host, container] => (ip.join(":"), host, container),
        [] => return Err("a port is missing"),
    };
    let mut pieces = container.split('/');
    let (container, protocol) = (pieces.next().unwrap_or_default(), pieces.next());
    let protocol = protocol.filter(|name| !name.is_empty()).unwrap_or("tcp").to_lowercase();
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(&ip);
    let must_have_brackets = bare.contains(':') && bare == ip;
    if !bare.is_empty() && (must_have_brackets || bare.parse::<IpAddr>().is_err()) {
        return Err("the host address is no IP address, or one that needs `[]`");
    }
    let (first, last) = range(container)?;
    let (host_first, host_last) = if host.is_empty() { (0, 0) } else { range(host)? };
    if !host.is_empty() && last - first != host_last - host_first && first != last {
        return Err("the two ranges of ports differ in length");
    }
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err("the protocol must be `tcp`, `udp` or `sctp`");
    }
    let published = |offset: u32| match host {
        "" => String::new(),
        _ if first == last && host_first != host_last => format!("{host_first}-{host_last}"),
        _ => (host_first + offset).to_string(),
    };
    let one = |offset: u32| Port {
        target: first + offset,
        published: published(offset),
        host_ip: bare.to_owned(),
        protocol: protocol.clone(),
    };
    let mut ports: Vec<Port> = (0..=last - first).map(one).collect();
    // Compose sorts them as texts.
    ports.sort_by_key(|port| port.target.to_string());
    Ok(ports)
}

fn range(text: &str) -> Result<(u32, u32), &'static str> {
    if text.is_empty() {
        return Err("a port is missing");
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |part: &str| match part.parse::<u16>() {
        Ok(port) if part.bytes().all(|b| b.is_ascii_digit()) => Ok(u32::from(port)),
        _ => Err("a port must be a number from 0 to 65535"),
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first { Err("a range of ports runs backwards") } else { Ok((first, last)) }
}
