//! Containers: found by label, started, stopped and removed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::models::{
    ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum, ContainerUpdateBody,
    PortSummaryTypeEnum, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use landfall_core::id::AppName;
use landfall_core::label::{Scope, key};
use landfall_deploy::ports::{EngineError, EngineErrorKind, FoundContainer, Selector, Status};

use crate::client::{DockerEngine, LONG, SHORT};
use crate::error::{is_passing, none_if_missing, not_found};
use crate::seen::{labels_of, policy, status};
use crate::{lost, map, name};

const GONE_POLL: Duration = Duration::from_millis(25);

impl DockerEngine {
    pub(crate) async fn find_containers(
        &self,
        selector: &Selector,
    ) -> Result<Vec<FoundContainer>, EngineError> {
        let mut found: Vec<_> = self
            .ours(&selector.app)
            .await?
            .into_iter()
            .filter_map(found)
            .filter(|container| selector.matches(&container.labels))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        self.look_closer(found).await
    }

    /// The list goes on to have a container as not started, or ended, whose start did not fit on a full
    /// disk: it runs, and may be a database. Who is asked about alone is told rightly.
    async fn look_closer(
        &self,
        found: Vec<FoundContainer>,
    ) -> Result<Vec<FoundContainer>, EngineError> {
        let mut closer = Vec::new();
        for mut one in found {
            if matches!(one.status, Status::Created | Status::Exited) {
                // Gone since it was listed.
                let Some(seen) = self.inspect(&one.id).await? else { continue };
                one.status = status(&seen);
            }
            closer.push(one);
        }
        Ok(closer)
    }

    /// Every container of an app; refused while more of it runs than the engine knows.
    pub(crate) async fn ours(&self, app: &AppName) -> Result<Vec<ContainerSummary>, EngineError> {
        let on_disk = self.on_disk().await?;
        let filters = app_filter(app);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let known = self.ask(self.docker().await?.list_containers(Some(options))).await?;
        let lost = self.lost_of(on_disk, &known, Some(app)).await?;
        if lost.is_empty() { Ok(known) } else { Err(lost::refusal(&lost)) }
    }

    /// One container by exact name or whole id. The engine would also take the beginning of an id.
    pub(crate) async fn inspect(
        &self,
        container: &str,
    ) -> Result<Option<ContainerInspectResponse>, EngineError> {
        let docker = self.docker().await?;
        let seen = self.ask(docker.inspect_container(name::object(container)?, None)).await;
        let Some(seen) = none_if_missing(seen)? else { return Ok(None) };
        let same = |given: Option<&str>| given == Some(container);
        let named = same(seen.name.as_deref().map(|n| n.trim_start_matches('/')));
        Ok((named || same(seen.id.as_deref())).then_some(seen))
    }

    pub(crate) async fn start_container(&self, container: &str) -> Result<(), EngineError> {
        let missing = || not_found(format!("there is no container {container}"));
        Box::pin(self.tell_of_end(container)).await?;
        let seen = self.inspect(container).await?.ok_or_else(missing)?;
        let ours = map::our_labels(labels_of(&seen)).is_some();
        let once = labels_of(&seen).and_then(|l| l.get(map::RESTART_LABEL)).map(String::as_str)
            == Some(map::RESTART_NO);
        if ours && !once && policy(&seen) != Some(RestartPolicyNameEnum::ALWAYS) {
            self.set_restart(container, true).await?;
        }
        if status(&seen) == Status::Running {
            return Ok(());
        }
        let start =
            async || self.change(LONG, self.docker().await?.start_container(container, None)).await;
        // What outlives releases may have been left on a network that went with one.
        let outlives = map::our_labels(labels_of(&seen)).is_some_and(|l| l.scope == Scope::App);
        match start().await {
            Err(_) if outlives && self.forget_lost_networks(container).await? => start().await?,
            started => started?,
        }
        let hooks = map::hooks_of(labels_of(&seen)).post_start;
        if ours && status(&seen) != Status::Created && !hooks.is_empty() {
            // Its first start was watched by whoever made it. Now it has served before, and must
            // serve again: a hook that fails is told, and changes nothing.
            match self.do_hooks(container, &hooks, LONG).await {
                Ok(Ok(())) => {}
                Ok(Err(problem)) => {
                    tracing::warn!(container, problem, "post_start failed");
                }
                Err(error) => tracing::warn!(container, %error, "post_start could not be run"),
            }
        }
        Ok(())
    }

    pub(crate) async fn stop_container(
        &self,
        container: &str,
        grace: Duration,
    ) -> Result<(), EngineError> {
        Box::pin(self.tell_of_end(container)).await?;
        // With `always`, a restart of the engine would bring it back.
        let off = self.set_restart(name::object(container)?, false).await;
        if fine_if_gone(off)?.is_none() {
            return Ok(());
        }
        let began = Instant::now();
        if let Ok(Some(seen)) = self.inspect(container).await {
            match status(&seen) {
                Status::Running => self.before_stop(container, &seen, grace).await,
                Status::Restarting => drop(self.free_if_mistaken(container, grace).await?),
                Status::Created | Status::Exited => {}
            }
        }
        let grace = grace.saturating_sub(began.elapsed());
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let docker = self.docker().await?;
        let stop = docker.stop_container(container, Some(options));
        let stop = self.change(grace.saturating_add(SHORT), stop);
        fine_if_gone(Box::pin(self.while_ending(container, stop)).await).map(drop)
    }

    /// Runs the `pre_stop` hooks of a container that runs. It stops whatever becomes of them.
    async fn before_stop(&self, container: &str, seen: &ContainerInspectResponse, grace: Duration) {
        let ours = map::our_labels(labels_of(seen)).is_some();
        let hooks = map::hooks_of(labels_of(seen)).pre_stop;
        if !ours || hooks.is_empty() {
            return;
        }
        match self.do_hooks(container, &hooks, grace).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => tracing::warn!(container, problem, "pre_stop failed"),
            Err(error) => tracing::warn!(container, %error, "pre_stop could not be run"),
        }
    }

    async fn set_restart(&self, container: &str, restart: bool) -> Result<(), EngineError> {
        let body = ContainerUpdateBody {
            restart_policy: Some(map::restart_policy(restart)),
            ..ContainerUpdateBody::default()
        };
        self.change(SHORT, self.docker().await?.update_container(container, body)).await
    }

    pub(crate) async fn remove_container(&self, container: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().v(true).force(true).build();
        let docker = self.docker().await?;
        let name = name::object(container)?;
        let remove = || {
            let remove = self.change(LONG, docker.remove_container(name, Some(options.clone())));
            Box::pin(self.while_ending(container, remove))
        };
        match remove().await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == EngineErrorKind::NotFound => Ok(()),
            Err(error) if is_passing(&error.message) => self.until_gone(container).await,
            Err(error) => match self.free_if_mistaken(container, Duration::ZERO).await {
                Ok(true) => remove().await,
                Ok(false) => Err(error),
                Err(why) => Err(EngineError {
                    message: format!("{}; {}", error.message, why.message),
                    ..error
                }),
            },
        }
    }

    /// Somebody else is removing it: wait for that.
    pub(crate) async fn until_gone(&self, container: &str) -> Result<(), EngineError> {
        let gone = async {
            while self.inspect(container).await?.is_some() {
                tokio::time::sleep(GONE_POLL).await;
            }
            Ok(())
        };
        match tokio::time::timeout(SHORT, gone).await {
            Ok(result) => result,
            Err(_) => Err(crate::error::timeout(crate::error::Call::Change, SHORT)),
        }
    }

    /// The running container that publishes a TCP port of the host, by name: who has it, when it is
    /// taken.
    pub async fn who_publishes(&self, port: u16) -> Result<Option<String>, EngineError> {
        let options = ListContainersOptionsBuilder::new().build();
        let list = self.ask(self.docker().await?.list_containers(Some(options))).await?;
        let publishes = |container: &ContainerSummary| {
            let mut ports = container.ports.iter().flatten();
            ports.any(|p| p.public_port == Some(port) && p.typ != Some(PortSummaryTypeEnum::UDP))
        };
        Ok(list.into_iter().find(publishes).and_then(|container| summary_name(&container)))
    }
}

/// Containers, networks or volumes of one app.
pub(crate) fn app_filter(app: &AppName) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{}={app}", key::APP)])])
}

/// As [`none_if_missing`], and what is being removed counts as gone.
fn fine_if_gone<T>(result: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match result {
        Err(error) if is_passing(&error.message) => Ok(None),
        result => none_if_missing(result),
    }
}

fn summary_name(container: &ContainerSummary) -> Option<String> {
    // A linked container has further names, with more than one slash.
    let mut names = container.names.iter().flatten();
    names.find_map(|name| name.strip_prefix('/').filter(|n| !n.contains('/'))).map(Into::into)
}

fn found(container: ContainerSummary) -> Option<FoundContainer> {
    use ContainerSummaryStateEnum as State;
    let status = match container.state? {
        State::CREATED => Status::Created,
        State::RUNNING | State::PAUSED | State::STOPPING => Status::Running,
        State::RESTARTING => Status::Restarting,
        State::EXITED | State::REMOVING | State::DEAD | State::EMPTY => Status::Exited,
    };
    let labels = map::our_labels(container.labels.as_ref())?;
    let name = summary_name(&container)?;
    Some(FoundContainer { id: container.id?, name, labels, status })
}
