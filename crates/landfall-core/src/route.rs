//! The edge's route table: what a host serves, as one document with one generation.
//!
//! The table is swapped whole. Its persisted generation, and the rollout that each app's part names,
//! are the commit record of a cutover.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::id::{AppName, ReleaseNumber, RolloutNumber, ServiceName};

/// All routes of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RouteTable {
    /// Grows by one with each swap; a writer states the one it saw.
    pub generation: u64,
    /// Each app's part.
    pub apps: BTreeMap<AppName, AppRoutes>,
}

/// One app's routes: all of one rollout, so of one whole release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRoutes {
    /// The release that serves.
    pub release: ReleaseNumber,
    /// The rollout that brought it here.
    pub rollout: RolloutNumber,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// Requests on a listener for a host and path prefix go to an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Host address and port that the edge listens on.
    pub listen: SocketAddr,
    /// Host name without port, lower-case; `None` answers any host.
    pub host: Option<String>,
    /// Path prefix that ends at a segment's border; `/` for all.
    pub path: String,
    /// Where the requests go.
    pub upstream: Upstream,
}

/// The endpoints of one service of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The service.
    pub service: ServiceName,
    /// Its replicas' addresses; never empty in a table that serves.
    pub endpoints: Vec<SocketAddr>,
}

/// Why a table cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTable {
    /// Two apps, or two routes, claim the same place.
    #[error("{first} and {second} both claim {place}")]
    Conflict {
        /// Who came first.
        first: AppName,
        /// Who came second.
        second: AppName,
        /// Listener, host and path.
        place: String,
    },
    /// A route that leads nowhere.
    #[error("the route {place} of {app} has no endpoints")]
    Empty {
        /// Whose.
        app: AppName,
        /// Listener, host and path.
        place: String,
    },
}

impl Route {
    /// `host:port` listener, host and path in one line, as shown to people.
    pub fn place(&self) -> String {
        format!(
            "{}{}{}",
            self.listen,
            self.host.as_deref().map(|h| format!(" {h}")).unwrap_or_default(),
            self.path
        )
    }
}

impl RouteTable {
    /// Addresses that the edge must listen on for this table.
    pub fn listeners(&self) -> BTreeSet<SocketAddr> {
        self.apps.values().flat_map(|app| &app.routes).map(|route| route.listen).collect()
    }

    /// The table after one app's part is replaced (`None` takes it away), one generation on.
    pub fn with_app(&self, app: &AppName, routes: Option<AppRoutes>) -> Self {
        let mut next = Self { generation: self.generation + 1, apps: self.apps.clone() };
        match routes {
            Some(routes) => next.apps.insert(app.clone(), routes),
            None => next.apps.remove(app),
        };
        next
    }

    /// Checks that no two routes claim one place and none is empty.
    pub fn validate(&self) -> Result<(), InvalidTable> {
        let mut seen: BTreeMap<(SocketAddr, Option<&str>, &str), &AppName> = BTreeMap::new();
        for (app, part) in &self.apps {
            for route in &part.routes {
                if route.upstream.endpoints.is_empty() {
                    return Err(InvalidTable::Empty { app: app.clone(), place: route.place() });
                }
                let key = (route.listen, route.host.as_deref(), route.path.as_str());
                if let Some(first) = seen.insert(key, app) {
                    return Err(InvalidTable::Conflict {
                        first: first.clone(),
                        second: app.clone(),
                        place: route.place(),
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(listen: &str) -> AppRoutes {
        AppRoutes {
            release: ReleaseNumber(1),
            rollout: RolloutNumber(1),
            routes: vec![Route {
                listen: listen.parse().unwrap(),
                host: None,
                path: "/".into(),
                upstream: Upstream {
                    service: "web".parse().unwrap(),
                    endpoints: vec!["10.0.0.2:80".parse().unwrap()],
                },
            }],
        }
    }

    #[test]
    fn two_apps_on_one_place_are_refused() {
        let table = RouteTable::default()
            .with_app(&"a".parse().unwrap(), Some(part("127.0.0.1:80")))
            .with_app(&"b".parse().unwrap(), Some(part("127.0.0.1:80")));
        assert_eq!(table.generation, 2);
        assert!(matches!(table.validate(), Err(InvalidTable::Conflict { .. })));
        let apart = table.with_app(&"b".parse().unwrap(), Some(part("127.0.0.1:81")));
        assert_eq!(apart.validate(), Ok(()));
        assert_eq!(apart.listeners().len(), 2);
    }
}
