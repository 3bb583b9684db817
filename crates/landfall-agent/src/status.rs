//! What is, for people: an app with its services and replicas, and the agent itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use landfall_api::{
    AgentInfo, AppStatus, EdgeState, EngineState, Problem, ProblemCode, ReplicaState, ReplicaView,
    ServiceStatus, ServingView,
};
use landfall_core::id::{AppName, ServiceName};
use landfall_core::release::Release;
use landfall_deploy::ports::{Edge, Engine, FoundContainer, Selector, Status};

use crate::agent::Agent;
use crate::ground::{EdgeProcess, Ground, Store};
use crate::history::ServingSince;
use crate::platform::Platform;

/// Time for one neighbour's answer; without it the rest is still shown.
const NEIGHBOUR_TIMEOUT: Duration = Duration::from_secs(5);
/// Containers looked at at once.
const LOOKS_MAX: usize = 8;

impl<G: Ground> Agent<G> {
    /// The agent about itself and its neighbours.
    pub(crate) async fn info(&self) -> AgentInfo {
        let engine = match within(self.platform.info()).await {
            Ok(info) => EngineState::Up(info),
            Err(message) => EngineState::Down { message },
        };
        let edge = match within(self.edge.status()).await {
            Ok(status) => EdgeState::Up(status),
            Err(message) => EdgeState::Down { message },
        };
        AgentInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api: landfall_api::VERSION,
            pid: std::process::id(),
            state_dir: self.config.state_dir.clone(),
            engine,
            edge,
            open: self.leases.all().iter().map(|lease| lease.of.clone()).collect(),
        }
    }

    /// All apps: those with a past, and those whose first rollout is being prepared.
    pub(crate) async fn statuses(&self) -> Result<Vec<AppStatus>, Problem> {
        let mut apps = self.store.apps().await?;
        apps.extend(self.leases.all().iter().map(|lease| lease.of.app.clone()));
        apps.sort();
        apps.dedup();
        let statuses = apps.into_iter().map(|app| async move { self.status_of(&app).await });
        stream::iter(statuses).buffered(LOOKS_MAX).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// One app.
    pub(crate) async fn status(&self, app: &AppName) -> Result<AppStatus, Problem> {
        let known = self.leases.held(app).is_some() || self.store.apps().await?.contains(app);
        if known {
            return self.status_of(app).await;
        }
        Err(no_app(app))
    }

    async fn status_of(&self, app: &AppName) -> Result<AppStatus, Problem> {
        let mut problems = Vec::new();
        let serving = match self.past(app).await {
            Ok(past) => past.serving,
            Err(problem) => {
                problems.push(problem.message);
                None
            }
        };
        let serving = self.cut_over(app).await.or(serving);
        let found = within(self.platform.containers(&Selector::app(app))).await;
        let found = found.unwrap_or_else(|error| {
            problems.push(format!("containers are not known: {error}"));
            Vec::new()
        });
        let (table, targets) = tokio::join!(within(self.edge.table()), within(self.edge.targets()));
        let routes = match &table {
            Ok(table) => table.apps.get(app).map(|part| part.routes.clone()).unwrap_or_default(),
            Err(error) => {
                problems.push(error.clone());
                Vec::new()
            }
        };
        let mut targets = targets.unwrap_or_default();
        targets.retain(|target| target.app == *app);
        let release = serving.as_ref().map(|(_, release)| release);
        Ok(AppStatus {
            app: app.clone(),
            serving: serving.as_ref().map(|(since, _)| ServingView {
                release: since.release,
                rollout: since.rollout,
                since_ms: since.since_ms,
            }),
            open: self.leases.held(app).map(|lease| lease.view()),
            services: self.services(release, found).await,
            routes,
            targets,
            problems,
        })
    }

    /// What an open rollout has brought to serve already: past its pivot, but not at its end.
    async fn cut_over(&self, app: &AppName) -> Option<(ServingSince, Release)> {
        let lease = self.leases.held(app)?;
        let (release, rollout) = lease.feed.look(|rollout| {
            let plan = rollout.filter(|rollout| rollout.is_past_pivot())?.plan();
            Some((plan.release?, plan.rollout))
        })?;
        let sealed = self.store.release(app, release).await.ok()??;
        Some((ServingSince { release, rollout, since_ms: lease.since_ms }, sealed))
    }

    async fn services(
        &self,
        release: Option<&Release>,
        found: Vec<FoundContainer>,
    ) -> Vec<ServiceStatus> {
        let mut replicas: BTreeMap<ServiceName, Vec<ReplicaView>> = BTreeMap::new();
        for name in release.into_iter().flat_map(|release| release.spec.services.keys()) {
            replicas.insert(name.clone(), Vec::new());
        }
        let looks = found.into_iter().map(|found| self.replica(found));
        let mut looks = stream::iter(looks).buffered(LOOKS_MAX);
        while let Some(look) = looks.next().await {
            if let Some((service, replica)) = look {
                replicas.entry(service).or_default().push(replica);
            }
        }
        let describe = |(service, mut replicas): (ServiceName, Vec<ReplicaView>)| {
            replicas.sort_by(|a, b| (b.rollout, a.index).cmp(&(a.rollout, b.index)));
            let spec = release.and_then(|release| release.spec.services.get(&service));
            let sealed = release.and_then(|release| release.images.get(&service));
            ServiceStatus {
                workload: spec.map(|spec| spec.workload),
                image: spec.map(|spec| spec.image.clone()).unwrap_or_default(),
                image_id: sealed.map(|sealed| sealed.id.clone()),
                wanted: spec.map_or(0, |spec| spec.replicas),
                replicas,
                service,
            }
        };
        replicas.into_iter().map(describe).collect()
    }

    async fn replica(&self, found: FoundContainer) -> Option<(ServiceName, ReplicaView)> {
        let closer = within(self.platform.status(&found.id)).await.ok().flatten();
        let status = closer.as_ref().map_or(found.status, |closer| closer.status);
        let view = ReplicaView {
            index: found.labels.replica.unwrap_or(1),
            name: found.name,
            id: found.id,
            release: found.labels.release,
            rollout: found.labels.rollout,
            status: match status {
                Status::Created => ReplicaState::Created,
                Status::Running => ReplicaState::Running,
                Status::Restarting => ReplicaState::Restarting,
                Status::Exited => ReplicaState::Exited,
            },
            exits: closer.as_ref().map_or(0, |closer| closer.exits),
            exit_code: closer.as_ref().and_then(|closer| closer.exit_code),
            address: closer.and_then(|closer| closer.addresses.into_values().next()),
        };
        found.labels.service.map(|service| (service, view))
    }
}

/// No such app.
pub(crate) fn no_app(app: &AppName) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("there is no app {app}"))
}

async fn within<T, E: std::fmt::Display>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(NEIGHBOUR_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", NEIGHBOUR_TIMEOUT.as_secs())),
    }
}
