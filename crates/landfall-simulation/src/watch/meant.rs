//! Whether an effect is meant: an intent stands in the journal, and what is touched is ours.

use std::net::Ipv4Addr;

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::label::{Labels, Scope};
use landfall_core::name;
use landfall_core::plan::Step;
use landfall_core::record::Action;
use landfall_core::route::RouteTable;

use crate::store::{StoredApp, StoredRollout, is_cutover};
use crate::world::World;

impl World {
    fn app(&self, app: &AppName) -> Option<&StoredApp> {
        self.store.apps.get(app)
    }

    /// The app's open rollout, if it has written what it is about to do.
    fn intending(&self, app: &AppName) -> Option<(&StoredRollout, usize, Action)> {
        let open = self.app(app)?.open()?;
        open.in_doubt().map(|(step, action)| (open, step, action))
    }

    /// I3: something is made, or changed, by the step that says so.
    pub(crate) fn intend(&mut self, labels: &Labels, made: bool) {
        if self.late {
            return;
        }
        let meant = self.intending(&labels.app).is_some_and(|(open, step, action)| {
            let by_step = labels.rollout == open.plan.rollout
                && usize::try_from(labels.step) == Ok(step)
                && action == Action::Do;
            !made || by_step
        });
        if !meant {
            let (app, rollout, step) = (&labels.app, labels.rollout, labels.step);
            self.watch.broken("I3", format_args!("{app} {rollout} step {step}: not written"));
        }
        if labels.scope == Scope::App && labels.service.is_none() && made {
            self.watch.data.extend(self.engine.volumes.iter().filter_map(|(name, of)| {
                let data = of.as_ref().is_some_and(|l| l.scope == Scope::App);
                data.then(|| name.clone())
            }));
        }
    }

    /// I3, I13: a container is changed.
    pub(crate) fn touch(&mut self, id: &str) {
        let Some(container) = self.engine.containers.get(id) else { return };
        let (name, labels) = (container.name.clone(), container.labels.clone());
        self.ours(labels.as_ref(), &name);
    }

    /// I3, I13: a container is started: by a step, or since what serves should run.
    pub(crate) fn start_is_meant(&mut self, id: &str) {
        let Some(container) = self.engine.containers.get(id) else { return };
        let Some(labels) = container.labels.clone() else { return self.touch(id) };
        let serving = self.app(&labels.app).and_then(StoredApp::serving);
        let of_serving = serving.is_some_and(|(_, rollout)| labels.rollout == rollout);
        let held = self
            .app(&labels.app)
            .and_then(StoredApp::open)
            .is_some_and(|open| open.is_held() && open.plan.rollout == labels.rollout);
        if labels.scope == Scope::App || of_serving || held {
            return;
        }
        self.intend(&labels, false);
    }

    /// I13: a network or a volume is removed.
    pub(crate) fn ours(&mut self, labels: Option<&Labels>, name: &str) {
        match labels {
            Some(labels) => self.intend(labels, false),
            None => self.watch.broken("I13", format_args!("{name} is not ours and was touched")),
        }
    }

    /// I3, I13: an image is tagged, or its tag is taken off.
    pub(crate) fn tag_is_meant(&mut self, tag: &str) {
        let apps: Vec<_> = self.store.apps.keys().cloned().collect();
        let meant = apps
            .iter()
            .any(|app| name::release_of_tag(app, tag).is_some() && self.intending(app).is_some());
        if !meant && !self.late {
            self.watch.broken("I13", format_args!("nobody meant to touch the tag {tag}"));
        }
    }

    /// I6: the images of what serves keep their tags.
    pub(crate) fn untag_keeps_the_way_back(&mut self, tag: &str) {
        let apps: Vec<_> = self.store.apps.keys().cloned().collect();
        for app in &apps {
            if let Some(release) = name::release_of_tag(app, tag)
                && self.is_the_way_back(app, release)
            {
                self.watch.broken("I6", format_args!("{tag} is untagged while it serves"));
            }
        }
    }

    /// Whether a release serves by the journals, and is to be kept after the next one too.
    fn is_the_way_back(&self, app: &AppName, release: ReleaseNumber) -> bool {
        let Some(stored) = self.app(app) else { return false };
        let keep = stored.release(release).map_or(2, |sealed| sealed.spec.settings.keep);
        stored.serving().is_some_and(|(serving, _)| serving == release) && keep >= 2
    }

    /// I3: sealed files are written or removed.
    pub(crate) fn files_are_meant(&mut self, app: &AppName) {
        if self.intending(app).is_none() {
            self.watch.broken("I3", format_args!("files of {app} change: not written"));
        }
    }

    /// I6: files of what serves stay, and those of what runs.
    pub(crate) fn removed_files_are_unused(&mut self, files: &(AppName, ReleaseNumber)) {
        let mounted = self
            .engine
            .containers
            .values()
            .any(|container| container.files.as_ref() == Some(files) && container.runs());
        if mounted || self.is_the_way_back(&files.0, files.1) {
            let (app, release) = files;
            self.watch.broken("I6", format_args!("files of {app} {release} go while in use"));
        }
    }

    /// I6: the content of what serves stays sealed in the store.
    pub(crate) fn serving_stays_stored(&mut self, app: &AppName) {
        let lost = self.app(app).is_some_and(|stored| {
            stored.serving().is_some_and(|(release, _)| stored.release(release).is_none())
        });
        if lost {
            self.watch.broken("I6", format_args!("the serving release of {app} was forgotten"));
        }
    }

    /// I1: what goes has no requests in flight, or they have had their time.
    pub(crate) fn goes(&mut self, id: &str) {
        let now = self.now();
        let Some(container) = self.engine.containers.get(id) else { return };
        if !container.runs() {
            return;
        }
        let addresses: Vec<Ipv4Addr> = container.networks.values().flatten().copied().collect();
        let cut = self.edge.in_flight.iter().any(|left| {
            left.until > now
                && left.patience > now
                && left.endpoints.iter().any(|e| addresses.iter().any(|a| e.ip() == *a))
        });
        if cut {
            let name = container.name.clone();
            self.watch.broken("I1", format_args!("{name} goes with requests in flight"));
        }
    }

    /// I3: only the rollout that says so opens or closes its preview.
    fn previews_are_meant(&mut self, table: &RouteTable) {
        let old = std::sync::Arc::clone(&self.edge.table);
        let apps: std::collections::BTreeSet<_> =
            old.previews.keys().chain(table.previews.keys()).cloned().collect();
        for app in apps {
            if old.previews.get(&app) == table.previews.get(&app) {
                continue;
            }
            let changes =
                |step: &Step| matches!(step, Step::OpenPreview { .. } | Step::Cutover { .. });
            let meant = self
                .intending(&app)
                .is_some_and(|(open, step, _)| open.plan.steps.get(step).is_some_and(changes));
            let late = || {
                let open = self.app(&app).and_then(StoredApp::open);
                self.late && open.is_some_and(|open| open.may_still_come(changes))
            };
            let meant = meant || late();
            if !meant {
                self.watch.broken("I3", format_args!("the preview of {app} changes: not written"));
            }
        }
    }

    fn may_still_cut_over(&self, app: &AppName, target: Option<RolloutNumber>) -> bool {
        self.app(app).and_then(StoredApp::open).is_some_and(|open| {
            let wanted = open.plan.release.map(|_| open.plan.rollout);
            target == wanted && open.may_still_come(is_cutover)
        })
    }

    /// I2, I3: only the app that cuts over changes its part of the table, after its gates.
    pub(crate) fn swap_is_meant(&mut self, table: &RouteTable) {
        self.previews_are_meant(table);
        let old = std::sync::Arc::clone(&self.edge.table);
        let apps: std::collections::BTreeSet<_> =
            old.apps.keys().chain(table.apps.keys()).cloned().collect();
        for app in apps {
            let (was, will) = (old.apps.get(&app), table.apps.get(&app));
            if was == will {
                continue;
            }
            let target = will.map(|part| part.rollout);
            let by_step = self.intending(&app).is_some_and(|(open, step, action)| {
                let cutover = matches!(open.plan.steps.get(step), Some(Step::Cutover { .. }));
                let wanted = open.plan.release.map(|_| open.plan.rollout);
                cutover && action == Action::Do && target == wanted
            });
            // One that was written, and whose answer nobody waits for, may come until it is undone.
            let by_step = by_step || (self.late && self.may_still_cut_over(&app, target));
            let stored = self.app(&app);
            let serving = stored.and_then(StoredApp::serving).map(|(_, rollout)| rollout);
            let restored = was.is_none() && target.is_some() && target == serving;
            if !by_step && !restored {
                let what = format_args!("{app} goes to {target:?}: not written");
                self.watch.broken("I2", what);
            }
            let consent = self
                .app(&app)
                .and_then(StoredApp::open)
                .is_none_or(|open| open.plan.hold.is_none() || open.is_promoted());
            if by_step && !consent {
                self.watch.broken("I2", format_args!("{app} is cut over without consent"));
            }
            if by_step && let Some(problem) = super::gates_passed(self, &app, table) {
                self.watch.broken("I1", format_args!("{problem}"));
            }
        }
    }
}
