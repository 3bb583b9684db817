//! Plans: from what is wanted and what is there to an ordered list of steps with one pivot.
//!
//! Pure. Order: networks, volumes, files, stateful services, one-offs and replicas by dependency,
//! verify, singletons, then the pivot; draining and clean-up after it. A rollout that is held stops
//! after its verification and goes through all of it once more when it is promoted.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ipnet::Ipv4Net;

use crate::id::{Key, ReleaseNumber, Revision, RolloutNumber, ServiceName};
use crate::label::Scope;
use crate::mutation::{Mutation, planted};
use crate::name;
use crate::plan::{ImagePin, Plan, PlannedNetwork, PlannedVolume, RolloutKind, Serving, Step};
use crate::release::Release;
use crate::spec::{NetworkSpec, VolumeScope, Workload};
use crate::subnet::{self, PoolExhausted};

mod hold;
mod layout;
mod order;
mod routes;

pub use routes::preview_listeners;

use layout::Layout;

/// Everything that a plan depends on.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// What it is for.
    pub kind: RolloutKind,
    /// The number it will have.
    pub rollout: RolloutNumber,
    /// The release it leads to; `None` for `Down`.
    pub release: Option<&'a Release>,
    /// What serves now.
    pub serving: Option<ServingRelease<'a>>,
    /// Stateful containers at the engine.
    pub stateful: &'a [PresentStateful],
    /// Networks of this app at the engine.
    pub networks: &'a [PresentNetwork],
    /// Subnets in use, by the engine or by the host's routes.
    pub taken: &'a [Ipv4Net],
    /// Where our subnets come from.
    pub pool: Ipv4Net,
    /// Releases that can still be rolled back to once this rollout succeeds.
    pub keep: Vec<ReleaseNumber>,
    /// Wait for consent before the cutover.
    pub hold: Option<HoldWish>,
}

/// The wish that a rollout is held before its cutover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldWish {
    /// Where the candidate is reached meanwhile: the first of as many ports as
    /// [`preview_listeners`] says.
    pub preview: SocketAddr,
    /// How long at most; `None`: for ever.
    pub max_ms: Option<u64>,
}

/// A release that serves.
#[derive(Debug, Clone, Copy)]
pub struct ServingRelease<'a> {
    /// It.
    pub release: &'a Release,
    /// The rollout whose containers run.
    pub rollout: RolloutNumber,
}

/// A stateful container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentStateful {
    /// Of which service.
    pub service: ServiceName,
    /// Name at the engine.
    pub name: String,
    /// What it is.
    pub revision: Revision,
    /// Whether it runs.
    pub running: bool,
}

/// A network of this app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentNetwork {
    /// Name at the engine.
    pub name: String,
    /// Its addresses.
    pub subnet: Option<Ipv4Net>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The subnet pool is used up.
    #[error(transparent)]
    Pool(#[from] PoolExhausted),
    /// Services wait for each other.
    #[error("the services {} wait for each other", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<ServiceName>),
    /// A routed service has no replica to route to.
    #[error("service {0} publishes a port but has no replicas")]
    NoReplicas(ServiceName),
    /// Two routes of the app claim one place.
    #[error("services {first} and {second} both claim {place}")]
    RouteConflict {
        /// The first.
        first: ServiceName,
        /// The second.
        second: ServiceName,
        /// Listener, host and path.
        place: String,
    },
    /// A routed service is on no network.
    #[error("service {0} publishes a port but is on no network")]
    NoNetwork(ServiceName),
    /// Addresses that the compose file asks for belong to somebody else.
    #[error("the subnet {subnet} of network {network} overlaps one that is in use on this host")]
    SubnetTaken {
        /// The network's key.
        network: Key,
        /// What it asks for.
        subnet: Ipv4Net,
    },
    /// There are fewer ports from the preview's address on than it needs.
    #[error("the preview needs {needed} ports from {from} on, and there are not so many")]
    PreviewPorts {
        /// Its first address.
        from: SocketAddr,
        /// How many.
        needed: usize,
    },
    /// A service without a sealed image, or a deploy without a release.
    #[error("{0}")]
    Unsealed(String),
}

/// Makes the plan.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    match (input.kind, input.release) {
        (RolloutKind::Down, _) => Ok(down(input)),
        (RolloutKind::Deploy | RolloutKind::RollBack, Some(release)) => to_release(input, release),
        (RolloutKind::Deploy | RolloutKind::RollBack, None) => {
            Err(PlanError::Unsealed("a deploy needs a release".to_owned()))
        }
        (RolloutKind::Recovered, _) => {
            Err(PlanError::Unsealed("what is recovered is found, not planned".to_owned()))
        }
    }
}

fn down(input: &PlanInput<'_>) -> Plan {
    let from = input.serving.map(|s| s.rollout);
    let settings = input.serving.map(|s| &s.release.spec.settings);
    let steps = vec![
        Step::Cutover { routes: None },
        Step::Drain { from, deadline_ms: settings.map_or(0, |s| s.drain_ms) },
        Step::StopOld { keep: Vec::new(), grace_ms: graces(input) },
        Step::Prune { keep: input.keep.clone(), networks: Vec::new() },
    ];
    let notes = vec!["named volumes stay: landfall never deletes data".to_owned()];
    let app = input.serving.map(|s| s.release.app().clone());
    Plan {
        app: app.or(input.release.map(|r| r.app().clone())).expect("down names what serves"),
        rollout: input.rollout,
        kind: input.kind,
        previous: serving(input),
        release: None,
        steps,
        pivot: 0,
        hold: None,
        step_deadline_ms: settings.map_or(300_000, |s| s.progress_deadline_ms),
        notes,
    }
}

/// How long the serving release's services may take to stop.
fn graces(input: &PlanInput<'_>) -> BTreeMap<ServiceName, u64> {
    let services = input.serving.into_iter().flat_map(|s| &s.release.spec.services);
    services.map(|(name, service)| (name.clone(), service.stop_grace_ms())).collect()
}

fn serving(input: &PlanInput<'_>) -> Option<Serving> {
    input.serving.map(|s| Serving { release: s.release.number, rollout: s.rollout })
}

fn to_release(input: &PlanInput<'_>, release: &Release) -> Result<Plan, PlanError> {
    let networks = plan_networks(input, release)?;
    let mut layout = Layout::new(input, release, &networks);
    let mut notes = Vec::new();
    let mut steps = prepare(input, release, &networks);

    let kept = layout.links_of_kept();
    if !kept.is_empty() {
        steps.push(Step::LinkStateful { links: kept });
    }
    for step in order::service_steps(&mut layout, &mut notes)? {
        steps.push(step);
    }
    let routes = routes::routes(release, input.rollout, &layout)?;
    let verify = Step::Verify { checks: routes::checks(release, &routes) };
    let hold = match input.hold {
        Some(wish) => {
            notes.extend(hold::notes(release));
            Some(hold::steps(&mut steps, wish, &routes, &verify)?)
        }
        None => None,
    };
    let links = layout.names_to_take();
    if !links.is_empty() {
        steps.push(Step::TakeNames { links });
    }
    steps.push(verify);
    for name in order::singletons(release)? {
        let replica = layout.replica(&name, 1)?;
        let within = layout.living_in(&name);
        steps.push(Step::HandOver { replica, from: input.serving.map(|s| s.rollout), within });
    }
    let routes = routes::with_singletons(release, routes, &layout)?;
    let stop_old = Step::StopOld { keep: layout.stateful_names(), grace_ms: graces(input) };
    let persistent = networks.iter().filter(|n| n.scope == Scope::App);
    let prune = Step::Prune {
        keep: input.keep.clone(),
        networks: persistent.map(|n| n.name.clone()).collect(),
    };
    if planted(Mutation::StopOldBeforeCutover) {
        steps.push(stop_old.clone());
    }
    if planted(Mutation::PruneBeforeCutover) {
        steps.push(prune.clone());
    }
    let pivot = steps.len();
    steps.push(Step::Cutover { routes: Some(routes) });
    steps.push(Step::Drain {
        from: input.serving.map(|s| s.rollout),
        deadline_ms: release.spec.settings.drain_ms,
    });
    steps.push(stop_old);
    steps.push(prune);
    Ok(Plan {
        app: release.app().clone(),
        rollout: input.rollout,
        kind: input.kind,
        previous: serving(input),
        release: Some(release.number),
        steps,
        pivot,
        hold,
        step_deadline_ms: release.spec.settings.progress_deadline_ms,
        notes,
    })
}

/// The steps that need no service: pins, networks, volumes, files.
fn prepare(input: &PlanInput<'_>, release: &Release, networks: &[PlannedNetwork]) -> Vec<Step> {
    let app = release.app();
    let mut steps = Vec::new();
    if input.kind == RolloutKind::Deploy {
        let mut pins: Vec<ImagePin> = Vec::new();
        for (service, image) in &release.images {
            if pins.iter().all(|pin| pin.image != image.id) {
                let tag = name::image_tag(app, release.number, service);
                pins.push(ImagePin { image: image.id.clone(), tag });
            }
        }
        steps.push(Step::PinImages { pins });
    }
    if !networks.is_empty() {
        steps.push(Step::CreateNetworks { networks: networks.to_vec() });
    }
    let volumes: Vec<_> = release
        .spec
        .volumes
        .iter()
        .map(|(key, volume)| match volume.scope {
            VolumeScope::App => {
                PlannedVolume { key: key.clone(), name: volume.name.clone(), scope: Scope::App }
            }
            VolumeScope::Release => PlannedVolume {
                key: key.clone(),
                name: name::release_volume(app, key, input.rollout),
                scope: Scope::Release,
            },
        })
        .collect();
    if !volumes.is_empty() {
        steps.push(Step::CreateVolumes { volumes });
    }
    if !release.spec.files.is_empty() {
        steps.push(Step::WriteFiles);
    }
    steps
}

/// A persistent network where stateful services live or that can exist only once; a release network
/// where others live.
fn plan_networks(
    input: &PlanInput<'_>,
    release: &Release,
) -> Result<Vec<PlannedNetwork>, PlanError> {
    let mut taken = input.taken.to_vec();
    taken.extend(input.networks.iter().filter_map(|n| n.subnet));
    let mut planned = Vec::new();
    let mut add = |key: &Key, name: String, scope: Scope, hosts: u32| -> Result<(), PlanError> {
        let present = input.networks.iter().find(|n| n.name == name).and_then(|n| n.subnet);
        let wished = release.spec.networks.get(key).filter(|_| scope == Scope::App);
        let subnet = match (present, wished.and_then(NetworkSpec::subnet)) {
            (None, Some(subnet)) if taken.iter().any(|t| subnet::overlap(*t, subnet)) => {
                return Err(PlanError::SubnetTaken { network: key.clone(), subnet });
            }
            (Some(subnet), _) | (None, Some(subnet)) => subnet,
            (None, None) => subnet::allocate(input.pool, &taken, hosts, &name)?,
        };
        taken.push(subnet);
        planned.push(PlannedNetwork { key: key.clone(), name, scope, subnet });
        Ok(())
    };
    for (key, network) in &release.spec.networks {
        if network.external.is_some() {
            continue;
        }
        let on = |stateful: bool| -> u32 {
            let services = release.spec.services.values();
            services
                .filter(|s| (s.workload == Workload::Stateful) == stateful)
                .filter(|s| s.networks.contains_key(key))
                .map(|s| s.replicas.max(1))
                .sum()
        };
        let (stateful, others) = (on(true), on(false));
        if network.is_held() {
            let name = name::held_network(release.app(), key, &network.shape());
            add(key, name, Scope::App, (stateful + others) * 2 + 2)?;
        } else if stateful > 0 {
            // Twice: an old container and its replacement are joined at the same time.
            let name = name::app_network(release.app(), key);
            add(key, name, Scope::App, stateful * 2 + 2)?;
        }
        if others > 0 {
            let name = name::release_network(release.app(), key, input.rollout);
            add(key, name, Scope::Release, others + stateful * 2 + 2)?;
        }
    }
    Ok(planned)
}

#[cfg(test)]
mod tests;
