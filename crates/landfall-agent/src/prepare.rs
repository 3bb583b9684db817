//! Everything before the first effect: from a wish to a plan that passed its checks.

use landfall_api::{
    EventKind, NothingToDo, PlanView, Problem, ProblemCode, ServiceChange, WhatChanges,
};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::planner::{HoldWish, PlanInput, ServingRelease, plan};
use landfall_core::release::Release;
use landfall_core::retention;
use tokio::sync::OwnedMutexGuard;

use crate::agent::{Agent, Past};
use crate::feed::Feed;
use crate::ground::{Ground, Store};
use crate::history;
use crate::problems;
use crate::target::Target;
use crate::wish::Wish;
use crate::world::World;

/// What came of it.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// It serves already.
    Nothing(NothingToDo),
    /// It can begin, while the guard is held.
    Ready(Box<Ready>),
}

/// A plan that passed its checks.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) plan: Plan,
    pub(crate) release: Option<Release>,
    pub(crate) changes: Vec<ServiceChange>,
    /// Nobody else plans meanwhile.
    pub(crate) planning: OwnedMutexGuard<()>,
}

impl<G: Ground> Agent<G> {
    /// Prepares a rollout. Changes nothing but the engine's store of images.
    pub(crate) async fn prepare(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        wish: &Wish,
        feed: &Feed,
    ) -> Result<Prepared, Problem> {
        if wish.kind() == RolloutKind::Deploy {
            // Only of what is new: going back, and taking down, may be what makes room.
            self.store.room().await?;
        }
        let past = self.past(app).await?;
        if wish.kind() == RolloutKind::Down && past.serving.is_none() {
            return Ok(Prepared::Nothing(NothingToDo { serving: None }));
        }
        let target = self.target(app, wish, &past, feed).await?;
        feed.say(EventKind::Preparing { what: "planning".to_owned() });
        let guard = if planted(Mutation::PlanningUnguarded) {
            std::sync::Arc::default()
        } else {
            std::sync::Arc::clone(&self.planning)
        };
        let planning = guard.lock_owned().await;
        let world = self.look(app).await?;
        nothing_unheard_of(app, &past, &world)?;
        if let Some(serving) = already_serves(&target, &past, &world) {
            return Ok(Prepared::Nothing(NothingToDo { serving: Some(serving) }));
        }
        let hold = self.hold(wish, target.release.as_ref(), &world).await?;
        let plan = self.plan(rollout, &target, &past, &world, hold)?;
        feed.say(EventKind::Preparing { what: "checking ports and routes".to_owned() });
        self.preflight(&plan, target.release.as_ref(), &world).await?;
        let changes = changes(past.serving.as_ref().map(|(_, r)| r), target.release.as_ref());
        let ready = Ready { plan, release: target.release, changes, planning };
        Ok(Prepared::Ready(Box::new(ready)))
    }

    fn plan(
        &self,
        rollout: RolloutNumber,
        target: &Target,
        past: &Past,
        world: &World,
        hold: Option<HoldWish>,
    ) -> Result<Plan, Problem> {
        let stateful = world.present_stateful(past);
        let serving = past.serving.as_ref();
        let input = PlanInput {
            kind: target.kind,
            rollout,
            release: target.release.as_ref(),
            serving: serving
                .map(|(since, release)| ServingRelease { release, rollout: since.rollout }),
            stateful: &stateful,
            networks: &world.networks,
            taken: &world.taken,
            pool: self.config.subnet_pool,
            keep: kept_afterwards(target, past, world),
            hold,
        };
        plan(&input).map_err(|error| problems::plan(&error))
    }
}

/// Whatever carries a rollout's number was made by one that began here. If not, this store is an
/// older copy or a new one, and a plan over it could take what runs for its own.
fn nothing_unheard_of(app: &AppName, past: &Past, world: &World) -> Result<(), Problem> {
    let newest = past.rollouts.first().map(|began| began.header.rollout).unwrap_or_default();
    let made = world.containers.iter().map(|found| found.labels.rollout);
    let routed = world.table.apps.get(app).map(|part| part.rollout);
    match made.chain(routed).max() {
        Some(seen) if seen > newest => {
            let message = format!(
                "{app} has containers or routes of rollout {seen}, which this agent has never begun"
            );
            Err(Problem::new(ProblemCode::Invalid, message)
                .hint("its store was lost or is an older copy: see `landfall recover`"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The serving release, if it is what is wished for and nothing is amiss.
fn already_serves(target: &Target, past: &Past, world: &World) -> Option<ReleaseNumber> {
    let (since, serving) = past.serving.as_ref()?;
    let release = target.release.as_ref()?;
    (target.spare && release.hash == serving.hash && world.serves(*since, serving))
        .then_some(serving.number)
}

/// Releases that stay once this rollout has succeeded.
fn kept_afterwards(target: &Target, past: &Past, world: &World) -> Vec<ReleaseNumber> {
    let mut stable = history::stable(&past.rollouts);
    let release = target.release.as_ref();
    stable.extend(release.map(|release| release.number));
    let settings = release.or(past.serving.as_ref().map(|(_, serving)| serving));
    let keep = settings.map_or(1, |release| release.spec.settings.keep);
    let before = past.serving.as_ref().map(|(_, serving)| serving.number);
    let mut kept = retention::keep(&stable, release.map(|r| r.number), before, keep);
    if release.is_some() {
        // A stateful service that is left alone still has files of its own release mounted.
        kept.extend(world.stateful(past).map(|found| found.labels.release));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

fn changes(before: Option<&Release>, after: Option<&Release>) -> Vec<ServiceChange> {
    let names = [before, after].into_iter().flatten().flat_map(|r| r.spec.services.keys());
    let names: std::collections::BTreeSet<_> = names.collect();
    let change = |name| {
        let old = before.and_then(|release| release.revision(name));
        let new = after.and_then(|release| release.revision(name));
        let find = |release: Option<&Release>| release?.spec.services.get(name).cloned();
        let service = find(after).or_else(|| find(before))?;
        let change = match (old, new) {
            (None, _) => WhatChanges::Added,
            (Some(_), None) => WhatChanges::Removed,
            (Some(old), Some(new)) if old == new => WhatChanges::Unchanged,
            (Some(_), Some(_)) => WhatChanges::Changed,
        };
        let (workload, image) = (service.workload, service.image);
        Some(ServiceChange { service: name.clone(), workload, change, image })
    };
    names.into_iter().filter_map(change).collect()
}

impl From<Ready> for PlanView {
    fn from(ready: Ready) -> Self {
        Self { plan: ready.plan, changes: ready.changes }
    }
}
