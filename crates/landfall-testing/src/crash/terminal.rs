//! What the world must look like when a rollout has ended.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::id::RolloutNumber;
use landfall_core::label::Scope;
use landfall_core::name;
use landfall_core::plan::{RolloutKind, Step};
use landfall_core::record::Verdict;
use landfall_core::spec::Workload;

use super::run::Outcome;
use super::scenarios::{Expect, Scenario};
use crate::fake::invariants::Previous;
use crate::fake::{Inner, Phase};

/// What serves in a world, seen as the previous release of the next rollout.
pub(super) fn previous(inner: &Inner, rollout: RolloutNumber) -> Previous {
    let app = inner.table.apps.keys().next().expect("something serves").clone();
    let replicated = |id: &&String| {
        let container = &inner.containers[*id];
        let labels = container.labels.as_ref();
        let alone = labels.and_then(|l| l.service.as_ref()).map(|s| inner.rules.alone.contains(s));
        labels.is_some_and(|l| l.rollout == rollout && l.scope == Scope::Release)
            && container.restart
            && alone == Some(false)
            && matches!(container.phase, Phase::Running(_))
    };
    let running = inner.containers.keys().filter(replicated).cloned().collect();
    Previous { app, rollout, running }
}

/// Names of our containers, each with whether it runs.
fn containers(inner: &Inner) -> BTreeMap<String, bool> {
    let ours = inner.containers.values().filter(|c| c.labels.is_some());
    ours.map(|c| (c.name.clone(), matches!(c.phase, Phase::Running(_)))).collect()
}

fn release_volumes(inner: &Inner) -> BTreeSet<String> {
    let ours = inner
        .volumes
        .iter()
        .filter(|(_, labels)| labels.as_ref().is_some_and(|l| l.scope == Scope::Release));
    ours.map(|(name, _)| name.clone()).collect()
}

/// Problems with how a schedule ended.
pub(super) fn problems(scenario: &Scenario, outcome: &Outcome, inner: &Inner) -> Vec<String> {
    let mut found = inner.violations.clone();
    if matches!(outcome, Outcome::Ended(_)) {
        dead_namespaces(inner, &mut found);
    }
    match outcome {
        Outcome::Ended(Verdict::Succeeded) => {
            if scenario.expect == Expect::RolledBack && scenario.cancel_at.is_none() {
                found.push("a broken candidate serves".to_owned());
            }
            succeeded(scenario, inner, &mut found);
        }
        Outcome::Ended(Verdict::RolledBack { .. }) => rolled_back(scenario, inner, &mut found),
        Outcome::Ended(Verdict::Abandoned { .. }) => {
            found.push("abandoned, and nobody asked for it".to_owned());
        }
        Outcome::Stuck(reason) => found.push(format!("stuck: {reason}")),
        Outcome::Lost(why) => found.push(format!("lost: {why}")),
    }
    found
}

/// What lives in another container was started after it, or it lives in a namespace that is gone.
fn dead_namespaces(inner: &Inner, found: &mut Vec<String>) {
    for container in inner.containers.values() {
        let Phase::Running(since) = container.phase else { continue };
        for peer in &container.peers {
            let peer = inner.find(peer).and_then(|id| inner.containers.get(&id));
            let lives = peer.is_some_and(|p| matches!(p.phase, Phase::Running(s) if s <= since));
            if !lives {
                found.push(format!("{} lives in a namespace that is gone", container.name));
            }
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T, found: &mut Vec<String>) {
    if is != should {
        found.push(format!("{what}: {is:?} instead of {should:?}"));
    }
}

/// I5, one half: everything is as it was.
fn rolled_back(scenario: &Scenario, inner: &Inner, found: &mut Vec<String>) {
    let before = &scenario.before;
    same("containers", &containers(inner), &containers(before), found);
    let names = |i: &Inner| i.networks.keys().cloned().collect::<Vec<_>>();
    same("networks", &names(inner), &names(before), found);
    same("release volumes", &release_volumes(inner), &release_volumes(before), found);
    same("tags", &inner.tags, &before.tags, found);
    same("files", &inner.files, &before.files, found);
    // Opening and closing a preview takes generations; without one not even these are taken.
    same("routes", &inner.table.apps, &before.table.apps, found);
    same("previews", &inner.table.previews, &before.table.previews, found);
    if scenario.held.is_none() {
        same("table", &inner.table, &before.table, found);
    }
}

/// I5, the other half, and I20: exactly the new release.
fn succeeded(scenario: &Scenario, inner: &Inner, found: &mut Vec<String>) {
    let plan = &scenario.plan;
    let serves = inner.table.apps.get(&plan.app).map(|part| part.rollout);
    let should = plan.release.map(|_| plan.rollout);
    same("serving rollout", &serves, &should, found);
    same("previews", &inner.table.previews.len(), &0, found);
    let mut expected: BTreeMap<String, bool> =
        plan.replicas().map(|r| (r.name.clone(), true)).collect();
    for step in &plan.steps {
        if let Step::StopOld { keep, .. } = step {
            expected.extend(keep.iter().map(|name| (name.clone(), true)));
        }
    }
    same("containers", &containers(inner), &expected, found);
    let mut networks: Vec<String> = Vec::new();
    let mut volumes = BTreeSet::new();
    for step in &plan.steps {
        match step {
            Step::CreateNetworks { networks: n } => {
                networks.extend(n.iter().map(|n| n.name.clone()));
            }
            Step::CreateVolumes { volumes: v } => {
                let release = v.iter().filter(|v| v.scope == Scope::Release);
                volumes.extend(release.map(|v| v.name.clone()));
            }
            _ => {}
        }
    }
    networks.sort();
    let ours = inner.networks.iter().filter(|(_, network)| network.labels.is_some());
    let ours: Vec<_> = ours.map(|(name, _)| name.clone()).collect();
    same("networks", &ours, &networks, found);
    same("release volumes", &release_volumes(inner), &volumes, found);
    let tags = inner.tags.keys().filter_map(|t| name::release_of_tag(&plan.app, t));
    let tagged: BTreeSet<_> = tags.collect();
    let kept = plan.steps.iter().find_map(|step| match step {
        Step::Prune { keep, .. } => Some(keep.clone()),
        _ => None,
    });
    let kept = kept.unwrap_or_default();
    if let Some(stray) = tagged.iter().find(|r| !kept.contains(r)) {
        found.push(format!("the images of {stray} are still tagged"));
    }
    if plan.kind != RolloutKind::Down && !kept.iter().all(|r| tagged.contains(r)) {
        found.push(format!("the way back is lost: {kept:?} kept, {tagged:?} tagged"));
    }
    one_offs_ran(scenario, inner, found);
}

fn one_offs_ran(scenario: &Scenario, inner: &Inner, found: &mut Vec<String>) {
    for replica in scenario.plan.replicas().filter(|r| r.workload == Workload::OneOff) {
        let ran = inner.containers.values().find(|c| c.name == replica.name).map(|c| c.starts);
        same(&format!("runs of {}", replica.name), &ran, &Some(1), found);
    }
}
