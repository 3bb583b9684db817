//! Routes of a release: its published ports and what `x-landfall` asks for, with fixed endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::PlanError;
use super::layout::Layout;
use crate::gate::Accept;
use crate::id::{RolloutNumber, ServiceName};
use crate::plan::Check;
use crate::release::Release;
use crate::route::{AppRoutes, Route, Upstream};
use crate::spec::{Protocol, ServiceSpec, Workload};

/// The routes of all replicated services.
pub(super) fn routes(
    release: &Release,
    rollout: RolloutNumber,
    layout: &Layout<'_>,
) -> Result<AppRoutes, PlanError> {
    let mut all = AppRoutes { release: release.number, rollout, routes: Vec::new() };
    add(release, Workload::Replicated, layout, &mut all)?;
    Ok(all)
}

/// Adds the routes of singletons, whose addresses are known once they are laid out.
pub(super) fn with_singletons(
    release: &Release,
    mut all: AppRoutes,
    layout: &Layout<'_>,
) -> Result<AppRoutes, PlanError> {
    add(release, Workload::Singleton, layout, &mut all)?;
    Ok(all)
}

fn add(
    release: &Release,
    workload: Workload,
    layout: &Layout<'_>,
    all: &mut AppRoutes,
) -> Result<(), PlanError> {
    let services = release.spec.services.iter().filter(|(_, s)| s.workload == workload);
    for (name, service) in services {
        for (listen, host, path, port) in places(service) {
            if service.replicas == 0 {
                return Err(PlanError::NoReplicas(name.clone()));
            }
            let endpoints: Vec<_> = layout
                .addresses(name)
                .iter()
                .map(|address| SocketAddr::new(IpAddr::V4(*address), port))
                .collect();
            if endpoints.is_empty() {
                return Err(PlanError::NoNetwork(name.clone()));
            }
            let upstream = Upstream { service: name.clone(), endpoints };
            push(all, Route { listen, host, path, upstream })?;
        }
    }
    Ok(())
}

fn push(all: &mut AppRoutes, route: Route) -> Result<(), PlanError> {
    let same =
        |r: &&Route| r.listen == route.listen && r.host == route.host && r.path == route.path;
    if let Some(first) = all.routes.iter().find(same) {
        return Err(PlanError::RouteConflict {
            first: first.upstream.service.clone(),
            second: route.upstream.service.clone(),
            place: route.place(),
        });
    }
    all.routes.push(route);
    Ok(())
}

/// Listener, host, path and container port of each route a service asks for.
fn places(service: &ServiceSpec) -> Vec<(SocketAddr, Option<String>, String, u16)> {
    let published = service.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    let published = published.filter_map(|port| {
        let listen = SocketAddr::new(port.host_ip, port.published?);
        Some((listen, None, "/".to_owned(), port.target))
    });
    let asked = service.routes.iter().map(|route| {
        let host = route.host.as_ref().map(|host| host.to_ascii_lowercase());
        (route.listen, host, route.path.clone(), route.port)
    });
    published.chain(asked).collect()
}

/// How many ports in a row a preview of the release needs.
pub fn preview_listeners(release: &Release) -> usize {
    let services = release.spec.services.values();
    let replicated = services.filter(|s| s.workload == Workload::Replicated);
    let listeners: BTreeSet<_> = replicated.flat_map(places).map(|place| place.0).collect();
    listeners.len()
}

/// The same routes at addresses of their own: each listener gets the next port from `first` on. Where
/// all routes of a listener are for one host, any host will do: a preview has no name yet.
pub(super) fn preview(candidate: &AppRoutes, first: SocketAddr) -> Result<AppRoutes, PlanError> {
    let listeners: BTreeSet<_> = candidate.routes.iter().map(|route| route.listen).collect();
    let mut previews = BTreeMap::new();
    for (index, listen) in listeners.iter().enumerate() {
        let port = u16::try_from(index).ok().and_then(|index| first.port().checked_add(index));
        let missing = || PlanError::PreviewPorts { from: first, needed: listeners.len() };
        previews.insert(*listen, SocketAddr::new(first.ip(), port.ok_or_else(missing)?));
    }
    let preview = |route: &Route| {
        let here = candidate.routes.iter().filter(|other| other.listen == route.listen);
        let one_host = here.map(|other| &other.host).all(|host| *host == route.host);
        Route {
            listen: previews[&route.listen],
            host: route.host.clone().filter(|_| !one_host),
            ..route.clone()
        }
    };
    let routes = candidate.routes.iter().map(preview).collect();
    Ok(AppRoutes { routes, ..candidate.clone() })
}

/// One check an endpoint: through the edge, the way users will come.
pub(super) fn checks(release: &Release, routes: &AppRoutes) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for route in &routes.routes {
        for endpoint in &route.upstream.endpoints {
            let (path, accept) = question(release, &route.upstream.service, endpoint.port());
            let host = route.host.clone().unwrap_or_else(|| route.listen.to_string());
            let check = Check {
                service: route.upstream.service.clone(),
                endpoint: *endpoint,
                host,
                path,
                accept,
            };
            if !checks.iter().any(|c| c.endpoint == check.endpoint && c.path == check.path) {
                checks.push(check);
            }
        }
    }
    checks
}

/// The declared health path if it is on this port, else the front page.
fn question(release: &Release, name: &ServiceName, port: u16) -> (String, Accept) {
    let health = release.spec.services.get(name).map(|s| &s.health);
    let declared = health.filter(|h| h.port.is_none_or(|p| p == port)).and_then(|h| h.path.clone());
    match declared {
        Some(path) => (path, Accept::Healthy),
        None => ("/".to_owned(), Accept::NotBroken),
    }
}
