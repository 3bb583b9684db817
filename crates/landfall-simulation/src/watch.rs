//! What must hold at every change of the world: the invariants I1–I22 of a deploy, by number.
//!
//! | | |
//! |---|---|
//! | I1 | a route leads to running, ready replicas; no request in flight is cut off early |
//! | I2 | one authority: a route table's part is of what serves, or of a rollout that cuts over |
//! | I3 | no effect without a written intent |
//! | I5 | ended well: the new release, whole; rolled back: everything as it was |
//! | I6 | images, files and sealed content of what serves stay |
//! | I9 | data: volumes stay, and two never run on one |
//! | I10 | a one-off is run once a rollout |
//! | I11 | what is acknowledged stays recorded, without gaps |
//! | I12 | one rollout of an app at a time, one driver of it, and no number twice |
//! | I13 | what is not ours is not touched |
//! | I14 | no secret in a journal |
//! | I17 | an app that serves goes on serving until it is taken down |
//! | I18 | every rollout ends; a step before the pivot is tried three times at most |
//! | I19, I20 | nothing is left over: no lease, no container, network, volume, tag, file |
//!
//! I4 (redo) is what lost answers and crashes after an effect try; I21 (full disk) and I22 (clocks)
//! are faults; I24 is that a seed gives one trace. I7, I8, I15, I16 need what does not exist yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Arguments;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use landfall_core::id::{AppName, RolloutNumber, ServiceName};
use landfall_core::label::Scope;
use landfall_core::route::{AppRoutes, RouteTable};
use landfall_core::spec::Workload;
use landfall_deploy::ports::Status;

use crate::picture::Picture;
use crate::world::World;

mod meant;
mod records;

/// Violations kept in full.
const VIOLATIONS_MAX: usize = 8;

/// What is watched.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Faults met so far.
    pub faults: u32,
    /// What did not hold.
    pub violations: Vec<String>,
    /// Until then what runs may be down: the engine, or the host, went.
    outage_until: Duration,
    /// Apps whose open rollout met something that its undo cannot know of.
    disturbed: BTreeSet<AppName>,
    /// Apps when their open rollout began.
    before: BTreeMap<AppName, Picture>,
    /// Names of what is not ours.
    strangers: BTreeSet<String>,
    /// Volumes that must never go.
    data: BTreeSet<String>,
    /// Services of which one may run at a time.
    alone: BTreeSet<(AppName, ServiceName)>,
    /// Newest acknowledged record.
    acked: BTreeMap<(AppName, RolloutNumber), u64>,
    /// Numbers given to clients.
    started: BTreeSet<(AppName, RolloutNumber)>,
}

impl Watch {
    /// Something does not hold.
    pub fn broken(&mut self, rule: &'static str, what: Arguments<'_>) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(format!("{rule}: {what}"));
        }
    }

    /// For a while what runs may be down.
    pub fn outage(&mut self, now: Duration, length: Duration) {
        self.outage_until = self.outage_until.max(now + length);
        self.disturb_all();
    }

    /// From now on everything must run again.
    pub fn outage_is_over(&mut self) {
        self.outage_until = Duration::ZERO;
    }

    /// Open rollouts met something that their undo cannot know of.
    pub fn disturb_all(&mut self) {
        self.disturbed.extend(self.before.keys().cloned());
    }

    /// One app's open rollout did.
    pub fn disturb(&mut self, app: &AppName) {
        self.disturbed.insert(app.clone());
    }

    /// Something that is not ours.
    pub fn add_stranger(&mut self, name: &str) {
        self.strangers.insert(name.to_owned());
    }

    /// I12: a client was promised this rollout.
    pub fn promised(&mut self, app: &AppName, rollout: RolloutNumber) {
        if !self.started.insert((app.clone(), rollout)) {
            self.broken("I12", format_args!("rollout {rollout} of {app} was promised twice"));
        }
    }
}

/// Checks everything and notes what does not hold.
pub(crate) fn check(world: &mut World) {
    let now = world.now();
    let mut found: Vec<(&'static str, String)> = Vec::new();
    if world.edge.up {
        authority(world, &mut found);
        previews(world, &mut found);
        if now >= world.watch.outage_until {
            routes(world, now, &mut found);
            previous_stays(world, &mut found);
        }
    }
    alone(world, now, &mut found);
    data_and_strangers(world, &mut found);
    for (name, _) in world.engine.runs.iter().filter(|(_, runs)| **runs > 1) {
        found.push(("I10", format!("{name} was run more than once")));
    }
    for (rule, what) in found {
        let point = world.points;
        world.watch.broken(rule, format_args!("point {point}: {what}"));
    }
}

/// I2, I17: every part of the table is of what serves, or of a rollout that cuts over.
fn authority(world: &World, found: &mut Vec<(&'static str, String)>) {
    let table = &world.edge.table;
    for (app, stored) in &world.store.apps {
        let serving = stored.serving().map(|(_, rollout)| rollout);
        let routed = table.apps.get(app).map(|part| part.rollout);
        if routed == serving {
            continue;
        }
        let open = stored.open();
        let cuts_over = open.is_some_and(|open| {
            let target = open.plan.release.map(|_| open.plan.rollout);
            target == routed && open.cutover_intended()
        });
        if !cuts_over {
            let rule = if routed.is_none() { "I17" } else { "I2" };
            let what = format!("{app} is routed to {routed:?}, but {serving:?} serves");
            found.push((rule, what));
        }
    }
}

/// I19: a preview is of a rollout that is open and held, and leads to its containers alone.
fn previews(world: &World, found: &mut Vec<(&'static str, String)>) {
    for (app, part) in &world.edge.table.previews {
        let open = world.store.apps.get(app).and_then(crate::store::StoredApp::open);
        if open.is_none_or(|open| open.plan.rollout != part.rollout) {
            found.push(("I19", format!("a preview of {app} {} is left", part.rollout)));
        }
        for endpoint in part.routes.iter().flat_map(|route| &route.upstream.endpoints) {
            let IpAddr::V4(address) = endpoint.ip() else { continue };
            let strange = world.engine.at(address).is_some_and(|container| {
                container.labels.as_ref().is_none_or(|l| l.rollout != part.rollout)
            });
            if strange {
                found.push(("I19", format!("the preview of {app} leads to strangers")));
            }
        }
    }
}

/// I1: a route leads to live, ready replicas of its release.
fn routes(world: &World, now: Duration, found: &mut Vec<(&'static str, String)>) {
    for (app, part) in &world.edge.table.apps {
        for route in &part.routes {
            for endpoint in &route.upstream.endpoints {
                if let Some(problem) = endpoint_problem(world, app, part, *endpoint, now) {
                    let place = route.place();
                    found.push(("I1", format!("{app}: {place} → {endpoint} {problem}")));
                }
            }
        }
    }
}

fn endpoint_problem(
    world: &World,
    app: &AppName,
    part: &AppRoutes,
    endpoint: SocketAddr,
    now: Duration,
) -> Option<String> {
    let IpAddr::V4(address) = endpoint.ip() else { return Some("is not IPv4".into()) };
    if world.engine.taken_away.contains(&address) {
        return None;
    }
    let Some(container) = world.engine.at(address) else { return Some("leads nowhere".into()) };
    let labels = container.labels.as_ref();
    if !labels.is_some_and(|l| l.rollout == part.rollout && l.app == *app) {
        return Some(format!("leads to {}, not of {}", container.name, part.rollout));
    }
    (!container.serves(now)).then(|| format!("leads to {}, which is not ready", container.name))
}

/// I6: until the cutover every replica of the previous release runs.
fn previous_stays(world: &World, found: &mut Vec<(&'static str, String)>) {
    for (app, before) in &world.watch.before {
        let routed = world.edge.table.apps.get(app).map(|part| part.rollout);
        if routed.is_none() || routed != before.serving {
            continue;
        }
        for id in &before.replicas {
            if !world.engine.containers.get(id).is_some_and(crate::engine::Container::runs) {
                found.push(("I6", format!("{id} of the serving release of {app} does not run")));
            }
        }
    }
}

/// I9: two containers of one singleton, or on one database's data, never run at once.
fn alone(world: &World, now: Duration, found: &mut Vec<(&'static str, String)>) {
    for (app, service) in &world.watch.alone {
        let running = world.engine.containers.values().filter(|container| {
            container.labels.as_ref().is_some_and(|labels| {
                labels.app == *app && labels.service.as_ref() == Some(service)
            }) && matches!(container.status(now).0, Status::Running | Status::Restarting)
        });
        if running.count() > 1 {
            found.push(("I9", format!("{service} of {app} runs twice")));
        }
    }
}

/// I9, I13: data volumes and whatever is not ours stay.
fn data_and_strangers(world: &World, found: &mut Vec<(&'static str, String)>) {
    for volume in &world.watch.data {
        if !world.engine.volumes.contains_key(volume) {
            found.push(("I9", format!("the data volume {volume} is gone")));
        }
    }
    for stranger in &world.watch.strangers {
        let there = world.engine.networks.contains_key(stranger)
            || world.engine.tags.contains_key(stranger)
            || world.engine.containers.values().any(|c| c.name == *stranger);
        if !there {
            found.push(("I13", format!("{stranger} is not ours and is gone")));
        }
    }
}

/// Everything that a table's new part must have before it may serve.
fn gates_passed(world: &World, app: &AppName, table: &RouteTable) -> Option<String> {
    let plan = &world.store.apps.get(app)?.open()?.plan;
    let part = table.apps.get(app)?;
    let endpoints = part.routes.iter().flat_map(|route| &route.upstream.endpoints);
    for endpoint in endpoints {
        let IpAddr::V4(address) = endpoint.ip() else { continue };
        let container = world.engine.at(address)?;
        let planned = plan.replicas().find(|replica| replica.name == container.name)?;
        let asked = planned.gate.probe.is_some() && planned.workload == Workload::Replicated;
        if asked && container.streak_max < planned.gate.successes {
            return Some(format!("{} was cut over to before its gate", container.name));
        }
    }
    None
}

impl World {
    /// I11: what was acknowledged is there. Asked when an agent starts, and at the end.
    pub fn nothing_acknowledged_is_lost(&mut self) {
        for ((app, rollout), seq) in &self.watch.acked.clone() {
            let stored = self.store.apps.get(app).and_then(|s| s.rollouts.get(rollout));
            let here = stored.map_or(0, |stored| stored.entries.len() as u64);
            if here < *seq {
                self.watch.broken(
                    "I11",
                    format_args!("{app} {rollout}: {here} records of {seq} acknowledged"),
                );
            }
        }
    }

    /// I1, I5: at rest, what serves does so whole.
    pub fn rests_well(&mut self) {
        self.watch.outage_is_over();
        self.check();
        let now = self.now();
        let apps: Vec<_> =
            self.store.apps.iter().map(|(app, s)| (app.clone(), s.serving())).collect();
        for (app, serving) in apps {
            let Some((number, rollout)) = serving else { continue };
            let Some(release) = self.store.apps[&app].release(number).cloned() else {
                self.watch.broken("I6", format_args!("what serves of {app} is not stored"));
                continue;
            };
            for (name, service) in &release.spec.services {
                let running = self.engine.containers.values().filter(|container| {
                    let ours = container.labels.as_ref().is_some_and(|labels| {
                        labels.app == app
                            && labels.service.as_ref() == Some(name)
                            && (labels.rollout == rollout || labels.scope == Scope::App)
                    });
                    ours && container.status(now).0 == Status::Running
                });
                let running = running.count();
                let gone = !self.engine.taken_away.is_empty();
                let wanted = usize::try_from(service.replicas).unwrap_or(usize::MAX);
                if service.workload != Workload::OneOff && running < wanted && !gone {
                    let what = format_args!("at rest {running} of {wanted} {name} of {app} run");
                    self.watch.broken("I5", what);
                }
            }
        }
    }
}

impl World {
    /// Whether an app's open rollout waits for consent.
    pub fn holds(&self, app: &AppName) -> bool {
        let open = self.store.apps.get(app).and_then(crate::store::StoredApp::open);
        open.is_some_and(crate::store::StoredRollout::is_held)
    }

    /// Whether this rollout waits for consent.
    pub fn is_held(&self, of: &landfall_api::RolloutRef) -> bool {
        let stored = self.store.apps.get(&of.app).and_then(|app| app.rollouts.get(&of.rollout));
        stored.is_some_and(|stored| stored.verdict().is_none() && stored.is_held())
    }

    /// Stops what runs of some services of a rollout, behind everyone's back.
    pub fn stop_all(&mut self, of: &landfall_api::RolloutRef, services: &[&str]) {
        for container in self.engine.containers.values_mut() {
            let wanted = container.labels.as_ref().is_some_and(|labels| {
                labels.app == of.app
                    && labels.rollout == of.rollout
                    && labels.service.as_ref().is_some_and(|s| services.contains(&s.as_str()))
            });
            if wanted && container.runs() {
                container.phase = crate::engine::Phase::Stopped(0);
            }
        }
    }

    /// Whether only one container of a service may run at a time.
    pub(crate) fn is_alone(&self, app: &AppName, service: &ServiceName) -> bool {
        self.watch.alone.iter().any(|(of, name)| of == app && name == service)
    }
}
