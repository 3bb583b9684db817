//! Heads on their way through: hop-by-hop headers stay behind, everything else passes untouched.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Uri, Version, request, response};

use crate::answer::{REASON_HEADER, Reason};
use crate::forward::{self, Peer};
use crate::gather::KEY_HEADER;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const REASON: HeaderName = HeaderName::from_static(REASON_HEADER);

/// What a look at all headers has found, so that the rare ones cost nothing else.
#[derive(Default)]
struct Seen {
    hosts: usize,
    connection: bool,
    /// `Connection` says more than whether to keep it.
    names: bool,
    transfer_encoding: bool,
    te: bool,
    upgrade: bool,
    expect: bool,
    proxy: bool,
    reason: bool,
    claims: bool,
    key: bool,
}

impl Seen {
    fn look(headers: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "host" => seen.hosts += 1,
                "connection" => {
                    seen.connection = true;
                    seen.names |= !is_plain(value);
                }
                "transfer-encoding" => seen.transfer_encoding = true,
                "te" => seen.te = true,
                "upgrade" => seen.upgrade = true,
                "expect" => seen.expect = true,
                "keep-alive"
                | "proxy-connection"
                | "proxy-authorization"
                | "proxy-authenticate" => seen.proxy = true,
                REASON_HEADER => seen.reason = true,
                KEY_HEADER => seen.key = true,
                other => seen.claims |= forward::is_claim(other),
            }
        }
        seen
    }
}

/// What routing and the exchange need to know of a head.
#[derive(Debug)]
pub(crate) struct Outline {
    /// As sent, and text.
    pub(crate) host: HeaderValue,
    /// It asks for an upgrade.
    pub(crate) upgrade: bool,
    /// Its sender vouches that it may come twice.
    pub(crate) keyed: bool,
}

/// Turns a client's head into the one for the endpoint.
pub(crate) fn prepare_request(
    parts: &mut request::Parts,
    peer: &Peer,
    fallback_host: impl FnOnce() -> HeaderValue,
) -> Result<Outline, Reason> {
    if parts.method == Method::CONNECT {
        return Err(Reason::Unsupported);
    }
    let seen = Seen::look(&parts.headers);
    let host = settle_host(parts, &seen, fallback_host)?;
    let headers = &mut parts.headers;
    if seen.transfer_encoding {
        // Hyper has decoded chunks and nothing else; any other coding would be passed on unnamed.
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        let chunked = codings.next().is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if !chunked || codings.next().is_some() {
            return Err(Reason::Unsupported);
        }
        headers.remove(CONTENT_LENGTH);
    }
    let upgrade = (seen.upgrade && seen.names && parts.version == Version::HTTP_11)
        .then(|| upgrade_protocol(headers))
        .flatten();
    let trailers = seen.te && lists(headers, &TE, "trailers");
    drop_hop_by_hop(headers, &seen);
    if seen.te {
        headers.remove(TE);
    }
    if seen.expect {
        // Hyper tells the client to continue as soon as the endpoint's connection wants the body.
        headers.remove(EXPECT);
    }
    if let Some(protocol) = &upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    } else if trailers {
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    peer.announce(headers, &host, seen.claims);
    parts.version = Version::HTTP_11;
    Ok(Outline { host, upgrade: upgrade.is_some(), keyed: seen.key })
}

/// Turns an endpoint's head into the one for the client.
pub(crate) fn prepare_response(parts: &mut response::Parts, upgraded: bool) {
    let seen = Seen::look(&parts.headers);
    let headers = &mut parts.headers;
    if seen.transfer_encoding {
        headers.remove(TRANSFER_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    let protocol = upgraded.then(|| headers.get(UPGRADE).cloned()).flatten();
    drop_hop_by_hop(headers, &seen);
    if seen.reason {
        headers.remove(REASON);
    }
    if upgraded {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        if let Some(protocol) = protocol {
            headers.insert(UPGRADE, protocol);
        }
    }
    parts.version = Version::HTTP_11;
}

/// Makes sure of exactly one `Host` and a target in origin form (or `*`).
fn settle_host(
    parts: &mut request::Parts,
    seen: &Seen,
    fallback_host: impl FnOnce() -> HeaderValue,
) -> Result<HeaderValue, Reason> {
    let host = if let Some(authority) = parts.uri.authority() {
        // Absolute form: its authority replaces `Host` (RFC 9112 §3.2.2).
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Reason::BadRequest)?;
        let path = parts.uri.path_and_query().cloned().ok_or(Reason::BadRequest)?;
        parts.headers.insert(HOST, host.clone());
        parts.uri = Uri::from(path);
        host
    } else if seen.hosts == 0 && parts.version < Version::HTTP_11 {
        let host = fallback_host();
        parts.headers.insert(HOST, host.clone());
        host
    } else {
        match parts.headers.get(HOST) {
            Some(host) if seen.hosts == 1 => host.clone(),
            _ => return Err(Reason::BadRequest),
        }
    };
    let path = parts.uri.path();
    let usable = host.to_str().is_ok() && (path.starts_with('/') || path == "*");
    if usable { Ok(host) } else { Err(Reason::BadRequest) }
}

/// The protocol to upgrade to. Not `h2c`: it would tunnel requests past the routes.
fn upgrade_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(UPGRADE)?;
    let asked = lists(headers, &CONNECTION, "upgrade") && !lists(headers, &UPGRADE, "h2c");
    asked.then(|| protocol.clone())
}

fn drop_hop_by_hop(headers: &mut HeaderMap, seen: &Seen) {
    if seen.names {
        drop_named(headers);
    }
    if seen.connection {
        headers.remove(CONNECTION);
    }
    if seen.upgrade {
        headers.remove(UPGRADE);
    }
    if seen.proxy {
        for name in [KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHORIZATION, PROXY_AUTHENTICATE] {
            headers.remove(name);
        }
    }
}

/// Whether a `Connection` header says nothing but whether to keep the connection.
fn is_plain(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
}

/// Drops the headers that `Connection` names.
fn drop_named(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        // Framing and routing are ours; the rest of this list is dealt with by name.
        .filter(|name| ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING, TE, UPGRADE].contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
}

fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(tokens)
        .any(|token| token.eq_ignore_ascii_case(wanted.as_bytes()))
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn prepared(
        method: &str,
        uri: &str,
        version: Version,
        sent: &[(&str, &str)],
    ) -> Result<(request::Parts, Outline), Reason> {
        let mut request = Request::builder().method(method).uri(uri).version(version);
        for (name, value) in sent {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let peer = Peer::new("10.0.0.9:1".parse().unwrap(), &[]);
        let upgrade = prepare_request(&mut parts, &peer, || HeaderValue::from_static("fallback"))?;
        Ok((parts, upgrade))
    }

    const NEW: Version = Version::HTTP_11;

    #[test]
    fn hop_by_hop_headers_stay_behind() {
        let sent = [
            ("host", "a.example"),
            ("connection", "keep-alive, X-Secret"),
            ("x-secret", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip"),
            ("proxy-authorization", "x"),
            ("expect", "100-continue"),
            ("x-kept", "1"),
        ];
        let (parts, outline) = prepared("POST", "/x", NEW, &sent).unwrap();
        assert!(!outline.upgrade);
        let mut names: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-kept"]
        );
    }

    #[test]
    fn hosts_are_settled() {
        let host = |result: Result<(request::Parts, Outline), Reason>| {
            result.map(|(parts, outline)| {
                assert_eq!(parts.headers.get_all(HOST).iter().collect::<Vec<_>>(), [outline.host]);
                (parts.headers[HOST].clone(), parts.uri.to_string())
            })
        };
        let (found, uri) =
            host(prepared("GET", "http://b.example/y?z", NEW, &[("host", "a")])).unwrap();
        assert_eq!((found.as_bytes(), uri.as_str()), (&b"b.example"[..], "/y?z"));
        let (found, _) = host(prepared("GET", "/", Version::HTTP_10, &[])).unwrap();
        assert_eq!(found, "fallback");
        for sent in [&[][..], &[("host", "a"), ("host", "b")]] {
            assert_eq!(prepared("GET", "/", NEW, sent).unwrap_err(), Reason::BadRequest);
        }
        let refused = prepared("CONNECT", "a.example:80", NEW, &[("host", "a")]).unwrap_err();
        assert_eq!(refused, Reason::Unsupported);
    }

    #[test]
    fn upgrades_pass_but_not_to_clear_text_http_2() {
        let ask = |protocol| {
            let sent = [("host", "a"), ("connection", "Upgrade"), ("upgrade", protocol)];
            prepared("GET", "/", NEW, &sent).unwrap()
        };
        let (parts, outline) = ask("websocket");
        assert!(outline.upgrade);
        assert_eq!(parts.headers[UPGRADE], "websocket");
        let (parts, outline) = ask("h2c");
        assert!(!outline.upgrade && !parts.headers.contains_key(UPGRADE));
    }

    #[test]
    fn only_chunks_are_a_known_transfer_coding() {
        let ask = |coding| prepared("POST", "/", NEW, &[("host", "a"), coding]).map(|_| ());
        assert_eq!(ask(("transfer-encoding", "chunked")), Ok(()));
        assert_eq!(ask(("transfer-encoding", "gzip, chunked")), Err(Reason::Unsupported));
    }

    #[test]
    fn an_answers_framing_is_left_to_hyper_and_its_reason_to_the_edge() {
        let (mut parts, ()) = http::Response::builder()
            .header("transfer-encoding", "chunked")
            .header("content-length", "5")
            .header(REASON_HEADER, "no-route")
            .header("x-kept", "1")
            .body(())
            .unwrap()
            .into_parts();
        prepare_response(&mut parts, false);
        assert_eq!(parts.headers.keys().collect::<Vec<_>>(), ["x-kept"]);
    }
}
