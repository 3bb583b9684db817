//! Which request goes where: listener, then host, then the longest path prefix at a segment's
//! border. Pure; knows neither sockets nor targets.
//!
//! A route that names the request's host wins over one for any host, however short its path; if no
//! path of that host fits, the routes for any host are tried. Paths are compared as sent: no
//! decoding, no folding of `..`, so a prefix is a way to sort requests and never a guard.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use landfall_core::route::{Route, RouteTable};

/// A compiled table.
#[derive(Debug)]
pub(crate) struct Routing<T> {
    /// Few, so an ordered map finds them sooner than a hash.
    listeners: BTreeMap<SocketAddr, Listener<T>>,
}

#[derive(Debug)]
struct Listener<T> {
    hosts: HashMap<Box<str>, Paths<T>>,
    any_host: Paths<T>,
}

/// Prefixes without their trailing slash, longest first.
#[derive(Debug)]
struct Paths<T>(Vec<(Box<str>, T)>);

impl<T> Default for Routing<T> {
    fn default() -> Self {
        Self { listeners: BTreeMap::new() }
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Listener<T> {
    fn default() -> Self {
        Self { hosts: HashMap::new(), any_host: Paths::default() }
    }
}

impl<T> Routing<T> {
    /// Adds a route that leads to `upstream`.
    pub(crate) fn insert(&mut self, route: &Route, upstream: T) {
        let listener = self.listeners.entry(route.listen).or_default();
        let paths = match &route.host {
            Some(host) => listener.hosts.entry(plain_host(host).into()).or_default(),
            None => &mut listener.any_host,
        };
        let prefix = route.path.trim_end_matches('/');
        let at = paths.0.partition_point(|(other, _)| other.len() >= prefix.len());
        paths.0.insert(at, (prefix.into(), upstream));
    }

    /// The upstream for a request; `host` as in the `Host` header. `at` is the listener that the
    /// connection came through and the address that it came to: if the table has moved from
    /// `127.0.0.1:80` to `0.0.0.0:80` or back since, the connection is served all the same.
    pub(crate) fn find(&self, at: [SocketAddr; 2], host: &str, path: &str) -> Option<&T> {
        let listener = self.listeners.get(&at[0]).or_else(|| {
            let mut everywhere = at[1];
            everywhere.set_ip(match everywhere {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            });
            self.listeners.get(&at[1]).or_else(|| self.listeners.get(&everywhere))
        })?;
        let named = if listener.hosts.is_empty() {
            None
        } else {
            listener.hosts.get(plain_host(host).as_ref()).and_then(|paths| paths.find(path))
        };
        named.or_else(|| listener.any_host.find(path))
    }
}

impl<T> Paths<T> {
    fn find(&self, path: &str) -> Option<&T> {
        let fits = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0
            .iter()
            .find(|(prefix, _)| prefix.is_empty() || fits(prefix))
            .map(|(_, upstream)| upstream)
    }
}

/// The host without port and final dot, in lower case.
fn plain_host(host: &str) -> Cow<'_, str> {
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let name = host[..end].strip_suffix('.').unwrap_or(&host[..end]);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Says what the edge refuses beyond the table's own rules: hosts and paths it could never match,
/// and two routes that differ only by a trailing slash.
pub(crate) fn check(table: &RouteTable) -> Result<(), String> {
    table.validate().map_err(|invalid| invalid.to_string())?;
    let mut seen = HashSet::new();
    for (app, part) in table.parts() {
        for route in &part.routes {
            let place = route.place();
            let wrong = |why: &str| Err(format!("the route {place} of {app}: {why}"));
            if !route.path.starts_with('/') || route.path.contains(['?', '#', ' ']) {
                return wrong("a path begins with `/` and has no query");
            }
            if let Some(host) = &route.host
                && (host.is_empty() || plain_host(host) != host.as_str())
            {
                return wrong("a host is written in lower case, without port and final dot");
            }
            if route.listen.port() == 0 {
                return wrong("a listener needs a port");
            }
            let prefix = route.path.trim_end_matches('/');
            if !seen.insert((route.listen, route.host.as_deref(), prefix)) {
                return wrong("another route differs only by a trailing slash");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use landfall_core::id::{ReleaseNumber, RolloutNumber};
    use landfall_core::route::{AppRoutes, Upstream};

    use super::*;

    const HTTP: &str = "127.0.0.1:80";

    fn route(listen: &str, host: Option<&str>, path: &str) -> Route {
        Route {
            listen: listen.parse().unwrap(),
            host: host.map(str::to_owned),
            path: path.to_owned(),
            upstream: Upstream {
                service: "web".parse().unwrap(),
                endpoints: vec!["127.0.0.1:1".parse().unwrap()],
            },
        }
    }

    fn routing() -> Routing<&'static str> {
        let mut routing = Routing::default();
        for (listen, host, path, name) in [
            (HTTP, None, "/", "any"),
            (HTTP, None, "/api", "any api"),
            (HTTP, None, "/api/v2/", "any api v2"),
            (HTTP, Some("a.example"), "/shop", "a shop"),
            (HTTP, Some("b.example"), "/", "b"),
            (HTTP, Some("[::1]"), "/", "six"),
            ("127.0.0.1:81", Some("a.example"), "/", "other port"),
        ] {
            routing.insert(&route(listen, host, path), name);
        }
        routing
    }

    #[test]
    fn requests_find_their_routes() {
        let routing = routing();
        for (listen, host, path, expected) in [
            (HTTP, "x", "/", Some("any")),
            (HTTP, "", "/", Some("any")),
            (HTTP, "x", "*", Some("any")),
            (HTTP, "x", "/api", Some("any api")),
            (HTTP, "x", "/api/", Some("any api")),
            (HTTP, "x", "/apis", Some("any")),
            (HTTP, "x", "/api/v2", Some("any api v2")),
            (HTTP, "x", "/api/v2/y", Some("any api v2")),
            (HTTP, "x", "/api/v20", Some("any api")),
            (HTTP, "A.Example:8080", "/shop/1", Some("a shop")),
            (HTTP, "a.example.", "/shop", Some("a shop")),
            (HTTP, "a.example", "/shopping", Some("any")),
            (HTTP, "b.example", "/api", Some("b")),
            (HTTP, "[::1]:80", "/", Some("six")),
            ("127.0.0.1:81", "a.example", "/x", Some("other port")),
            ("127.0.0.1:81", "b.example", "/x", None),
            ("127.0.0.1:82", "a.example", "/x", None),
        ] {
            let found = routing.find([listen.parse().unwrap(); 2], host, path).copied();
            assert_eq!(found, expected, "{listen} {host} {path}");
        }
    }

    #[test]
    fn a_connection_outlives_a_change_between_one_address_and_all() {
        let mut routing = Routing::default();
        routing.insert(&route("0.0.0.0:80", None, "/"), "all");
        routing.insert(&route("127.0.0.1:81", None, "/"), "one");
        let find = |listen: &str, local: &str| {
            routing.find([listen.parse().unwrap(), local.parse().unwrap()], "", "/").copied()
        };
        assert_eq!(find("127.0.0.1:80", "127.0.0.1:80"), Some("all"));
        assert_eq!(find("0.0.0.0:81", "127.0.0.1:81"), Some("one"));
        assert_eq!(find("0.0.0.0:81", "127.0.0.2:81"), None);
    }

    #[test]
    fn routes_that_could_never_match_are_refused() {
        for (host, path, fine) in [
            (Some("a.example"), "/x", true),
            (Some("A.example"), "/x", false),
            (Some("a.example:80"), "/x", false),
            (Some(""), "/x", false),
            (None, "x", false),
            (None, "/x?y", false),
        ] {
            let part = AppRoutes {
                release: ReleaseNumber(1),
                rollout: RolloutNumber(1),
                routes: vec![route(HTTP, host, path)],
            };
            let table = RouteTable::default().with_app(&"shop".parse().unwrap(), Some(part));
            assert_eq!(check(&table).is_ok(), fine, "{host:?} {path}");
        }
    }

    #[test]
    fn a_trailing_slash_makes_no_second_route() {
        let part = AppRoutes {
            release: ReleaseNumber(1),
            rollout: RolloutNumber(1),
            routes: vec![route(HTTP, None, "/x"), route(HTTP, None, "/x/")],
        };
        let table = RouteTable::default().with_app(&"shop".parse().unwrap(), Some(part));
        assert!(check(&table).unwrap_err().contains("trailing slash"));
    }
}
