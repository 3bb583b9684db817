//! Whether a record may follow those before it, and what must be when a rollout ends.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::label::Scope;
use landfall_core::name;
use landfall_core::plan::{Plan, RolloutKind, Step};
use landfall_core::record::{Action, Record, Verdict};
use landfall_core::rollout::ATTEMPTS_BEFORE_PIVOT_MAX;
use landfall_core::spec::Workload;
use landfall_deploy::ports::Entry;

use crate::picture::Picture;
use crate::store::StoredApp;
use crate::world::World;

impl World {
    /// I12: one open rollout an app, and numbers only rise.
    pub(crate) fn begin_is_legal(&mut self, plan: &Plan) {
        let Some(stored) = self.store.apps.get(&plan.app) else { return };
        let newest = stored.rollouts.last_key_value().map(|(number, _)| *number);
        let app = &plan.app;
        if stored.open().is_some() {
            self.watch.broken("I12", format_args!("{app} begins {} beside another", plan.rollout));
        }
        if newest.is_some_and(|newest| newest >= plan.rollout) {
            self.watch.broken("I12", format_args!("{app} begins {} again", plan.rollout));
        }
    }

    /// A rollout began: what it may not lose is remembered.
    pub(crate) fn began(&mut self, plan: &Plan) {
        let app = &plan.app;
        self.watch.disturbed.remove(app);
        if self.now() < self.watch.outage_until {
            // What died with the engine is still coming back.
            self.watch.disturbed.insert(app.clone());
        }
        for replica in plan.replicas() {
            if matches!(replica.workload, Workload::Stateful | Workload::Singleton) {
                self.watch.alone.insert((app.clone(), replica.service.clone()));
            }
        }
        self.watch.acked.insert((app.clone(), plan.rollout), 1);
        let picture = Picture::of(self, app);
        self.watch.before.insert(app.clone(), picture);
        let stored = plan.release.is_none_or(|release| {
            self.store.apps.get(app).is_some_and(|stored| stored.release(release).is_some())
        });
        if !stored {
            self.watch.broken("I11", format_args!("{app} begins without a stored release"));
        }
    }

    /// I2, I12, I18: a record fits those before it.
    pub(crate) fn append_is_legal(
        &mut self,
        app: &AppName,
        rollout: RolloutNumber,
        record: &Record,
    ) {
        let Some(stored) = self.store.apps.get(app).and_then(|s| s.rollouts.get(&rollout)) else {
            return self.watch.broken("I12", format_args!("{app} {rollout} was never begun"));
        };
        if stored.verdict().is_some() {
            self.watch.broken("I12", format_args!("{app} {rollout} has ended"));
            return;
        }
        let back =
            matches!(record, Record::Turned { .. } | Record::Intended { action: Action::Undo, .. });
        if back && stored.cutover_done() {
            self.watch.broken("I2", format_args!("{app} {rollout} goes back after its cutover"));
            return;
        }
        let Record::Intended { step, action } = record else { return };
        let attempts = stored.entries.iter().filter(|entry| {
            matches!(&entry.record, Record::Intended { step: s, action: Action::Do } if s == step)
        });
        let attempts = u32::try_from(attempts.count()).unwrap_or(u32::MAX);
        let before_pivot = *step < cutover(&stored.plan);
        let doubt = stored.in_doubt().is_some();
        if doubt {
            self.watch.broken("I12", format_args!("{app} {rollout} is driven twice"));
        }
        let hands_over = matches!(stored.plan.steps.get(*step), Some(Step::HandOver { .. }));
        let unfit = (hands_over && *action == Action::Do).then(|| self.unfit(&stored.plan));
        if let Some(unfit) = unfit.flatten() {
            let what = format_args!("{app} hands over for {unfit}, which serves no visitor");
            self.watch.broken("I17", what);
        }
        if *action == Action::Do && before_pivot && attempts >= ATTEMPTS_BEFORE_PIVOT_MAX {
            self.watch.broken("I18", format_args!("{app} {rollout} tries step {step} again"));
        }
    }

    /// A record is durable.
    pub(crate) fn appended(&mut self, app: &AppName, rollout: RolloutNumber, entry: &Entry) {
        self.watch.acked.insert((app.clone(), rollout), entry.seq);
        let Record::Ended { verdict } = &entry.record else { return };
        let plan = self.store.apps[app].rollouts[&rollout].plan.clone();
        let before = self.watch.before.remove(app).unwrap_or_default();
        let disturbed = self.watch.disturbed.remove(app);
        let after = Picture::of(self, app);
        let mut found = Vec::new();
        match verdict {
            Verdict::RolledBack { .. } => rolled_back(&before, &after, disturbed, &mut found),
            // A person said that it be left as it is.
            Verdict::Abandoned { .. } => {}
            Verdict::Succeeded => {
                if let Some(broken) = self.broken_candidate(&plan) {
                    found.push(format!("{broken} is broken and serves"));
                }
                succeeded(self, &plan, &after, disturbed, &mut found);
            }
        }
        for what in found {
            self.watch.broken("I5", format_args!("{app} {rollout} ended: {what}"));
        }
    }
}

impl World {
    /// A candidate that answers its probes and no visitor: nothing is taken from what serves for it.
    fn unfit(&self, plan: &Plan) -> Option<String> {
        let ours = |container: &&crate::engine::Container| {
            container
                .labels
                .as_ref()
                .is_some_and(|labels| labels.app == plan.app && labels.rollout == plan.rollout)
        };
        let mut ours = self.engine.containers.values().filter(ours);
        ours.find(|one| one.behaviour.bad_at_edge).map(|one| one.name.clone())
    }

    /// A service of the plan's release that can never serve well.
    fn broken_candidate(&self, plan: &Plan) -> Option<String> {
        let release = self.store.apps.get(&plan.app)?.release(plan.release?)?;
        let broken = |(name, service): (&_, &landfall_core::spec::ServiceSpec)| {
            let image = &release.images.get(name)?.id;
            // A stateful service that is left alone is what it was.
            let planned = plan.replicas().find(|replica| replica.service == *name)?;
            let labels = plan.replica_labels(0, planned);
            let hook = |hook: &landfall_core::spec::Hook| {
                hook.command.first().is_some_and(|word| word == "false")
            };
            let fatal = self.engine.behaviours.of(Some(&labels), image).is_fatal()
                || service.container.post_start.iter().any(hook);
            fatal.then(|| name.to_string())
        };
        release.spec.services.iter().find_map(broken)
    }
}

/// Where the cutover stands, whatever the plan says of its pivot.
fn cutover(plan: &Plan) -> usize {
    let at = plan.steps.iter().position(|step| matches!(step, Step::Cutover { .. }));
    at.unwrap_or(plan.pivot)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T, found: &mut Vec<String>) {
    if is != should {
        found.push(format!("{what}: {is:?} instead of {should:?}"));
    }
}

/// Everything is as it was.
fn rolled_back(before: &Picture, after: &Picture, disturbed: bool, found: &mut Vec<String>) {
    same("routes", &after.routed, &before.routed, found);
    if disturbed {
        return;
    }
    same("containers", &after.containers, &before.containers, found);
    same("networks", &after.networks, &before.networks, found);
    same("release volumes", &after.volumes, &before.volumes, found);
    same("tags", &after.tags, &before.tags, found);
    same("files", &after.files, &before.files, found);
}

/// Exactly the new release.
fn succeeded(
    world: &World,
    plan: &Plan,
    after: &Picture,
    disturbed: bool,
    found: &mut Vec<String>,
) {
    same("routes", &after.routed, &plan.release.map(|_| plan.rollout), found);
    for replica in plan.replicas().filter(|r| r.workload == Workload::OneOff) {
        let runs = world.engine.runs.get(&replica.name).copied().unwrap_or(0);
        if !disturbed {
            same(&format!("runs of {}", replica.name), &runs, &1, found);
        }
    }
    if disturbed {
        return;
    }
    let one_off =
        |name: &String| plan.replicas().any(|r| r.workload == Workload::OneOff && r.name == *name);
    let mut expected: BTreeMap<String, bool> =
        plan.replicas().map(|r| (r.name.clone(), !one_off(&r.name))).collect();
    let (mut networks, mut volumes) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = Vec::new();
    for step in &plan.steps {
        match step {
            Step::StopOld { keep, .. } => {
                expected.extend(keep.iter().map(|name| (name.clone(), true)));
            }
            Step::CreateNetworks { networks: n } => {
                networks.extend(n.iter().map(|n| n.name.clone()));
            }
            Step::CreateVolumes { volumes: v } => {
                let release = v.iter().filter(|v| v.scope == Scope::Release);
                volumes.extend(release.map(|v| v.name.clone()));
            }
            Step::Prune { keep, .. } => kept.clone_from(keep),
            _ => {}
        }
    }
    same("containers", &after.containers, &expected, found);
    same("networks", &after.networks, &networks, found);
    same("release volumes", &after.volumes, &volumes, found);
    let tagged: BTreeSet<_> =
        after.tags.iter().filter_map(|tag| name::release_of_tag(&plan.app, tag)).collect();
    if let Some(stray) = tagged.iter().find(|release| !kept.contains(release)) {
        found.push(format!("the images of {stray} are still tagged"));
    }
    let stored = world.store.apps.get(&plan.app);
    let sealed = |release: &&landfall_core::id::ReleaseNumber| {
        stored.is_some_and(|stored: &StoredApp| stored.release(**release).is_some())
    };
    if plan.kind != RolloutKind::Down
        && let Some(lost) = kept.iter().filter(sealed).find(|release| !tagged.contains(release))
    {
        found.push(format!("the way back to {lost} is lost"));
    }
}
