//! What must hold at every change of the world (RELIABILITY I1, I2, I3, I13 and the rules for data).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use landfall_core::id::{AppName, RolloutNumber, ServiceName};
use landfall_core::record::Record;
use landfall_core::route::AppRoutes;

use super::world::{Container, Inner, Phase};

/// What is watched during one rollout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Services that must never run twice: singletons and stateful ones.
    pub alone: BTreeSet<ServiceName>,
    /// Volumes that must never go.
    pub data: BTreeSet<String>,
    /// Ids of containers and names of networks that are not ours.
    pub strangers: BTreeSet<String>,
    /// What served when the rollout began.
    pub previous: Option<Previous>,
    /// Services that are run to completion.
    pub one_offs: BTreeSet<ServiceName>,
    /// The rollout that is watched.
    pub rollout: RolloutNumber,
    /// Its app must keep serving: always, unless it is taken down.
    pub must_serve: bool,
    /// Calls come without a rollout: from a conformance suite.
    pub unjournaled: bool,
}

/// What served when the rollout began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Whose.
    pub app: AppName,
    /// Its rollout.
    pub rollout: RolloutNumber,
    /// Containers that ran and may not be stopped before the cutover.
    pub running: BTreeSet<String>,
}

/// Checks everything and notes what does not hold.
pub(super) fn check(inner: &mut Inner, call: &str) {
    let mut found = Vec::new();
    routes(inner, &mut found);
    previews(inner, &mut found);
    consent(inner, &mut found);
    alone(inner, &mut found);
    data_and_strangers(inner, &mut found);
    previous_stays(inner, &mut found);
    one_offs(inner, &mut found);
    if is_mutation(call) && !inner.rules.unjournaled {
        intent(inner, &mut found);
    }
    let at = inner.points;
    inner.violations.extend(found.into_iter().map(|what| format!("point {at}, {call}: {what}")));
}

fn is_mutation(call: &str) -> bool {
    let reads = ["containers", "status", "probe", "logs", "networks", "volumes", "tags", "subnets"];
    !reads.contains(&call)
        && !["edge table", "edge try", "edge targets", "list files"].contains(&call)
}

/// I1, I2: a route always points to live, ready replicas of one release.
fn routes(inner: &Inner, found: &mut Vec<String>) {
    for (app, part) in &inner.table.apps {
        for route in &part.routes {
            for endpoint in &route.upstream.endpoints {
                if let Some(problem) = endpoint_problem(inner, part, *endpoint) {
                    found.push(format!("{app}: route {} → {endpoint} {problem}", route.place()));
                }
            }
        }
    }
    let gone = |p: &Previous| !inner.table.apps.contains_key(&p.app);
    if inner.rules.must_serve && inner.rules.previous.as_ref().is_some_and(gone) {
        found.push("the app is not served at all".to_owned());
    }
}

/// I19: a preview is the open rollout's and leads to its containers, good or not, and to nobody else's.
fn previews(inner: &Inner, found: &mut Vec<String>) {
    for (app, part) in &inner.table.previews {
        if part.rollout != inner.rules.rollout {
            found.push(format!("{app}: a preview of {} is left", part.rollout));
        }
        for endpoint in part.routes.iter().flat_map(|route| &route.upstream.endpoints) {
            let at = |c: &Container| {
                let labels = c.labels.as_ref();
                let there = c.networks.values().flatten().any(|a| IpAddr::V4(*a) == endpoint.ip());
                there && labels.is_some_and(|labels| labels.rollout == part.rollout)
            };
            if !inner.containers.values().any(at) {
                found.push(format!(
                    "{app}: the preview leads to {endpoint}, not of {}",
                    part.rollout
                ));
            }
        }
    }
}

/// What is held serves only once somebody said so.
fn consent(inner: &Inner, found: &mut Vec<String>) {
    let Some(Record::Began { plan }) = inner.journal.first() else { return };
    let promoted = inner.journal.iter().any(|r| matches!(r, Record::Promoted { .. }));
    let serves = inner.table.apps.get(&plan.app).is_some_and(|part| part.rollout == plan.rollout);
    if plan.hold.is_some() && serves && !promoted {
        found.push("it serves without consent".to_owned());
    }
}

fn endpoint_problem(inner: &Inner, part: &AppRoutes, endpoint: SocketAddr) -> Option<String> {
    let IpAddr::V4(address) = endpoint.ip() else { return Some("is not IPv4".into()) };
    let at = inner.containers.values().find(|c| c.networks.values().any(|a| *a == Some(address)));
    let Some(container) = at else { return Some("leads nowhere".into()) };
    let rollout = container.labels.as_ref().map(|l| l.rollout);
    if rollout != Some(part.rollout) {
        return Some(format!("leads to {}, not of {}", container.name, part.rollout));
    }
    (!inner.is_good(container)).then(|| format!("leads to {}, which is not ready", container.name))
}

/// Two containers of one singleton, or on one database's data, never run at once.
fn alone(inner: &Inner, found: &mut Vec<String>) {
    let mut running: BTreeMap<&ServiceName, u32> = BTreeMap::new();
    for container in inner.containers.values() {
        let service = container.labels.as_ref().and_then(|l| l.service.as_ref());
        let Some(service) = service.filter(|s| inner.rules.alone.contains(*s)) else { continue };
        if matches!(container.phase, Phase::Running(_)) {
            *running.entry(service).or_default() += 1;
        }
    }
    for (service, _) in running.iter().filter(|(_, count)| **count > 1) {
        found.push(format!("{service} runs twice"));
    }
}

/// Data volumes and whatever is not ours stay.
fn data_and_strangers(inner: &Inner, found: &mut Vec<String>) {
    for volume in inner.rules.data.iter().filter(|v| !inner.volumes.contains_key(*v)) {
        found.push(format!("the data volume {volume} is gone"));
    }
    for stranger in &inner.rules.strangers {
        let container = inner.containers.get(stranger);
        let runs = container.is_some_and(|c| matches!(c.phase, Phase::Running(_)));
        if !runs && !inner.networks.contains_key(stranger) && !inner.tags.contains_key(stranger) {
            found.push(format!("{stranger} is not ours and was touched"));
        }
    }
}

/// Until the cutover every replica of the previous release runs.
fn previous_stays(inner: &Inner, found: &mut Vec<String>) {
    let Some(previous) = &inner.rules.previous else { return };
    let serves = inner.table.apps.get(&previous.app).map(|part| part.rollout);
    if serves != Some(previous.rollout) {
        return;
    }
    for id in &previous.running {
        let runs = inner.containers.get(id).is_some_and(|c| matches!(c.phase, Phase::Running(_)));
        if !runs {
            found.push(format!("{id} of the serving release does not run"));
        }
    }
}

/// I10: a one-off is started once a rollout.
fn one_offs(inner: &Inner, found: &mut Vec<String>) {
    for container in inner.containers.values() {
        let Some(labels) = &container.labels else { continue };
        let one_off = labels.service.as_ref().is_some_and(|s| inner.rules.one_offs.contains(s));
        if one_off && container.starts > 1 {
            found.push(format!("{} was run {} times", container.name, container.starts));
        }
    }
}

/// I3: no effect without a written intent.
fn intent(inner: &Inner, found: &mut Vec<String>) {
    if !matches!(inner.journal.last(), Some(Record::Intended { .. })) {
        found.push("an effect without a written intent".to_owned());
    }
}
