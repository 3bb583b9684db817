//! Where a held candidate is reached, as addresses that a person can open.

use std::collections::BTreeMap;

use landfall_core::route::Route;

/// One address for each listener and host of a preview.
pub(crate) fn places(preview: &[Route]) -> Vec<String> {
    let mut shortest: BTreeMap<_, &Route> = BTreeMap::new();
    for route in preview {
        let known = shortest.entry((route.listen, route.host.as_deref())).or_insert(route);
        if route.path.len() < known.path.len() {
            *known = route;
        }
    }
    shortest.into_values().map(place).collect()
}

fn place(route: &Route) -> String {
    let Route { listen, host, path, .. } = route;
    match host {
        None => format!("http://{listen}{path}"),
        // A browser needs the name to lead there: say where that is.
        Some(host) => format!("http://{host}:{}{path} at {}", listen.port(), listen.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::route::Upstream;

    fn route(listen: &str, host: Option<&str>, path: &str) -> Route {
        let upstream = Upstream { service: "web".parse().unwrap(), endpoints: Vec::new() };
        let host = host.map(str::to_owned);
        Route { listen: listen.parse().unwrap(), host, path: path.to_owned(), upstream }
    }

    #[test]
    fn each_listener_and_host_has_one_address() {
        let preview = [
            route("127.0.0.1:15000", None, "/api"),
            route("127.0.0.1:15000", None, "/"),
            route("127.0.0.1:15001", Some("shop.example"), "/admin"),
        ];
        assert_eq!(
            places(&preview),
            ["http://127.0.0.1:15000/", "http://shop.example:15001/admin at 127.0.0.1"]
        );
        assert!(places(&[]).is_empty());
    }
}
