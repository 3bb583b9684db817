//! What can be known to fail before anything is touched: ports that are taken, and by whom; routes
//! that another app claims.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use landfall_api::{Problem, ProblemCode};
use landfall_core::control::ListenCheck;
use landfall_core::plan::{Plan, Step};
use landfall_core::release::Release;
use landfall_core::route::{AppRoutes, RouteTable};
use landfall_core::spec::Protocol;

use crate::agent::Agent;
use crate::ground::{EdgeProcess, Ground, HostView};
use crate::platform::Platform;
use crate::problems;
use crate::world::World;

impl<G: Ground> Agent<G> {
    /// Checks a plan against the world.
    pub(crate) async fn preflight(
        &self,
        plan: &Plan,
        release: Option<&Release>,
        world: &World,
    ) -> Result<(), Problem> {
        let routes = planned_routes(plan);
        // Plans that run now count as if they had been cut over already, and were held still.
        let table = world.open_plans.iter().fold(world.table.clone(), |table, open| {
            let table = match planned_routes(open) {
                Some(routes) => table.with_app(&open.app, Some(routes.clone())),
                None => table,
            };
            match open.preview() {
                Some(preview) => table.with_preview(&open.app, Some(preview.clone())),
                None => table,
            }
        });
        let held = table.with_preview(&plan.app, plan.preview().cloned());
        let next = table.with_app(&plan.app, routes.cloned());
        for table in [held, next] {
            table.validate().map_err(|error| problems::table(&error))?;
        }
        let parts = routes.into_iter().chain(plan.preview());
        let mut taken = self.taken_listeners(parts, &world.table).await?;
        if let Some(release) = release {
            taken.extend(self.taken_native_ports(plan, release, world).await?);
        }
        match taken.len() {
            0 => Ok(()),
            1 => Err(port_taken(taken.remove(0))),
            n => Err(port_taken(format!("{n} ports are taken")).details(taken)),
        }
    }

    /// Addresses for the edge that it does not have and cannot get.
    async fn taken_listeners(
        &self,
        parts: impl Iterator<Item = &AppRoutes>,
        table: &RouteTable,
    ) -> Result<Vec<String>, Problem> {
        let present = table.listeners();
        let wanted: BTreeSet<_> =
            parts.flat_map(|part| &part.routes).map(|route| route.listen).collect();
        let listen: Vec<_> = wanted.difference(&present).copied().collect();
        if listen.is_empty() {
            return Ok(Vec::new());
        }
        let checked = self.edge.listen_check(&ListenCheck { listen }).await;
        let checked = checked.map_err(|error| {
            Problem::new(ProblemCode::Unavailable, format!("the edge does not answer: {error}"))
        })?;
        let mut taken = Vec::new();
        for (address, why) in checked.unusable {
            taken.push(match self.who_has(address, Protocol::Tcp).await {
                Some(who) => format!("port {address} is taken by {who}"),
                None => format!("the edge cannot listen on {address}: {why}"),
            });
        }
        Ok(taken)
    }

    /// Ports that a stateful service would publish through the engine, and somebody else has.
    async fn taken_native_ports(
        &self,
        plan: &Plan,
        release: &Release,
        world: &World,
    ) -> Result<Vec<String>, Problem> {
        let mut taken = Vec::new();
        for step in &plan.steps {
            let Step::StartStateful { replica, .. } = step else { continue };
            let Some(service) = release.spec.services.get(&replica.service) else { continue };
            // What this app has at the engine already makes room for it.
            let ours = |name: &str| world.containers.iter().any(|found| found.name == name);
            for port in &service.ports {
                let Some(published) = port.published else { continue };
                let address = SocketAddr::new(port.host_ip, published);
                match self.publisher(address, port.protocol).await? {
                    Some(name) if ours(&name) => {}
                    Some(name) => {
                        taken.push(format!("port {address} is taken by container {name}"));
                    }
                    None => {
                        let listener = self.host.who_listens(address, port.protocol);
                        taken.extend(
                            listener.map(|who| format!("port {address} is taken by {who}")),
                        );
                    }
                }
            }
        }
        Ok(taken)
    }

    async fn who_has(&self, address: SocketAddr, protocol: Protocol) -> Option<String> {
        // Only the message depends on it: an engine that does not know must not hide the port.
        let container = self.publisher(address, protocol).await.ok().flatten();
        let container = container.map(|name| format!("container {name}"));
        container.or_else(|| self.host.who_listens(address, protocol))
    }

    async fn publisher(
        &self,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Result<Option<String>, Problem> {
        let found = self.platform.who_publishes(address, protocol).await;
        found.map_err(|error| problems::engine(&error))
    }
}

fn planned_routes(plan: &Plan) -> Option<&AppRoutes> {
    plan.steps.iter().find_map(|step| {
        let Step::Cutover { routes } = step else { return None };
        routes.as_ref()
    })
}

fn port_taken(message: String) -> Problem {
    Problem::new(ProblemCode::PortTaken, message)
        .hint("stop what has it, or publish another port in the compose file")
}
