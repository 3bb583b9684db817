//! Mends what can be mended without a deploy: it brings back what the serving rollout's own plan made,
//! under the same names, addresses and labels. Everything looks before it touches, so a repair that is
//! cut off is done again by the next one. It never touches data, and never removes anything; what runs is
//! only interrupted where the engine has lost its networks or the container itself, which nothing but
//! another start brings back.
//!
//! No rollout is planned or runs meanwhile.

use std::sync::Arc;
use std::time::Duration;

use landfall_api::{Drift, DriftKind, Mend, Problem, ProblemCode, Repaired, RolloutRef};
use landfall_core::id::AppName;
use landfall_core::plan::Step;
use landfall_core::spec::ServiceSpec;
use landfall_deploy::Driver;
use landfall_deploy::ports::{Edge, Engine, EngineError, Files, FoundContainer, Selector, Status};

use crate::agent::Agent;
use crate::drift::Wanted;
use crate::feed::{Feed, ToldJournal, ToldProgress};
use crate::ground::Ground;
use crate::platform::Platform as _;
use crate::problems;
use crate::store::now_ms;

mod order;

use order::{in_order, in_the_way, places};

/// For what the release does not describe: never killed at once, it may be a database.
const GRACE_MS: u64 = 10_000;

/// What was done, and what was tried in vain.
#[derive(Debug, Default)]
struct Told {
    done: Vec<String>,
    failed: Vec<String>,
}

impl Told {
    fn tell<E: std::fmt::Display>(&mut self, what: String, result: Result<(), E>) {
        match result {
            Ok(()) => self.done.push(what),
            Err(error) => self.failed.push(format!("{what}: {error}")),
        }
    }
}

impl<G: Ground> Agent<G> {
    /// Mends an app, in a task that outlives the client.
    pub(crate) async fn repair(&self, app: &AppName) -> Result<Repaired, Problem> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let (agent, app) = (self.clone(), app.clone());
        self.spawn(async move {
            // A client that went away is told by the next `drift`.
            drop(answer.send(agent.mend(&app).await));
        });
        let stopped = || Problem::new(ProblemCode::Unavailable, "the agent stops");
        answered.await.map_err(|_| stopped())?
    }

    async fn mend(&self, app: &AppName) -> Result<Repaired, Problem> {
        let planning = Arc::clone(&self.planning).lock_owned().await;
        if let Some(lease) = self.leases.held(app) {
            return Err(lease.problem());
        }
        let before = self.drift(app).await?;
        let mut told = Told::default();
        if let Some(wanted) = self.wanted(app).await? {
            let can = |finding: &&Drift| finding.mend == Mend::Repair;
            let findings: Vec<_> = before.findings.iter().filter(can).collect();
            if !findings.is_empty() {
                self.bring_back(app, &wanted, &findings, &mut told).await?;
            }
        }
        drop(planning);
        for done in &told.done {
            tracing::warn!(%app, done, "repaired");
        }
        Ok(Repaired { done: told.done, failed: told.failed, left: self.drift(app).await? })
    }

    async fn bring_back(
        &self,
        app: &AppName,
        wanted: &Wanted,
        findings: &[&Drift],
        told: &mut Told,
    ) -> Result<(), Problem> {
        let has = |kind| findings.iter().any(|finding| finding.kind == kind);
        if has(DriftKind::Files) {
            let written = self.files.write(&wanted.release).await;
            told.tell("wrote the sealed files".to_owned(), written);
        }
        if has(DriftKind::Missing) {
            self.networks_again(wanted, findings, told).await;
        }
        if has(DriftKind::Network) || has(DriftKind::Restarting) {
            self.cut_off_again(app, wanted, told).await?;
        }
        // Before anything starts: what it needs to reach must be reachable.
        self.join_again(wanted, told).await?;
        if has(DriftKind::Missing) {
            self.replicas_again(app, wanted, findings, told).await?;
        }
        if has(DriftKind::Stopped) {
            let started = self.reconcile(app, None).await;
            let count = started.as_ref().copied().unwrap_or_default();
            let result = started.map(drop).map_err(|problem| problem.message);
            told.tell(format!("started {count} stopped containers"), result);
            self.join_again(wanted, told).await?;
        }
        if has(DriftKind::Routes) {
            self.routes_again(app, wanted, told).await?;
        }
        Ok(())
    }

    /// Networks that are gone.
    async fn networks_again(&self, wanted: &Wanted, findings: &[&Drift], told: &mut Told) {
        let (driver, observer) = self.repairer(wanted);
        let is_missing = |name: &str| {
            let what = format!("network {name}");
            findings.iter().any(|f| f.kind == DriftKind::Missing && f.what == what)
        };
        for (index, step) in wanted.plan.steps.iter().enumerate() {
            let Step::CreateNetworks { networks } = step else { continue };
            let gone: Vec<_> = networks.iter().filter(|n| is_missing(&n.name)).collect();
            if gone.is_empty() {
                continue;
            }
            let result = driver.redo(&wanted.plan, &wanted.release, index, &observer).await;
            let names: Vec<_> = gone.iter().map(|network| network.name.as_str()).collect();
            told.tell(format!("made network {}", names.join(", ")), result);
        }
    }

    /// Replicas that are gone, in the plan's order. What must not run twice is left to a deploy when
    /// another of its service runs.
    async fn replicas_again(
        &self,
        app: &AppName,
        wanted: &Wanted,
        findings: &[&Drift],
        told: &mut Told,
    ) -> Result<(), Problem> {
        let (driver, observer) = self.repairer(wanted);
        let is_missing = |name: &str| {
            let what = format!("container {name}");
            findings.iter().any(|f| f.kind == DriftKind::Missing && f.what == what)
        };
        for (index, step) in wanted.plan.steps.iter().enumerate() {
            if matches!(step, Step::RunOneOff { .. }) {
                continue;
            }
            for replica in step.replicas().iter().filter(|replica| is_missing(&replica.name)) {
                let what = format!("made container {}", replica.name);
                let found = self.platform.containers(&Selector::app(app)).await;
                let found = found.map_err(|error| problems::engine(&error))?;
                if let Some(other) = in_the_way(replica, &found) {
                    let why = format!("{other} runs, and there may be only one");
                    told.tell(what, Err(why));
                    continue;
                }
                let of = (index, replica);
                let made = driver.remake(&wanted.plan, &wanted.release, of, &observer).await;
                told.tell(what, made);
                self.join_again(wanted, told).await?;
            }
        }
        Ok(())
    }

    /// Containers that are there but not where the plan has them.
    async fn join_again(&self, wanted: &Wanted, told: &mut Told) -> Result<(), Problem> {
        let found = self.platform.containers(&Selector::app(wanted.release.app())).await;
        let found = found.map_err(|error| problems::engine(&error))?;
        for (container, place) in places(&wanted.plan) {
            let seen = found.iter().find(|found| found.name == container);
            let Some(seen) = seen.filter(|seen| seen.status == Status::Running) else { continue };
            let status = self.platform.status(&seen.id).await;
            let status = status.map_err(|error| problems::engine(&error))?;
            if status.is_some_and(|status| !status.addresses.contains_key(&place.network)) {
                let what = format!("joined {container} to {}", place.network);
                told.tell(what, self.platform.connect(&seen.id, place).await);
            }
        }
        Ok(())
    }

    /// Containers that run and that the engine has lost, or the networks of, one after the other: the next
    /// when this one is well.
    async fn cut_off_again(
        &self,
        app: &AppName,
        wanted: &Wanted,
        told: &mut Told,
    ) -> Result<(), Problem> {
        let (driver, observer) = self.repairer(wanted);
        let found = self.platform.containers(&Selector::app(app)).await;
        let found = found.map_err(|error| problems::engine(&error))?;
        for (container, planned) in in_order(&wanted.plan) {
            let seen = found.iter().find(|found| found.name == container);
            let Some(seen) = seen else { continue };
            let (is, why) = match seen.status {
                Status::Running => (self.platform.is_cut_off(&seen.id).await, "for its networks"),
                Status::Restarting => {
                    (self.platform.is_mistaken(&seen.id).await, "which the engine took for ended")
                }
                Status::Created | Status::Exited => continue,
            };
            if !is.map_err(|error| problems::engine(&error))? {
                continue;
            }
            let started = self.start_again(wanted, seen).await;
            let is_started = started.is_ok();
            told.tell(format!("started {container} again, {why}"), started);
            if let Some(planned) = planned.filter(|_| is_started) {
                let gate = driver.remake(&wanted.plan, &wanted.release, planned, &observer).await;
                if let Err(reason) = gate {
                    told.tell(format!("{container} is well"), Err(reason));
                }
            }
        }
        Ok(())
    }

    /// What is cut off gets its networks back by another start only.
    async fn start_again(&self, wanted: &Wanted, seen: &FoundContainer) -> Result<(), EngineError> {
        let service = seen.labels.service.as_ref();
        let service = service.and_then(|service| wanted.release.spec.services.get(service));
        let grace_ms = service.map_or(GRACE_MS, ServiceSpec::stop_grace_ms);
        self.platform.stop(&seen.id, Duration::from_millis(grace_ms)).await?;
        self.platform.start(&seen.id).await
    }

    /// The routes of the serving rollout, once more. Only an edge that has others' of this app, or none,
    /// gets them; never over those of another rollout.
    async fn routes_again(
        &self,
        app: &AppName,
        wanted: &Wanted,
        told: &mut Told,
    ) -> Result<(), Problem> {
        let should = wanted.plan.steps.iter().find_map(|step| match step {
            Step::Cutover { routes } => routes.clone(),
            _ => None,
        });
        let table = self.edge.table().await.map_err(|error| problems::edge(&error))?;
        let part = table.apps.get(app);
        let is_others = part.is_some_and(|part| part.rollout != wanted.rollout);
        if should.is_none() || is_others || part == should.as_ref() {
            return Ok(());
        }
        let swapped = self.edge.swap(&table.with_app(app, should)).await;
        told.tell("gave the edge its routes".to_owned(), swapped);
        Ok(())
    }

    /// A driver that does steps of a finished plan again. Its journal is never written to.
    #[expect(clippy::type_complexity, reason = "the driver of an agent, as it is everywhere")]
    fn repairer(
        &self,
        wanted: &Wanted,
    ) -> (Driver<G::Platform, G::Edge, ToldJournal<G::Store>, G::Clock, G::Files>, ToldProgress)
    {
        let (app, rollout) = (wanted.release.app().clone(), wanted.rollout);
        let feed = Arc::new(Feed::new(RolloutRef { app, rollout }, now_ms()));
        let driver = Driver {
            engine: self.platform.clone(),
            edge: self.edge.clone(),
            journal: ToldJournal::new(self.store.clone(), Arc::clone(&feed)),
            clock: self.clock.clone(),
            files: self.files.clone(),
            pause_max: self.config.pause_max,
        };
        (driver, ToldProgress(feed))
    }
}
