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
    /// Candidates that are held before their cutover, each at addresses of its own. None leave no
    /// trace, so that a table without them is what it always was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previews: BTreeMap<AppName, AppRoutes>,
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

/// Why a table cannot follow another, though its generation does: some writer came back from the past.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rollout {known} of {app} is known here, {offered} is older: it cannot come back")]
pub struct Superseded {
    /// Whose.
    pub app: AppName,
    /// The newer rollout, which the table has.
    pub known: RolloutNumber,
    /// The older one, which was offered.
    pub offered: RolloutNumber,
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
        self.parts().flat_map(|(_, part)| &part.routes).map(|route| route.listen).collect()
    }

    /// Everything that requests may come for: what serves, then the previews.
    pub fn parts(&self) -> impl Iterator<Item = (&AppName, &AppRoutes)> {
        self.apps.iter().chain(&self.previews)
    }

    /// The table after one app's part is replaced (`None` takes it away), one generation on. The app's
    /// preview goes in the same generation: none outlives a cutover.
    pub fn with_app(&self, app: &AppName, routes: Option<AppRoutes>) -> Self {
        let mut next = Self { generation: self.generation + 1, ..self.clone() };
        match routes {
            Some(routes) => next.apps.insert(app.clone(), routes),
            None => next.apps.remove(app),
        };
        next.previews.remove(app);
        next
    }

    /// The table after one app's preview is replaced (`None` closes it), one generation on.
    pub fn with_preview(&self, app: &AppName, routes: Option<AppRoutes>) -> Self {
        let mut next = Self { generation: self.generation + 1, ..self.clone() };
        match routes {
            Some(routes) => next.previews.insert(app.clone(), routes),
            None => next.previews.remove(app),
        };
        next
    }

    /// The same one generation on: a swap that is still on its way then comes too late.
    pub fn fenced(&self) -> Self {
        Self { generation: self.generation + 1, ..self.clone() }
    }

    /// Whether `next` may follow this table: an app's routes only ever go from a rollout to a newer
    /// one, since going back is a new rollout too. So a writer that was stopped for long, and reads
    /// the table anew when it wakes up, still cannot undo what was done meanwhile.
    pub fn succeeded_by(&self, next: &Self) -> Result<(), Superseded> {
        let serves = next.apps.iter().map(|(app, part)| (app, part, self.apps.get(app)));
        let preview =
            |(app, part)| [(app, part, self.apps.get(app)), (app, part, self.previews.get(app))];
        for (app, part, known) in serves.chain(next.previews.iter().flat_map(preview)) {
            if let Some(known) = known.filter(|known| known.rollout > part.rollout) {
                let (known, offered) = (known.rollout, part.rollout);
                return Err(Superseded { app: app.clone(), known, offered });
            }
        }
        Ok(())
    }

    /// Checks that no two routes claim one place and none is empty.
    pub fn validate(&self) -> Result<(), InvalidTable> {
        let mut seen: BTreeMap<(SocketAddr, Option<&str>, &str), &AppName> = BTreeMap::new();
        for (app, part) in self.parts() {
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

    fn of(rollout: u32, listen: &str) -> AppRoutes {
        AppRoutes { rollout: RolloutNumber(rollout), ..part(listen) }
    }

    #[test]
    fn a_preview_has_a_place_of_its_own_and_goes_with_the_cutover() {
        let app = "shop".parse().unwrap();
        let serves = RouteTable::default().with_app(&app, Some(of(1, "127.0.0.1:80")));
        let same_place = serves.with_preview(&app, Some(of(2, "127.0.0.1:80")));
        assert!(matches!(same_place.validate(), Err(InvalidTable::Conflict { .. })));
        let held = serves.with_preview(&app, Some(of(2, "127.0.0.1:81")));
        assert_eq!((held.validate(), held.generation), (Ok(()), 2));
        assert_eq!(held.listeners().len(), 2);
        let promoted = held.with_app(&app, Some(of(2, "127.0.0.1:80")));
        assert_eq!((promoted.previews.len(), promoted.generation), (0, 3));
        let called_off = held.with_preview(&app, None);
        assert_eq!((&called_off.apps, called_off.previews.len()), (&serves.apps, 0));
        let down = held.with_app(&app, None);
        assert!(down.apps.is_empty() && down.previews.is_empty());
    }

    #[test]
    fn a_table_without_previews_is_written_as_ever_and_read_without_them() {
        let app = "shop".parse().unwrap();
        let table = RouteTable::default().with_app(&app, Some(part("127.0.0.1:80")));
        let text = serde_json::to_string(&table).unwrap();
        assert!(!text.contains("preview"), "{text}");
        assert_eq!(serde_json::from_str::<RouteTable>(&text).unwrap(), table);
        let held = table.with_preview(&app, Some(of(2, "127.0.0.1:81")));
        let text = serde_json::to_string(&held).unwrap();
        assert_eq!(serde_json::from_str::<RouteTable>(&text).unwrap(), held);
    }

    /// I12: an older rollout never takes back what a newer one has.
    #[test]
    fn routes_never_go_back_to_an_older_rollout() {
        let (app, other) = ("shop".parse().unwrap(), "blog".parse().unwrap());
        let at = "127.0.0.1:80";
        let empty = RouteTable::default();
        let third = empty.with_app(&app, Some(of(3, at)));
        let back = |from: &RouteTable, to: RouteTable| from.succeeded_by(&to).is_ok();
        assert!(back(&empty, third.clone()));
        assert!(back(&third, third.with_app(&app, Some(of(3, "127.0.0.1:81")))), "the same one");
        assert!(back(&third, third.with_app(&app, Some(of(4, at)))));
        assert!(!back(&third, third.with_app(&app, Some(of(2, at)))));
        assert!(back(&third, third.with_app(&other, Some(of(1, "127.0.0.1:82")))), "another app");
        assert!(back(&third, third.with_app(&app, None)), "down");
        let held = third.with_preview(&app, Some(of(4, "127.0.0.1:81")));
        assert!(back(&third, held.clone()));
        assert!(!back(&third, third.with_preview(&app, Some(of(2, "127.0.0.1:81")))));
        assert!(!back(&held, held.with_preview(&app, Some(of(3, "127.0.0.1:82")))));
        assert!(back(&held, held.with_preview(&app, None)));
    }
}
