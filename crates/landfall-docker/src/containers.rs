//! Containers: found by label, adopted by label, started, stopped and removed.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary,
    ContainerSummaryStateEnum, ContainerUpdateBody, PortSummaryTypeEnum, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};
use landfall_core::id::AppName;
use landfall_core::label::{Scope, key};
use landfall_deploy::ports::{
    ContainerRequest, EngineError, EngineErrorKind, FoundContainer, ReplicaStatus, Selector, Status,
};

use crate::client::{DockerEngine, LONG, SHORT};
use crate::error::{conflict, invalid, is_passing, not_found};
use crate::{lost, map, name, place};

/// A container that is just going may hold its name a moment longer.
const CREATE_ATTEMPTS_MAX: usize = 3;
const GONE_POLL: Duration = Duration::from_millis(25);
/// Docker's zero time: never.
const NEVER: &str = "0001-01-01T00:00:00Z";

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

    pub(crate) async fn create_container(
        &self,
        request: &ContainerRequest,
    ) -> Result<String, EngineError> {
        let mut body = map::create_body(request)?;
        // A second database would write into the first one's volume.
        self.ours(&request.labels.app).await?;
        let cleared = request.container.command.as_ref().is_some_and(Vec::is_empty);
        if cleared && request.container.entrypoint.is_none() {
            // The engine takes an empty command for none at all, unless an entrypoint stands by it.
            let entrypoint = self.image_entrypoint(&request.image.0).await?;
            let nothing = || invalid("the command is empty and the image has no entrypoint");
            body.entrypoint = Some(entrypoint.ok_or_else(nothing)?);
        }
        for attachment in &request.attachments {
            self.require_network(&attachment.network).await?;
        }
        self.docker().await?;
        map::refuse_unknown(request, self.api_minor())?;
        let options = CreateContainerOptionsBuilder::new()
            .name(name::object(&request.name)?)
            .platform(request.platform.as_deref().unwrap_or_default())
            .build();
        let docker = self.docker().await?;
        let mut attempt = 1;
        let id = loop {
            let create = docker.create_container(Some(options.clone()), body.clone());
            match self.change(LONG, create).await {
                Ok(made) => break made.id,
                Err(error) if error.kind == EngineErrorKind::Conflict => {
                    if let Some(id) = self.adopt(request).await? {
                        break id;
                    }
                    if attempt == CREATE_ATTEMPTS_MAX {
                        return Err(error);
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        for attachment in request.attachments.iter().skip(1) {
            self.join(&id, attachment).await?;
        }
        Ok(id)
    }

    /// The container that has the name already, if it is the one asked for; `None` if there is none.
    async fn adopt(&self, request: &ContainerRequest) -> Result<Option<String>, EngineError> {
        let Some(seen) = self.inspect(&request.name).await? else { return Ok(None) };
        let labels = map::our_labels(labels_of(&seen));
        if labels.as_ref() != Some(&request.labels) {
            let whose = match labels {
                Some(labels) => format!("rollout {} of {}", labels.rollout, labels.app),
                None => "something that landfall did not make".to_owned(),
            };
            return Err(conflict(format!("container name {} is taken by {whose}", request.name)));
        }
        if is_going(&seen) {
            self.until_gone(&request.name).await?;
            return Ok(None);
        }
        if place::is_half_made(&seen) {
            // Started as it is, it would have neither its address nor its names.
            tracing::warn!(container = request.name, "half made by the engine: removed");
            Box::pin(self.remove_container(&request.name)).await?;
            return Ok(None);
        }
        Ok(seen.id)
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
                Ok(false) | Err(_) => Err(error),
            },
        }
    }

    /// Somebody else is removing it: wait for that.
    async fn until_gone(&self, container: &str) -> Result<(), EngineError> {
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

/// `None` for an engine that knows no such thing.
pub(crate) fn none_if_missing<T>(result: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == EngineErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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

pub(crate) fn labels_of(seen: &ContainerInspectResponse) -> Option<&HashMap<String, String>> {
    seen.config.as_ref()?.labels.as_ref()
}

fn policy(seen: &ContainerInspectResponse) -> Option<RestartPolicyNameEnum> {
    seen.host_config.as_ref()?.restart_policy.as_ref()?.name
}

fn state(seen: &ContainerInspectResponse) -> ContainerStateStatusEnum {
    let state = seen.state.as_ref().and_then(|state| state.status);
    state.unwrap_or(ContainerStateStatusEnum::EMPTY)
}

fn is_going(seen: &ContainerInspectResponse) -> bool {
    matches!(state(seen), ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD)
}

pub(crate) fn status(seen: &ContainerInspectResponse) -> Status {
    use ContainerStateStatusEnum as State;
    match state(seen) {
        State::CREATED => Status::Created,
        State::RUNNING | State::PAUSED | State::STOPPING => Status::Running,
        State::RESTARTING => Status::Restarting,
        State::EXITED | State::REMOVING | State::DEAD | State::EMPTY => Status::Exited,
    }
}

/// A close look, in the port's words.
pub(crate) fn replica_status(seen: &ContainerInspectResponse) -> ReplicaStatus {
    let status = status(seen);
    let state = seen.state.as_ref();
    let started = state
        .and_then(|state| state.started_at.as_deref())
        .is_some_and(|at| !at.is_empty() && at != NEVER);
    // The engine counts restarts, and counts one as soon as it has decided on it: while it runs or
    // waits to run again, every exit is counted; the last one, after which it stays down, is not.
    let restarts = seen.restart_count.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let last = u32::from(started && matches!(status, Status::Exited));
    let down = started && !matches!(status, Status::Running);
    let networks = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let address = |ip: &Option<String>| ip.as_ref()?.parse::<Ipv4Addr>().ok();
    ReplicaStatus {
        id: seen.id.clone().unwrap_or_default(),
        labels: map::our_labels(labels_of(seen)),
        status,
        exits: restarts.saturating_add(last),
        exit_code: state.filter(|_| down).and_then(|state| state.exit_code),
        addresses: networks
            .into_iter()
            .flatten()
            .filter_map(|(name, endpoint)| Some((name.clone(), address(&endpoint.ip_address)?)))
            .collect(),
    }
}
