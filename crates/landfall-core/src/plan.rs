//! A plan: the ordered steps to a release, with one pivot, fixed before the first effect.
//!
//! A plan names everything the rollout will make (names, subnets, addresses), so that what is in
//! doubt after a crash can be settled by looking. What a container is made of stands in the release.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::gate::{Accept, GateSpec};
use crate::id::{AppName, ImageId, Key, ReleaseNumber, Revision, RolloutNumber, ServiceName};
use crate::label::{Labels, Scope};
use crate::name;
use crate::route::AppRoutes;
use crate::spec::{EndpointSpec, Workload};

/// Steps to a release, or to none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose.
    pub app: AppName,
    /// The rollout that executes it.
    pub rollout: RolloutNumber,
    /// What it is for.
    pub kind: RolloutKind,
    /// What serves before it.
    pub previous: Option<Serving>,
    /// The release it leads to; `None`: the app is taken down.
    pub release: Option<ReleaseNumber>,
    /// In order.
    pub steps: Vec<Step>,
    /// Index of the step after which we only go forward.
    pub pivot: usize,
    /// Where it waits for a person's consent; `None`: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Time allowed for one step.
    pub step_deadline_ms: u64,
    /// What a person should know before it runs.
    pub notes: Vec<String>,
}

/// A point before the pivot at which a rollout waits until it is promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Index of the first step that needs the consent.
    pub before: usize,
    /// Who does not promote it within this time has called it off; `None`: it waits for ever.
    pub max_ms: Option<u64>,
}

/// What a rollout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutKind {
    /// To a new release.
    Deploy,
    /// To an older sealed release.
    RollBack,
    /// To nothing: data stays.
    Down,
    /// To what was found, after the journals were lost. It did nothing: its plan says what serves,
    /// and which routes the edge had.
    Recovered,
}

/// A release that serves, and the rollout that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// The release.
    pub release: ReleaseNumber,
    /// The rollout whose containers run.
    pub rollout: RolloutNumber,
}

/// One effect with an undo, or with a stated reason for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Tags the release's images so that no clean-up takes them. Undo: takes the tags off.
    PinImages {
        /// Image and tag.
        pins: Vec<ImagePin>,
    },
    /// Makes the networks that are missing. Undo: removes those this rollout made.
    CreateNetworks {
        /// In order.
        networks: Vec<PlannedNetwork>,
    },
    /// Makes the volumes that are missing; external ones must be there already. Undo: removes those of this rollout alone; data stays.
    CreateVolumes {
        /// In order.
        volumes: Vec<PlannedVolume>,
    },
    /// Writes the sealed files. Undo: removes them.
    WriteFiles,
    /// Starts a stateful service, in place of an older revision if there is one. Undo: the older one
    /// runs again; its data was never touched by us.
    StartStateful {
        /// The new container.
        replica: PlannedReplica,
        /// Containers of this service that are stopped first, by name.
        replaces: Vec<String>,
        /// Containers that live in those, outermost first: whoever puts those back starts these anew.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        within: Vec<String>,
    },
    /// Joins stateful containers to this release's networks. Undo: takes them off again.
    LinkStateful {
        /// In order.
        links: Vec<Link>,
    },
    /// Runs a one-off to its end. No undo: what it did to data stays, the container is removed.
    RunOneOff {
        /// The container.
        replica: PlannedReplica,
    },
    /// Starts replicas and waits for their gates. Undo: kills and removes them.
    StartReplicas {
        /// All at once.
        replicas: Vec<PlannedReplica>,
    },
    /// Gives ready replicas their names on networks that are not the release's own, where until now
    /// only the previous release answered to them; then waits for their gates again. Undo: nothing,
    /// the names go with the containers.
    TakeNames {
        /// In order.
        links: Vec<Link>,
    },
    /// Asks the candidate through the edge, and every gate once more. Changes nothing.
    Verify {
        /// One an endpoint.
        checks: Vec<Check>,
    },
    /// Opens addresses of their own at which the edge leads to the candidate, while users go on as
    /// before. Undo: closes them; so does the cutover.
    OpenPreview {
        /// The candidate's routes, elsewhere.
        routes: AppRoutes,
    },
    /// After a hold: starts what does not run any more and waits for every gate anew. Undo: nothing,
    /// the steps that made the replicas remove them.
    GateAgain {
        /// In the order of their first start.
        replicas: Vec<PlannedReplica>,
    },
    /// Stops the old singleton, starts the new one. Undo: the reverse.
    HandOver {
        /// The new container.
        replica: PlannedReplica,
        /// The old rollout whose singleton steps back.
        from: Option<RolloutNumber>,
        /// Containers that live in the old one, outermost first: see [`Step::StartStateful`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        within: Vec<String>,
    },
    /// Swaps the app's part of the route table: the pivot.
    Cutover {
        /// The app's new part; `None` takes it away.
        routes: Option<AppRoutes>,
    },
    /// Waits for requests in flight to the previous release, then closes what is left.
    Drain {
        /// Whose.
        from: Option<RolloutNumber>,
        /// How long they may take.
        deadline_ms: u64,
    },
    /// Stops and removes every container of the app that is not of the new release.
    StopOld {
        /// Names of the stateful containers that stay.
        keep: Vec<String>,
        /// Time between asking to stop and killing, by service.
        grace_ms: BTreeMap<ServiceName, u64>,
    },
    /// Removes what nothing uses any more: networks, release volumes, sealed files, image tags.
    Prune {
        /// Releases that can still be rolled back to.
        keep: Vec<ReleaseNumber>,
        /// Names of the persistent networks that stay.
        networks: Vec<String>,
    },
}

/// A tag that keeps an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePin {
    /// The image.
    pub image: ImageId,
    /// The tag, for example `landfall/shop:r3-web`.
    pub tag: String,
}

/// A network to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedNetwork {
    /// Key in the compose file.
    pub key: Key,
    /// Name at the engine.
    pub name: String,
    /// `App` for the persistent one, `Release` for this release's.
    pub scope: Scope,
    /// Its addresses; the gateway is the first.
    pub subnet: Ipv4Net,
}

/// A volume to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVolume {
    /// Key in the compose file.
    pub key: Key,
    /// Name at the engine.
    pub name: String,
    /// Data, or this release's.
    pub scope: Scope,
}

/// A container to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedReplica {
    /// Of which service.
    pub service: ServiceName,
    /// Which one, from 1.
    pub index: u32,
    /// Name at the engine.
    pub name: String,
    /// How it runs.
    pub workload: Workload,
    /// What it is.
    pub revision: Revision,
    /// Where it is joined, the first one at creation.
    pub attachments: Vec<Attachment>,
    /// How it is judged.
    pub gate: GateSpec,
    /// Containers that it cannot exist without, by their service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<ServiceName, String>,
    /// Where it is reached, when its network namespace is not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_at: Option<Ipv4Addr>,
}

/// A container's place on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attachment {
    /// Network name at the engine.
    pub network: String,
    /// Fixed address; `None` lets the engine choose.
    pub address: Option<Ipv4Addr>,
    /// Names it answers to.
    pub aliases: Vec<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "crate::spec::is_default")]
    pub endpoint: EndpointSpec,
}

/// A stateful container's place on a release's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Container name.
    pub container: String,
    /// Its place.
    pub attachment: Attachment,
}

/// One endpoint to be asked through the edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Of which service.
    pub service: ServiceName,
    /// Whom.
    pub endpoint: SocketAddr,
    /// `Host` header.
    pub host: String,
    /// What.
    pub path: String,
    /// Which answers are good.
    pub accept: Accept,
}

impl Step {
    /// The step's name in records, logs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PinImages { .. } => "pin images",
            Self::CreateNetworks { .. } => "create networks",
            Self::CreateVolumes { .. } => "create volumes",
            Self::WriteFiles => "write files",
            Self::StartStateful { .. } => "start stateful",
            Self::LinkStateful { .. } => "link stateful",
            Self::TakeNames { .. } => "take names",
            Self::RunOneOff { .. } => "run one-off",
            Self::StartReplicas { .. } => "start replicas",
            Self::Verify { .. } => "verify",
            Self::OpenPreview { .. } => "open preview",
            Self::GateAgain { .. } => "gate again",
            Self::HandOver { .. } => "hand over",
            Self::Cutover { .. } => "cutover",
            Self::Drain { .. } => "drain",
            Self::StopOld { .. } => "stop old",
            Self::Prune { .. } => "prune",
        }
    }

    /// The services it is about, for people.
    pub fn subject(&self) -> String {
        match self {
            Self::StartStateful { replica, .. }
            | Self::RunOneOff { replica }
            | Self::HandOver { replica, .. } => replica.service.to_string(),
            Self::StartReplicas { replicas } | Self::GateAgain { replicas } => {
                let mut counts: BTreeMap<&ServiceName, u32> = BTreeMap::new();
                for replica in replicas {
                    *counts.entry(&replica.service).or_default() += 1;
                }
                let words = counts.iter().map(|(name, count)| match count {
                    1 => name.to_string(),
                    n => format!("{name} ×{n}"),
                });
                words.collect::<Vec<_>>().join(", ")
            }
            Self::PinImages { pins } => count(pins.len(), "image"),
            Self::CreateNetworks { networks } => join(networks.iter().map(|n| n.name.as_str())),
            Self::CreateVolumes { volumes } => join(volumes.iter().map(|v| v.name.as_str())),
            Self::LinkStateful { links } | Self::TakeNames { links } => {
                let mut names: Vec<_> = links.iter().map(|l| l.container.as_str()).collect();
                names.dedup();
                names.join(", ")
            }
            Self::Verify { checks } => count(checks.len(), "endpoint"),
            Self::OpenPreview { routes } => {
                let listen: BTreeSet<_> = routes.routes.iter().map(|route| route.listen).collect();
                listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            Self::Cutover { routes: Some(routes) } => count(routes.routes.len(), "route"),
            Self::Cutover { routes: None } => "no routes".to_owned(),
            Self::WriteFiles | Self::Drain { .. } | Self::StopOld { .. } | Self::Prune { .. } => {
                String::new()
            }
        }
    }

    /// Replicas that this step starts.
    pub fn replicas(&self) -> &[PlannedReplica] {
        match self {
            Self::StartReplicas { replicas } => replicas,
            Self::StartStateful { replica, .. }
            | Self::RunOneOff { replica }
            | Self::HandOver { replica, .. } => std::slice::from_ref(replica),
            Self::PinImages { .. }
            | Self::CreateNetworks { .. }
            | Self::CreateVolumes { .. }
            | Self::WriteFiles
            | Self::LinkStateful { .. }
            | Self::TakeNames { .. }
            | Self::Verify { .. }
            | Self::OpenPreview { .. }
            | Self::GateAgain { .. }
            | Self::Cutover { .. }
            | Self::Drain { .. }
            | Self::StopOld { .. }
            | Self::Prune { .. } => &[],
        }
    }
}

fn count(n: usize, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{plural}")
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Plan {
    /// The release number that labels carry: the target's, or that of what is taken down.
    pub fn label_release(&self) -> ReleaseNumber {
        self.release.or(self.previous.map(|p| p.release)).unwrap_or_default()
    }

    /// What serves once it succeeds.
    pub fn target(&self) -> Option<Serving> {
        self.release.map(|release| Serving { release, rollout: self.rollout })
    }

    /// Labels of something that a step makes.
    pub fn labels(&self, step: usize, scope: Scope) -> Labels {
        Labels {
            app: self.app.clone(),
            release: self.label_release(),
            rollout: self.rollout,
            step: u32::try_from(step).unwrap_or(u32::MAX),
            scope,
            service: None,
            replica: None,
            revision: None,
        }
    }

    /// Labels of a container that a step makes.
    pub fn replica_labels(&self, step: usize, replica: &PlannedReplica) -> Labels {
        let scope = match replica.workload {
            Workload::Stateful => Scope::App,
            Workload::Replicated | Workload::Singleton | Workload::OneOff => Scope::Release,
        };
        Labels {
            service: Some(replica.service.clone()),
            replica: Some(replica.index),
            revision: Some(replica.revision.clone()),
            ..self.labels(step, scope)
        }
    }

    /// Where the candidate is reached while it is held.
    pub fn preview(&self) -> Option<&AppRoutes> {
        self.steps.iter().find_map(|step| {
            let Step::OpenPreview { routes } = step else { return None };
            Some(routes)
        })
    }

    /// Whether a network is still there when all is done: its own, the persistent ones, and those that
    /// are not of the app. Until the cutover a replaced database is on the previous release's too.
    pub fn keeps_network(&self, network: &str) -> bool {
        let named = |step: &Step| match step {
            Step::CreateNetworks { networks } => networks.iter().any(|made| made.name == network),
            Step::Prune { networks, .. } => networks.iter().any(|kept| kept == network),
            _ => false,
        };
        self.steps.iter().any(named) || !name::is_network_of(&self.app, network)
    }

    /// Every replica the plan starts, in order.
    pub fn replicas(&self) -> impl Iterator<Item = &PlannedReplica> {
        self.steps.iter().flat_map(Step::replicas)
    }
}
