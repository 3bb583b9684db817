//! One app's part of the world at one moment, to be compared with another moment's.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::label::Scope;
use landfall_core::name;
use landfall_deploy::ports::Status;

use crate::world::World;

/// What belongs to one app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The rollout that serves, by the journals.
    pub serving: Option<RolloutNumber>,
    /// The rollout that the edge routes to.
    pub routed: Option<RolloutNumber>,
    /// Its containers, and whether they run.
    pub containers: BTreeMap<String, bool>,
    /// Ids of the serving release's replicas that may not stop before the cutover.
    pub replicas: BTreeSet<String>,
    /// Its networks.
    pub networks: BTreeSet<String>,
    /// Its release volumes.
    pub volumes: BTreeSet<String>,
    /// Its image tags.
    pub tags: BTreeSet<String>,
    /// Releases with files.
    pub files: BTreeSet<ReleaseNumber>,
}

impl Picture {
    /// Takes it.
    pub fn of(world: &World, app: &AppName) -> Self {
        let now = world.now();
        let stored = world.store.apps.get(app);
        let serving = stored.and_then(crate::store::StoredApp::serving).map(|(_, rollout)| rollout);
        let mut picture = Self {
            serving,
            routed: world.edge.table.apps.get(app).map(|part| part.rollout),
            ..Self::default()
        };
        for (id, container) in &world.engine.containers {
            let Some(labels) = container.labels.as_ref().filter(|l| l.app == *app) else {
                continue;
            };
            let runs = matches!(container.status(now).0, Status::Running | Status::Restarting);
            picture.containers.insert(container.name.clone(), runs);
            let alone = labels.service.as_ref().is_some_and(|s| world.is_alone(app, s));
            if runs
                && container.restarts
                && !alone
                && labels.scope == Scope::Release
                && Some(labels.rollout) == serving
            {
                picture.replicas.insert(id.clone());
            }
        }
        let networks = world.engine.networks.iter();
        let networks = networks.filter(|(_, n)| n.labels.as_ref().is_some_and(|l| l.app == *app));
        picture.networks = networks.map(|(name, _)| name.clone()).collect();
        let volumes = world.engine.volumes.iter().filter(|(_, labels)| {
            labels.as_ref().is_some_and(|l| l.app == *app && l.scope == Scope::Release)
        });
        picture.volumes = volumes.map(|(name, _)| name.clone()).collect();
        let tags = world.engine.tags.keys();
        let tags = tags.filter(|tag| name::release_of_tag(app, tag).is_some());
        picture.tags = tags.cloned().collect();
        let files = world.files.releases.keys().filter(|(of, _)| of == app);
        picture.files = files.map(|(_, release)| *release).collect();
        picture
    }
}
