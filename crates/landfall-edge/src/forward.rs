//! What a request says about where it comes from: `X-Forwarded-For`, `-Proto` and `-Host`.
//!
//! A stranger's own claims are thrown away. A trusted peer's are kept, with the peer added to the
//! chain.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SENT_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The peer of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    address: HeaderValue,
    trusted: bool,
}

impl Peer {
    pub(crate) fn new(peer: SocketAddr, trusted: &[IpNet]) -> Self {
        let ip = peer.ip().to_canonical();
        Self { address: header_value(ip), trusted: trusted.iter().any(|net| net.contains(&ip)) }
    }

    /// Sets the three headers. `claims` says whether the request had any `X-Forwarded-*` or
    /// `Forwarded` header.
    pub(crate) fn announce(&self, headers: &mut HeaderMap, host: &HeaderValue, claims: bool) {
        if claims && !self.trusted {
            strip(headers);
        }
        if claims && self.trusted {
            let chain = chained(headers, &self.address);
            headers.insert(FOR, chain);
            headers.entry(PROTO).or_insert(HeaderValue::from_static("http"));
            headers.entry(SENT_HOST).or_insert_with(|| host.clone());
            return;
        }
        headers.reserve(3);
        headers.insert(FOR, self.address.clone());
        headers.insert(PROTO, HeaderValue::from_static("http"));
        headers.insert(SENT_HOST, host.clone());
    }
}

/// Whether a header speaks of where the request came from.
pub(crate) fn is_claim(name: &str) -> bool {
    name.starts_with("x-forwarded-") || name == "forwarded" || name == "x-real-ip"
}

fn strip(headers: &mut HeaderMap) {
    let claims: Vec<_> = headers.keys().filter(|name| is_claim(name.as_str())).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
    headers.remove(FORWARDED);
}

fn chained(headers: &HeaderMap, peer: &HeaderValue) -> HeaderValue {
    let mut chain = Vec::new();
    for value in headers.get_all(FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(peer.as_bytes());
    HeaderValue::from_bytes(&chain).unwrap_or_else(|_| peer.clone())
}

fn header_value(ip: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&ip.to_string()).expect("an address is plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(trusted: &[&str], sent: &[(&'static str, &str)]) -> HeaderMap {
        let nets: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        let host = HeaderValue::from_static("a.example");
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let claims = headers.keys().any(|name| is_claim(name.as_str()));
        Peer::new("10.0.0.9:1234".parse().unwrap(), &nets).announce(&mut headers, &host, claims);
        headers
    }

    const CLAIMS: [(&str, &str); 5] = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-real-ip", "1.1.1.1"),
    ];

    #[test]
    fn a_strangers_claims_are_thrown_away() {
        let headers = announced(&["192.168.0.0/16"], &CLAIMS);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.9");
        assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "a.example");
        assert!(!headers.contains_key("x-real-ip"));
    }

    #[test]
    fn a_trusted_peers_claims_are_kept_and_it_is_added() {
        let headers = announced(&["10.0.0.0/8"], &CLAIMS);
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 2.2.2.2, 10.0.0.9");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "evil.example");
    }
}
