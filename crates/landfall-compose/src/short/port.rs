//! `ports`: `[ip:][host:]container[/protocol]`, each port a range if wished.
//!
//! Reasons never repeat the text: it may come from a variable.

use std::net::IpAddr;

use landfall_core::spec::Protocol;

use crate::yaml::Node;

/// Ports that one entry may stand for.
const RANGE_MAX: u16 = 256;
/// Ports that one service may have.
pub(crate) const PORTS_MAX: usize = 1_000;

/// One port of a container and what the host publishes for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) host_ip: Option<IpAddr>,
    pub(crate) published: Published,
    pub(crate) target: u16,
    pub(crate) protocol: Protocol,
}

/// The host's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Any free port.
    Any,
    /// This port.
    Port(u16),
    /// Any free port from a range.
    Range(u16, u16),
}

/// Reads the short syntax.
pub(crate) fn parse(text: &str) -> Result<Vec<Port>, String> {
    let (ports, protocol) = match text.rsplit_once('/') {
        Some((ports, name)) => (ports, parse_protocol(name)?),
        None => (text, Protocol::Tcp),
    };
    let (rest, container) = ports.rsplit_once(':').map_or((None, ports), |(r, c)| (Some(r), c));
    let (ip, host) = match rest {
        Some(rest) => rest.rsplit_once(':').map_or((None, rest), |(ip, host)| (Some(ip), host)),
        None => (None, ""),
    };
    let host_ip = match ip {
        Some(ip) => parse_ip(ip)?,
        None => None,
    };
    let (first, last) = parse_range(container)?;
    let published = parse_published(host)?;
    spread(host_ip, published, first, last, protocol)
}

/// Pairs a range of container ports with a range of host ports.
fn spread(
    host_ip: Option<IpAddr>,
    published: Published,
    first: u16,
    last: u16,
    protocol: Protocol,
) -> Result<Vec<Port>, String> {
    let one = |published, target| Port { host_ip, published, target, protocol };
    if first == last {
        return Ok(vec![one(published, first)]);
    }
    if last - first >= RANGE_MAX {
        return Err(format!("a range may hold at most {RANGE_MAX} ports"));
    }
    match published {
        Published::Any => Ok((first..=last).map(|port| one(Published::Any, port)).collect()),
        Published::Range(from, to) if to - from == last - first => Ok((first..=last)
            .zip(from..=to)
            .map(|(target, host)| one(Published::Port(host), target))
            .collect()),
        Published::Port(_) | Published::Range(..) => {
            Err("the two ranges of ports differ in length".to_owned())
        }
    }
}

/// Reads a host's port: empty, `80` or `80-90`.
pub(crate) fn parse_published(text: &str) -> Result<Published, String> {
    if text.is_empty() {
        return Ok(Published::Any);
    }
    let (first, last) = parse_range(text)?;
    Ok(if first == last { Published::Port(first) } else { Published::Range(first, last) })
}

/// Reads a host address; empty is none.
pub(crate) fn parse_ip(text: &str) -> Result<Option<IpAddr>, String> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if bare.is_empty() {
        return Ok(None);
    }
    bare.parse().map(Some).map_err(|_| "the host address is no IP address".to_owned())
}

/// Reads `tcp` or `udp`.
pub(crate) fn parse_protocol(text: &str) -> Result<Protocol, String> {
    match text.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Err("the protocol `sctp` is not supported yet".to_owned()),
        _ => Err("the protocol must be `tcp` or `udp`".to_owned()),
    }
}

/// Reads `80` or `80-90`.
pub(crate) fn parse_range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |part: &str| match part.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ if part.is_empty() => Err("a port is missing".to_owned()),
        _ => Err("a port must be a number from 1 to 65535".to_owned()),
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err("a range of ports runs backwards".to_owned());
    }
    Ok((first, last))
}

/// What an entry of `ports` is told from others by.
pub(crate) fn identity(node: &Node) -> Option<String> {
    let Some(target) = node.get("target") else {
        let ports = parse(&node.printed()?).ok()?;
        let all = ports.iter().map(|port| format!("{port:?}"));
        return Some(all.collect());
    };
    let part = |key| node.get(key).and_then(Node::printed).unwrap_or_default();
    let protocol = node.get("protocol").and_then(Node::as_text).unwrap_or("tcp");
    let port = Port {
        host_ip: parse_ip(&part("host_ip")).ok()?,
        published: parse_published(&part("published")).ok()?,
        target: target.printed()?.parse().ok()?,
        protocol: parse_protocol(protocol).ok()?,
    };
    Some(format!("{port:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Err(reason) => reason,
            Ok(ports) => {
                let one = |p: &Port| {
                    let ip = p.host_ip.map(|ip| format!("{ip} ")).unwrap_or_default();
                    let host = match p.published {
                        Published::Any => "any".to_owned(),
                        Published::Port(port) => port.to_string(),
                        Published::Range(from, to) => format!("{from}..{to}"),
                    };
                    format!("{ip}{host}>{}/{:?}", p.target, p.protocol)
                };
                ports.iter().map(one).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn the_short_syntax_is_read() {
        let cases = [
            ("80", "any>80/Tcp"),
            ("8080:80", "8080>80/Tcp"),
            (":80", "any>80/Tcp"),
            ("53:53/udp", "53>53/Udp"),
            ("127.0.0.1:80:80", "127.0.0.1 80>80/Tcp"),
            ("127.0.0.1::80", "127.0.0.1 any>80/Tcp"),
            ("[::1]:80:80", "::1 80>80/Tcp"),
            ("::1:80:80", "::1 80>80/Tcp"),
            ("80-81:90-91", "80>90/Tcp 81>91/Tcp"),
            ("80-90:80", "80..90>80/Tcp"),
            ("80-80:80", "80>80/Tcp"),
            ("3000-3001", "any>3000/Tcp any>3001/Tcp"),
            ("80-81:90-92", "the two ranges of ports differ in length"),
            ("1-1000", "a range may hold at most 256 ports"),
            ("90-80:80", "a range of ports runs backwards"),
            ("", "a port is missing"),
            ("tcp", "a port must be a number from 1 to 65535"),
            ("0:80", "a port must be a number from 1 to 65535"),
            ("99999", "a port must be a number from 1 to 65535"),
            ("80/xyz", "the protocol must be `tcp` or `udp`"),
            ("x:80:80", "the host address is no IP address"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
