//! What should run and does not is started again: after the agent starts, and whenever the engine
//! comes back. The engine's own restart policies are not enough (DESIGN §4, measured).
//!
//! Only containers that exist are started, stateful ones first; and an edge that lost an app's
//! routes gets them back. Nothing is stopped and nothing removed here.

use std::sync::Arc;
use std::time::Duration;

use landfall_api::Problem;
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::label::Scope;
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Plan, Step};
use landfall_core::record::Record;
use landfall_core::release::Release;
use landfall_core::route::AppRoutes;
use landfall_core::spec::Workload;
use landfall_deploy::ports::{Edge, Engine, FoundContainer, Selector, Status};

use crate::agent::{Agent, Past};
use crate::ground::{EdgeProcess, Ground, Store};
use crate::history::{self, ServingSince};
use crate::platform::Platform;
use crate::problems;

/// Time between two looks whether the engine answers.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Time for one such look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// Looks between two attempts at rollouts that were interrupted, say by a full disk.
const INTERRUPTED_EVERY: u64 = 8;
/// Rounds after a return of the engine, until one finds nothing to do.
const ROUNDS_MAX: u32 = 5;

impl<G: Ground> Agent<G> {
    /// Watches engine and edge until the agent stops.
    pub(crate) async fn keep_reconciled(&self) {
        let mut was_up = (false, false);
        let mut rounds_left = 0;
        for look in 0_u64.. {
            let up = self.neighbours_up().await;
            tell("engine", was_up.0, up.0);
            tell("edge", was_up.1, up.1);
            let is_back = (up.0 && !was_up.0) || (up.1 && !was_up.1);
            self.end_overdue_holds();
            if up.0 && (is_back || look.is_multiple_of(INTERRUPTED_EVERY)) {
                self.take_up_interrupted(is_back);
            }
            if is_back {
                rounds_left = ROUNDS_MAX;
            }
            was_up = up;
            if up.0 && rounds_left > 0 {
                // The engine's own restarts may still be under way: look again until all is well.
                rounds_left = if self.reconcile_all().await { 0 } else { rounds_left - 1 };
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether engine and edge answer.
    async fn neighbours_up(&self) -> (bool, bool) {
        let engine = tokio::time::timeout(LOOK_TIMEOUT, self.platform.ping());
        let edge = tokio::time::timeout(LOOK_TIMEOUT, self.edge.status());
        let (engine, edge) = tokio::join!(engine, edge);
        (matches!(engine, Ok(Ok(()))), matches!(edge, Ok(Ok(_))))
    }

    /// One round over all apps; `true` if nothing was amiss.
    async fn reconcile_all(&self) -> bool {
        let apps = match self.store.apps().await {
            Ok(apps) => apps,
            Err(error) => {
                tracing::error!(%error, "cannot reconcile");
                return false;
            }
        };
        let mut well = true;
        for app in apps {
            // No rollout begins meanwhile: what it takes away would be brought back behind it.
            let guard = if planted(Mutation::ReconcileUnguarded) {
                Arc::default()
            } else {
                Arc::clone(&self.planning)
            };
            let _planning = guard.lock_owned().await;
            let reconciled = match self.leases.held(&app) {
                None => self.reconcile(&app, None).await,
                // Nobody else looks after it, perhaps for days.
                Some(lease) if lease.is_held() && lease.try_drive() => {
                    let reconciled = self.reconcile(&app, lease.plan().as_ref()).await;
                    self.rest_held(&lease);
                    reconciled
                }
                // An open rollout's driver knows better what should run.
                Some(_) => continue,
            };
            match reconciled {
                Ok(started) => well &= started == 0,
                Err(problem) => {
                    tracing::warn!(%app, problem = problem.message, "cannot reconcile");
                    well = false;
                }
            }
        }
        well
    }

    /// Starts what should run of one app, a held candidate included; says how many.
    pub(crate) async fn reconcile(
        &self,
        app: &AppName,
        held: Option<&Plan>,
    ) -> Result<usize, Problem> {
        let Past { rollouts, serving } = self.past(app).await?;
        let mut live: Vec<(RolloutNumber, Release)> = Vec::new();
        if let Some(release) = held.and_then(|plan| plan.release) {
            let sealed = self.store.release(app, release).await?;
            live.extend(held.map(|plan| plan.rollout).zip(sealed));
        }
        live.extend(serving.as_ref().map(|(since, release)| (since.rollout, release.clone())));
        if live.is_empty() {
            return Ok(0);
        }
        let found = self.platform.containers(&Selector::app(app)).await;
        let found = found.map_err(|error| problems::engine(&error))?;
        let mut down: Vec<_> = found
            .iter()
            .filter(|found| is_wanted(found, &live) && !history::is_leftover(&rollouts, found))
            .filter(|found| matches!(found.status, Status::Exited | Status::Created))
            .collect();
        never_twice(&mut down, &found, &live);
        // What lives in another cannot start before it.
        let depth = |found: &FoundContainer| {
            let service = found.labels.service.as_ref();
            let releases = live.iter().map(|(_, release)| release);
            service.and_then(|name| releases.map(|r| r.depth(name)).max()).unwrap_or(0)
        };
        down.sort_by_key(|found| (found.labels.scope != Scope::App, depth(found)));
        let mut failed = None;
        for found in &down {
            tracing::warn!(%app, container = found.name, "should run and does not: starting it");
            let started = self.platform.start(&found.id).await;
            // One that cannot start must not keep the others down.
            failed = failed.or(started.err());
        }
        if let Some(error) = failed {
            return Err(problems::engine(&error));
        }
        if let Some((since, _)) = serving {
            self.restore_routes(app, since).await?;
        }
        if let Some(plan) = held {
            self.restore_preview(plan).await?;
        }
        Ok(down.len())
    }

    /// Gives the edge an app's routes again if it has none of that app, say after its state was lost.
    async fn restore_routes(&self, app: &AppName, since: ServingSince) -> Result<(), Problem> {
        let table = self.edge.table().await.map_err(|error| problems::edge(&error))?;
        if table.apps.contains_key(app) {
            return Ok(());
        }
        let Some(routes) = self.cut_over_routes(app, since).await? else { return Ok(()) };
        tracing::warn!(%app, "the edge has no routes of it: restoring them");
        let next = table.with_app(app, Some(routes));
        self.edge.swap(&next).await.map_err(|error| problems::edge(&error))
    }

    /// Gives the edge a held candidate's preview again if it has lost that.
    async fn restore_preview(&self, plan: &Plan) -> Result<(), Problem> {
        let Some(preview) = plan.preview() else { return Ok(()) };
        let table = self.edge.table().await.map_err(|error| problems::edge(&error))?;
        if table.previews.contains_key(&plan.app) {
            return Ok(());
        }
        tracing::warn!(app = %plan.app, "the edge has no preview of it: restoring it");
        let next = table.with_preview(&plan.app, Some(preview.clone()));
        self.edge.swap(&next).await.map_err(|error| problems::edge(&error))
    }

    /// The routes that the serving rollout's plan cut over to.
    async fn cut_over_routes(
        &self,
        app: &AppName,
        since: ServingSince,
    ) -> Result<Option<AppRoutes>, Problem> {
        let journal = self.store.journal(app, since.rollout).await?;
        let first = journal.and_then(|journal| journal.entries.into_iter().next());
        let Some(Record::Began { plan }) = first.map(|entry| entry.record) else { return Ok(None) };
        Ok(plan.steps.into_iter().find_map(|step| {
            let Step::Cutover { routes } = step else { return None };
            routes
        }))
    }
}

/// Whether a container should run; `live` has the newest release first.
fn is_wanted(found: &FoundContainer, live: &[(RolloutNumber, Release)]) -> bool {
    let Some(name) = found.labels.service.as_ref() else { return false };
    let workload = |release: &Release| release.spec.services.get(name).map(|s| s.workload);
    match found.labels.scope {
        Scope::App => live.iter().any(|(_, r)| workload(r) == Some(Workload::Stateful)),
        Scope::Release => live.iter().any(|(rollout, release)| {
            (found.labels.rollout == *rollout || planted(Mutation::ReconcileAnyRollout))
                && matches!(workload(release), Some(Workload::Replicated | Workload::Singleton))
        }),
    }
}

/// Takes away what must not run beside another of its service: an abandoned rollout may have left
/// two containers of a singleton, or two databases on the same data. The one that runs stays the one;
/// where none runs it is the serving release's, else the newest.
fn never_twice(
    down: &mut Vec<&FoundContainer>,
    all: &[FoundContainer],
    live: &[(RolloutNumber, Release)],
) {
    let is_alone = |found: &FoundContainer| {
        let service = found.labels.service.as_ref();
        let specs = live.iter().filter_map(|(_, release)| release.spec.services.get(service?));
        let mut workloads = specs.map(|spec| spec.workload);
        workloads.any(|w| matches!(w, Workload::Stateful | Workload::Singleton))
    };
    let runs =
        |found: &FoundContainer| matches!(found.status, Status::Running | Status::Restarting);
    let rank = |found: &FoundContainer| {
        // The earlier of the live releases goes before the later.
        let service = found.labels.service.as_ref();
        let own = live.iter().rev().position(|(_, release)| {
            service.is_some_and(|s| release.revision(s) == found.labels.revision)
        });
        (own, found.labels.rollout)
    };
    let candidates = down.clone();
    down.retain(|found| {
        if !is_alone(found) {
            return true;
        }
        let same = |other: &&FoundContainer| {
            other.id != found.id && other.labels.service == found.labels.service
        };
        let is_beaten = candidates.iter().copied().filter(same).any(|o| rank(o) > rank(found));
        !is_beaten && !all.iter().filter(same).any(runs)
    });
}

fn tell(who: &str, was_up: bool, is_up: bool) {
    match (was_up, is_up) {
        (false, true) => tracing::info!("the {who} answers"),
        (true, false) => tracing::warn!("the {who} does not answer"),
        (true, true) | (false, false) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::id::{ReleaseNumber, Revision, RolloutNumber, ServiceName};
    use landfall_core::label::Labels;

    fn found(service: &str, rollout: u32, own: bool, status: Status) -> FoundContainer {
        let service: ServiceName = service.parse().unwrap();
        let release = crate::testkit::release(1);
        let revision = release.revision(&service).filter(|_| own);
        FoundContainer {
            id: format!("{service}-{rollout}"),
            name: format!("shop-{service}-d{rollout}-1"),
            labels: Labels {
                app: "shop".parse().unwrap(),
                release: ReleaseNumber(rollout),
                rollout: RolloutNumber(rollout),
                step: 1,
                scope: Scope::App,
                service: Some(service),
                replica: Some(1),
                revision: Some(revision.unwrap_or(Revision("another".to_owned()))),
            },
            status,
        }
    }

    fn started(all: &[FoundContainer]) -> Vec<&str> {
        let mut down: Vec<_> = all.iter().filter(|c| c.status == Status::Exited).collect();
        never_twice(&mut down, all, &[(RolloutNumber(1), crate::testkit::release(1))]);
        down.iter().map(|found| found.id.as_str()).collect()
    }

    #[test]
    fn a_database_is_never_started_beside_one_that_runs() {
        let (old, new) =
            (found("db", 1, true, Status::Exited), found("db", 2, false, Status::Running));
        assert_eq!(started(&[old.clone(), new]), Vec::<&str>::new());
        // After a power cut both are down: the serving release's own is the one.
        let new = found("db", 2, false, Status::Exited);
        assert_eq!(started(&[old, new]), ["db-1"]);
        let strangers =
            [found("db", 2, false, Status::Exited), found("db", 3, false, Status::Exited)];
        assert_eq!(started(&strangers), ["db-3"]);
        // Replicas may be many.
        let web = [found("web", 1, true, Status::Exited), found("web", 1, true, Status::Running)];
        assert_eq!(started(&web), ["web-1"]);
    }
}
