//! The engine, with the oddities that were measured: 409 on a taken name, what is gone is removed
//! gladly, `always` brings back what ran, a one-off never comes back.
//!
//! Stopping and creating are several calls, as they are over the real API.

mod platform;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_core::gate::Probe;
use landfall_core::id::{AppName, ImageId, ReleaseNumber, RolloutNumber};
use landfall_core::label::{Labels, Scope};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::Attachment;
use landfall_core::record::{Effect, Retry};
use landfall_core::spec::Hook;
use landfall_deploy::ports::{
    ContainerRequest, Engine, EngineError, EngineErrorKind, FoundContainer, FoundNetwork,
    FoundVolume, NetworkRequest, ReplicaStatus, ResolvedMount, Selector, Status, VolumeRequest,
};

use crate::behaviour::{Behaviour, Behaviours};
use crate::fault::{Call, Port};
use crate::scenario::Taken;
use crate::world::{Failure, Sim, World};

/// An address of the engine's own choice; nothing is routed to it.
const CHOSEN: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 2);

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Never started.
    Created,
    /// Started then.
    Running(Duration),
    /// It was stopped, killed or has died.
    Stopped(i64),
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Labels; `None`: a stranger's.
    pub labels: Option<Labels>,
    /// It is meant to restart.
    pub restarts: bool,
    /// Its policy now: stopping takes it away.
    pub always: bool,
    /// What it does.
    pub phase: Phase,
    /// Networks and addresses.
    pub networks: BTreeMap<String, Option<Ipv4Addr>>,
    /// Good answers given.
    pub answered: u32,
    /// Good answers in a row to probes, the most so far.
    pub streak_max: u32,
    streak: u32,
    /// Names of containers that must run when it is started.
    pub peers: Vec<String>,
    /// How it behaves.
    pub behaviour: Behaviour,
    /// Sealed files that it has mounted.
    pub files: Option<(AppName, ReleaseNumber)>,
}

/// A network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Labels; `None`: a stranger's.
    pub labels: Option<Labels>,
    /// Addresses.
    pub subnet: Ipv4Net,
}

/// The engine and its things.
#[derive(Debug, Clone)]
pub struct EngineState {
    /// It answers.
    pub up: bool,
    /// Containers outlive it.
    pub live_restore: bool,
    /// Containers by id.
    pub containers: BTreeMap<String, Container>,
    /// Networks by name.
    pub networks: BTreeMap<String, Network>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, Option<Labels>>,
    /// Image tags.
    pub tags: BTreeMap<String, ImageId>,
    /// How containers behave.
    pub behaviours: Behaviours,
    /// Times that each one-off of a rollout was started, by container name.
    pub runs: BTreeMap<String, u32>,
    /// Addresses of what somebody else took away.
    pub taken_away: BTreeSet<Ipv4Addr>,
    /// What somebody takes away of the first candidate whose cutover is intended.
    pub taken_at_cutover: Option<(Taken, &'static str)>,
    /// Ran when the engine went.
    pub restarting: Vec<String>,
    next_id: u32,
}

impl Default for EngineState {
    fn default() -> Self {
        Self {
            up: true,
            live_restore: false,
            containers: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            tags: BTreeMap::new(),
            behaviours: Behaviours::default(),
            runs: BTreeMap::new(),
            taken_away: BTreeSet::new(),
            taken_at_cutover: None,
            restarting: Vec::new(),
            next_id: 0,
        }
    }
}

impl Container {
    /// A stranger that runs.
    pub fn stranger(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            labels: None,
            restarts: true,
            always: true,
            phase: Phase::Running(Duration::ZERO),
            networks: BTreeMap::new(),
            answered: 0,
            streak_max: 0,
            streak: 0,
            peers: Vec::new(),
            behaviour: Behaviour::default(),
            files: None,
        }
    }

    /// It runs, as far as the engine knows.
    pub fn runs(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// How long it has run.
    fn up_ms(&self, now: Duration) -> Option<u64> {
        let Phase::Running(since) = self.phase else { return None };
        u64::try_from(now.saturating_sub(since).as_millis()).ok()
    }

    /// Whether it serves a request well now.
    pub fn serves(&self, now: Duration) -> bool {
        self.up_ms(now).is_some_and(|up| {
            let it = &self.behaviour;
            it.exits.is_none()
                && !it.bad_at_edge
                && it.ready_after_ms.is_some_and(|ms| up >= ms)
                && it.good_answers.is_none_or(|n| self.answered < n)
        })
    }

    /// Whether it answers a probe well now.
    fn is_healthy(&self, now: Duration) -> bool {
        let flaps = self.behaviour.flaps_until_ms;
        let bad = |up: u64| flaps.is_some_and(|until| up < until && (up / 10) % 2 == 1);
        let it = Behaviour { bad_at_edge: false, ..self.behaviour };
        let calm = Self { behaviour: it, ..self.clone_for_look() };
        calm.serves(now) && self.up_ms(now).is_some_and(|up| !bad(up))
    }

    fn clone_for_look(&self) -> Self {
        Self {
            phase: self.phase,
            answered: self.answered,
            behaviour: self.behaviour,
            ..Self::stranger("")
        }
    }

    /// Status, exits and exit code now.
    pub fn status(&self, now: Duration) -> (Status, u32, Option<i64>) {
        let up = match self.phase {
            Phase::Created => return (Status::Created, 0, None),
            Phase::Stopped(code) => return (Status::Exited, 1, Some(code)),
            Phase::Running(_) => self.up_ms(now).unwrap_or(0),
        };
        if !self.restarts {
            let (duration, code) = self.behaviour.one_off;
            let ended = up >= duration;
            let state = if ended { Status::Exited } else { Status::Running };
            return (state, u32::from(ended), ended.then_some(code));
        }
        match self.behaviour.exits {
            Some((after, code)) if up >= after => {
                let exits = u32::try_from(up / (after + 20)).unwrap_or(u32::MAX).max(1);
                (Status::Restarting, exits, Some(code))
            }
            Some(_) | None => (Status::Running, 0, None),
        }
    }
}

impl EngineState {
    /// Finds a container by id or name.
    pub fn find(&self, container: &str) -> Option<String> {
        if self.containers.contains_key(container) {
            return Some(container.to_owned());
        }
        self.containers.iter().find(|(_, c)| c.name == container).map(|(id, _)| id.clone())
    }

    /// Who has an address.
    pub fn at(&self, address: Ipv4Addr) -> Option<&Container> {
        let has = |c: &&Container| c.networks.values().any(|a| *a == Some(address));
        self.containers.values().find(has)
    }

    /// Leaves a container like that one, as a rollout that died would, that was never started.
    pub fn leave(&mut self, like: &str, name: &str) {
        let Some(mut left) = self.containers.values().find(|c| c.name == like).cloned() else {
            return;
        };
        name.clone_into(&mut left.name);
        left.phase = Phase::Created;
        left.networks.clear();
        if let Some(labels) = &mut left.labels {
            labels.rollout = RolloutNumber(0);
        }
        self.add(left);
    }

    /// Takes away what is to be taken of this rollout, behind everyone's back.
    pub fn take_of(&mut self, app: &AppName, rollout: RolloutNumber) {
        let Some((what, service)) = self.taken_at_cutover.take() else { return };
        let found = self.containers.iter_mut().find(|(_, container)| {
            container.labels.as_ref().is_some_and(|labels| {
                let of = labels.service.as_ref().is_some_and(|name| name.as_str() == service);
                labels.app == *app && labels.rollout == rollout && of
            })
        });
        let Some((id, container)) = found else { return };
        match what {
            Taken::Networks => container.networks.clear(),
            Taken::Container => {
                let id = id.clone();
                self.containers.remove(&id);
            }
        }
    }

    /// Adds something that is not ours.
    pub fn add(&mut self, container: Container) {
        self.next_id += 1;
        self.containers.insert(format!("c{}", self.next_id), container);
    }

    /// It stops answering; what it takes with it dies.
    pub fn go_down(&mut self, now: Duration) {
        self.up = false;
        if !self.live_restore {
            self.all_die(now);
        }
    }

    /// Everything dies at once.
    pub fn lose_power(&mut self, now: Duration) {
        self.up = false;
        self.all_die(now);
    }

    fn all_die(&mut self, now: Duration) {
        for (id, container) in &mut self.containers {
            if container.runs() {
                let (status, _, code) = container.status(now);
                let code = if status == Status::Exited { code.unwrap_or(0) } else { 137 };
                container.phase = Phase::Stopped(code);
                if container.always {
                    self.restarting.push(id.clone());
                }
            }
        }
    }

    /// It answers again, and brings back what is `always` there.
    pub fn come_up(&mut self, now: Duration) {
        self.up = true;
        let ids = std::mem::take(&mut self.restarting);
        // What lives in another's namespace comes back after it.
        for round in 0..3 {
            for id in &ids {
                if round == 0 || self.containers.get(id).is_some_and(|c| !c.runs()) {
                    self.bring_back(id, now);
                }
            }
        }
    }

    fn bring_back(&mut self, id: &str, now: Duration) {
        let Some(container) = self.containers.get(id) else { return };
        let here = |peer: &String| self.containers.values().any(|c| c.name == *peer && c.runs());
        if container.always
            && container.peers.iter().all(here)
            && let Some(container) = self.containers.get_mut(id)
        {
            container.phase = Phase::Running(now);
        }
    }
}

fn error(kind: EngineErrorKind, effect: Effect, retry: Retry, message: &str) -> EngineError {
    EngineError { kind, effect, retry, message: message.to_owned() }
}

fn conflict(what: &str) -> EngineError {
    error(EngineErrorKind::Conflict, Effect::None, Retry::Never, &format!("{what} is taken"))
}

fn not_found(what: &str) -> EngineError {
    error(EngineErrorKind::NotFound, Effect::None, Retry::Never, &format!("no such thing: {what}"))
}

impl Failure for EngineError {
    fn absent() -> Self {
        error(EngineErrorKind::Unreachable, Effect::None, Retry::Later, "no engine answers")
    }

    fn refused(later: bool) -> Self {
        let retry = if later { Retry::Later } else { Retry::Never };
        error(EngineErrorKind::Internal, Effect::None, retry, "refused by a planted fault")
    }

    fn lost() -> Self {
        error(EngineErrorKind::Timeout, Effect::Unknown, Retry::Later, "the answer was lost")
    }
}

const fn look(name: &'static str) -> Call {
    Call { port: Port::Engine, name, changes: false }
}

const fn change(name: &'static str) -> Call {
    Call { port: Port::Engine, name, changes: true }
}

/// The engine, as one agent has it.
#[derive(Clone)]
pub struct SimPlatform(pub Sim);

fn create(world: &mut World, new: Container) -> Result<String, EngineError> {
    if let Some(labels) = new.labels.clone() {
        world.intend(&labels, true);
    }
    let engine = &mut world.engine;
    if let Some(id) = engine.find(&new.name) {
        let same = engine.containers[&id].labels == new.labels || planted(Mutation::AdoptByName);
        return if same { Ok(id) } else { Err(conflict(&new.name)) };
    }
    for (network, address) in &new.networks {
        check_place(world, network, *address)?;
    }
    let engine = &mut world.engine;
    engine.next_id += 1;
    let id = format!("c{}", engine.next_id);
    engine.containers.insert(id.clone(), new);
    Ok(id)
}

fn check_place(world: &World, name: &str, address: Option<Ipv4Addr>) -> Result<(), EngineError> {
    let Some(network) = world.engine.networks.get(name) else { return Err(not_found(name)) };
    let Some(address) = address else { return Ok(()) };
    // What was stopped has given its address back.
    let taken = |c: &Container| {
        !matches!(c.phase, Phase::Stopped(_)) && c.networks.get(name) == Some(&Some(address))
    };
    if !network.subnet.contains(&address) || world.engine.containers.values().any(taken) {
        return Err(conflict(&address.to_string()));
    }
    Ok(())
}

fn connect(
    world: &mut World,
    container: &str,
    network: String,
    address: Option<Ipv4Addr>,
) -> Result<(), EngineError> {
    let id = world.engine.find(container).ok_or_else(|| not_found(container))?;
    world.touch(&id);
    if world.engine.containers[&id].networks.contains_key(&network) {
        return Ok(());
    }
    check_place(world, &network, address)?;
    if let Some(container) = world.engine.containers.get_mut(&id) {
        container.networks.insert(network, address);
    }
    Ok(())
}

fn start(world: &mut World, container: &str) -> Result<(), EngineError> {
    let now = world.now();
    let id = world.engine.find(container).ok_or_else(|| not_found(container))?;
    world.start_is_meant(&id);
    let wanted = &world.engine.containers[&id];
    if world.late && !wanted.restarts {
        // A known limit: an engine that begins a one-off long after its start was given up, and
        // after the next attempt has looked, runs it twice. No engine call can exclude that.
        return Ok(());
    }
    let runs =
        |peer: &String| world.engine.containers.values().any(|c| c.name == *peer && c.runs());
    let running = wanted.status(now).0 == Status::Running;
    if !running && !wanted.peers.iter().all(runs) {
        return Err(conflict("the namespace of a container that does not run"));
    }
    if let Some(files) = wanted.files.clone().filter(|_| !running)
        && !world.files.is_whole(&files)
    {
        world.watch.broken("I6", format_args!("{container} starts without its sealed files"));
    }
    let Some(container) = world.engine.containers.get_mut(&id) else { return Err(not_found(&id)) };
    container.always = container.restarts;
    if running {
        return Ok(());
    }
    container.phase = Phase::Running(now);
    if !container.restarts {
        let name = container.name.clone();
        *world.engine.runs.entry(name).or_default() += 1;
    }
    Ok(())
}

fn probe(world: &mut World, container: &str) -> Result<Result<(), String>, EngineError> {
    let now = world.now();
    let id = world.engine.find(container).ok_or_else(|| not_found(container))?;
    let Some(container) = world.engine.containers.get_mut(&id) else { return Err(not_found(&id)) };
    let good = container.is_healthy(now);
    container.streak = if good { container.streak + 1 } else { 0 };
    container.streak_max = container.streak_max.max(container.streak);
    container.answered += u32::from(good);
    Ok(if good { Ok(()) } else { Err("answered 503".to_owned()) })
}

impl SimPlatform {
    async fn ask<T: Send>(
        &self,
        name: &'static str,
        subject: &str,
        effect: impl FnOnce(&mut World) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.0.call(look(name), subject, effect).await
    }

    async fn change<T: Send>(
        &self,
        name: &'static str,
        subject: &str,
        effect: impl FnOnce(&mut World) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.0.call(change(name), subject, effect).await
    }
}

fn sealed_files(request: &ContainerRequest) -> Option<(AppName, ReleaseNumber)> {
    let sealed = request.mounts.iter().any(|mount| {
        matches!(mount, ResolvedMount::Bind { source, .. } if source.starts_with("/files/"))
    });
    sealed.then(|| (request.labels.app.clone(), request.labels.release))
}

impl Engine for SimPlatform {
    async fn containers(&self, selector: &Selector) -> Result<Vec<FoundContainer>, EngineError> {
        let selector = selector.clone();
        self.ask("containers", "", move |world| {
            let now = world.now();
            let found = world.engine.containers.iter().filter_map(|(id, container)| {
                let labels = container.labels.as_ref().filter(|l| selector.matches(l))?.clone();
                let (status, _, _) = container.status(now);
                let (id, name) = (id.clone(), container.name.clone());
                Some(FoundContainer { id, name, labels, status })
            });
            Ok(found.collect())
        })
        .await
    }

    async fn status(&self, container: &str) -> Result<Option<ReplicaStatus>, EngineError> {
        let name = container.to_owned();
        self.ask("status", container, move |world| {
            let Some(id) = world.engine.find(&name) else { return Ok(None) };
            let container = &world.engine.containers[&id];
            let (status, exits, exit_code) = container.status(world.now());
            let place = |(name, address): (&String, &Option<Ipv4Addr>)| {
                (name.clone(), address.unwrap_or(CHOSEN))
            };
            let addresses = container.networks.iter().map(place);
            let (labels, addresses) = (container.labels.clone(), addresses.collect());
            Ok(Some(ReplicaStatus { id, labels, status, exits, exit_code, addresses }))
        })
        .await
    }

    async fn create(&self, request: &ContainerRequest) -> Result<String, EngineError> {
        let first = request.attachments.iter().take(1);
        let new = Container {
            labels: Some(request.labels.clone()),
            restarts: request.restart,
            always: request.restart,
            phase: Phase::Created,
            networks: first.map(|a| (a.network.clone(), a.address)).collect(),
            peers: request.peers.values().cloned().collect(),
            files: sealed_files(request),
            ..Container::stranger(&request.name)
        };
        let image = request.image.clone();
        let id = self
            .change("create", &request.name, move |world| {
                let behaviour = world.engine.behaviours.of(new.labels.as_ref(), &image);
                create(world, Container { behaviour, ..new })
            })
            .await?;
        for attachment in request.attachments.iter().skip(1) {
            let (id, network, address) =
                (id.clone(), attachment.network.clone(), attachment.address);
            self.change("join", &request.name, move |w| connect(w, &id, network, address)).await?;
        }
        Ok(id)
    }

    async fn start(&self, container: &str) -> Result<(), EngineError> {
        let id = container.to_owned();
        self.change("start", container, move |world| start(world, &id)).await
    }

    async fn run_hooks(
        &self,
        container: &str,
        hooks: &[Hook],
        _: Duration,
    ) -> Result<Result<(), String>, EngineError> {
        let bad = hooks.iter().any(|hook| hook.command.first().is_some_and(|w| w == "false"));
        let id = container.to_owned();
        self.change("hooks", container, move |world| {
            let id = world.engine.find(&id).ok_or_else(|| not_found(&id))?;
            world.touch(&id);
            Ok(if bad { Err("exit code 1".to_owned()) } else { Ok(()) })
        })
        .await
    }

    async fn stop(&self, container: &str, _: Duration) -> Result<(), EngineError> {
        let id = container.to_owned();
        let there = self
            .change("keep down", container, move |world| {
                let Some(id) = world.engine.find(&id) else { return Ok(false) };
                world.touch(&id);
                if let Some(container) = world.engine.containers.get_mut(&id) {
                    container.always = false;
                }
                Ok(true)
            })
            .await?;
        if !there {
            return Ok(());
        }
        let id = container.to_owned();
        self.change("stop", container, move |world| {
            let now = world.now();
            let Some(id) = world.engine.find(&id) else { return Ok(()) };
            world.touch(&id);
            world.goes(&id);
            if let Some(container) = world.engine.containers.get_mut(&id)
                && container.runs()
            {
                let (status, _, code) = container.status(now);
                let code = if status == Status::Exited { code.unwrap_or(0) } else { 0 };
                container.phase = Phase::Stopped(code);
            }
            Ok(())
        })
        .await
    }

    async fn remove(&self, container: &str) -> Result<(), EngineError> {
        let id = container.to_owned();
        self.change("remove", container, move |world| {
            if let Some(id) = world.engine.find(&id) {
                world.touch(&id);
                world.goes(&id);
                world.engine.containers.remove(&id);
            }
            Ok(())
        })
        .await
    }

    async fn probe(
        &self,
        container: &str,
        _: Option<Ipv4Addr>,
        _: &Probe,
    ) -> Result<Result<(), String>, EngineError> {
        let name = container.to_owned();
        self.ask("probe", container, move |world| probe(world, &name)).await
    }

    async fn last_logs(&self, container: &str, _: usize) -> Result<Vec<String>, EngineError> {
        self.ask("logs", container, |_| Ok(vec!["last words".to_owned()])).await
    }

    async fn networks(&self, app: &AppName) -> Result<Vec<FoundNetwork>, EngineError> {
        let app = app.clone();
        self.ask("networks", "", move |world| {
            let found = world.engine.networks.iter().filter_map(|(name, network)| {
                let labels = network.labels.clone().filter(|l| l.app == app)?;
                Some(FoundNetwork { name: name.clone(), labels, subnet: Some(network.subnet) })
            });
            Ok(found.collect())
        })
        .await
    }

    async fn create_network(&self, request: &NetworkRequest) -> Result<(), EngineError> {
        let (name, labels, subnet) = (request.name.clone(), request.labels.clone(), request.subnet);
        self.change("create network", &request.name, move |world| {
            world.intend(&labels, true);
            let networks = &mut world.engine.networks;
            if let Some(network) = networks.get(&name) {
                let ours = network.labels.as_ref().is_some_and(|l| l.app == labels.app);
                return if ours { Ok(()) } else { Err(conflict(&name)) };
            }
            if networks.values().any(|n| landfall_core::subnet::overlap(n.subnet, subnet)) {
                return Err(conflict(&subnet.to_string()));
            }
            networks.insert(name, Network { labels: Some(labels), subnet });
            Ok(())
        })
        .await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        let name_owned = name.to_owned();
        self.change("remove network", name, move |world| {
            let Some(network) = world.engine.networks.get(&name_owned) else { return Ok(()) };
            let labels = network.labels.clone();
            world.ours(labels.as_ref(), &name_owned);
            for container in world.engine.containers.values_mut() {
                container.networks.remove(&name_owned);
            }
            world.engine.networks.remove(&name_owned);
            Ok(())
        })
        .await
    }

    async fn connect(&self, container: &str, place: &Attachment) -> Result<(), EngineError> {
        let (id, network, address) = (container.to_owned(), place.network.clone(), place.address);
        self.change("connect", container, move |w| connect(w, &id, network, address)).await
    }

    async fn disconnect(&self, container: &str, network: &str) -> Result<(), EngineError> {
        let (id, network) = (container.to_owned(), network.to_owned());
        self.change("disconnect", container, move |world| {
            if let Some(id) = world.engine.find(&id) {
                world.touch(&id);
                if let Some(container) = world.engine.containers.get_mut(&id) {
                    container.networks.remove(&network);
                }
            }
            Ok(())
        })
        .await
    }

    async fn volumes(&self, app: &AppName) -> Result<Vec<FoundVolume>, EngineError> {
        let app = app.clone();
        self.ask("volumes", "", move |world| {
            let found = world.engine.volumes.iter().filter_map(|(name, labels)| {
                let labels = labels.clone().filter(|l| l.app == app)?;
                Some(FoundVolume { name: name.clone(), labels })
            });
            Ok(found.collect())
        })
        .await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<(), EngineError> {
        let (name, labels) = (request.name.clone(), request.labels.clone());
        let external = request.spec.external;
        self.change("create volume", &request.name, move |world| {
            world.intend(&labels, true);
            let volumes = &mut world.engine.volumes;
            if external && !volumes.contains_key(&name) {
                return Err(not_found(&name));
            }
            volumes.entry(name).or_insert(Some(labels));
            Ok(())
        })
        .await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let owned = name.to_owned();
        self.change("remove volume", name, move |world| match world.engine.volumes.get(&owned) {
            None => Ok(()),
            Some(Some(labels)) if labels.scope == Scope::Release => {
                let labels = labels.clone();
                world.ours(Some(&labels), &owned);
                world.engine.volumes.remove(&owned);
                Ok(())
            }
            Some(_) => Err(conflict(&owned)),
        })
        .await
    }

    async fn tag(&self, image: &ImageId, tag: &str) -> Result<(), EngineError> {
        let (image, owned) = (image.clone(), tag.to_owned());
        self.change("tag", tag, move |world| {
            world.tag_is_meant(&owned);
            world.engine.tags.insert(owned, image);
            Ok(())
        })
        .await
    }

    async fn untag(&self, tag: &str) -> Result<(), EngineError> {
        let owned = tag.to_owned();
        self.change("untag", tag, move |world| {
            if world.engine.tags.contains_key(&owned) {
                world.tag_is_meant(&owned);
                world.untag_keeps_the_way_back(&owned);
                world.engine.tags.remove(&owned);
            }
            Ok(())
        })
        .await
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        let prefix = prefix.to_owned();
        self.ask("tags", "", move |world| {
            let tags = world.engine.tags.keys();
            Ok(tags.filter(|tag| tag.starts_with(&prefix)).cloned().collect())
        })
        .await
    }

    async fn subnets(&self) -> Result<Vec<Ipv4Net>, EngineError> {
        self.ask("subnets", "", |world| {
            Ok(world.engine.networks.values().map(|n| n.subnet).collect())
        })
        .await
    }
}

impl EngineState {
    /// Adds a network that is not ours.
    pub fn add_strange_network(&mut self, name: &str) {
        let subnet = Ipv4Net::new_assert(Ipv4Addr::new(10, 99, 0, 0), 24);
        self.networks.insert(name.to_owned(), Network { labels: None, subnet });
    }
}
