//! The world as it is before a plan: containers, networks, addresses in use, the edge's table.

use ipnet::Ipv4Net;
use landfall_api::Problem;
use landfall_core::id::AppName;
use landfall_core::label::Scope;
use landfall_core::plan::{Plan, Step};
use landfall_core::planner::{PresentNetwork, PresentStateful};
use landfall_core::release::Release;
use landfall_core::route::RouteTable;
use landfall_core::spec::Workload;
use landfall_deploy::ports::{Edge, Engine, FoundContainer, Selector, Status};

use crate::agent::{Agent, Past};
use crate::ground::{Ground, HostView};
use crate::history::{self, ServingSince};
use crate::problems;

/// What was seen.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) containers: Vec<FoundContainer>,
    pub(crate) networks: Vec<PresentNetwork>,
    /// Subnets of the engine, of the host's routes, and of plans that run now.
    pub(crate) taken: Vec<Ipv4Net>,
    pub(crate) table: RouteTable,
    /// Plans of other apps that run now: their routes may not be in the table yet.
    pub(crate) open_plans: Vec<Plan>,
}

impl<G: Ground> Agent<G> {
    /// Looks. The edge must answer: without it nothing can be cut over.
    pub(crate) async fn look(&self, app: &AppName) -> Result<World, Problem> {
        let failed = |error| problems::engine(&error);
        let containers = self.platform.containers(&Selector::app(app)).await.map_err(failed)?;
        let networks = self.platform.networks(app).await.map_err(failed)?;
        let networks = networks
            .into_iter()
            .map(|network| PresentNetwork { name: network.name, subnet: network.subnet })
            .collect();
        let mut taken = self.platform.subnets().await.map_err(failed)?;
        match self.host.routed_subnets() {
            Ok(routed) => taken.extend(routed),
            Err(error) => tracing::warn!(%error, "the host's routes cannot be read"),
        }
        let others = self.leases.all().into_iter().filter(|lease| lease.of.app != *app);
        let open_plans: Vec<_> = others.filter_map(|lease| lease.plan()).collect();
        taken.extend(open_plans.iter().flat_map(planned_subnets));
        let table = self.edge.table().await.map_err(|error| problems::edge(&error))?;
        Ok(World { containers, networks, taken, table, open_plans })
    }
}

fn planned_subnets(plan: &Plan) -> impl Iterator<Item = Ipv4Net> + '_ {
    let networks = plan.steps.iter().filter_map(|step| {
        let Step::CreateNetworks { networks } = step else { return None };
        Some(networks)
    });
    networks.flatten().map(|network| network.subnet)
}

impl World {
    /// Stateful containers that may have served; not what a dead rollout left.
    pub(crate) fn stateful<'a>(
        &'a self,
        past: &'a Past,
    ) -> impl Iterator<Item = &'a FoundContainer> + 'a {
        self.containers.iter().filter(|found| {
            found.labels.scope == Scope::App && !history::is_leftover(&past.rollouts, found)
        })
    }

    /// The same, as the planner has them.
    pub(crate) fn present_stateful(&self, past: &Past) -> Vec<PresentStateful> {
        self.stateful(past)
            .filter_map(|found| {
                Some(PresentStateful {
                    service: found.labels.service.clone()?,
                    name: found.name.clone(),
                    revision: found.labels.revision.clone()?,
                    running: found.status == Status::Running,
                })
            })
            .collect()
    }

    /// Whether a release serves, whole: every replica runs, and the edge has its routes.
    pub(crate) fn serves(&self, since: ServingSince, release: &Release) -> bool {
        let at_edge = self.table.apps.get(release.app()).map(|part| part.rollout);
        let replicas_run = release.spec.services.iter().all(|(name, service)| {
            let running = self.containers.iter().filter(|found| {
                let ours = match service.workload {
                    Workload::Stateful => found.labels.scope == Scope::App,
                    Workload::Replicated | Workload::Singleton | Workload::OneOff => {
                        found.labels.rollout == since.rollout
                    }
                };
                ours && found.labels.service.as_ref() == Some(name)
                    && found.status == Status::Running
            });
            service.workload == Workload::OneOff
                || running.count() >= usize::try_from(service.replicas).unwrap_or(usize::MAX)
        });
        at_edge == Some(since.rollout) && replicas_run
    }
}
