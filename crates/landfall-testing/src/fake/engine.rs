//! The engine, with the oddities that were measured: 409 on a taken name, labels kept silently,
//! what is gone is removed gladly.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_core::gate::Probe;
use landfall_core::id::{AppName, ImageId};
use landfall_core::label::Scope;
use landfall_core::plan::Attachment;
use landfall_core::record::{Effect, Retry};
use landfall_core::spec::Hook;
use landfall_deploy::ports::{
    ContainerRequest, Engine, EngineError, EngineErrorKind, FoundContainer, FoundNetwork,
    FoundVolume, NetworkRequest, ReplicaStatus, Selector, Status, VolumeRequest,
};

use super::world::{Container, Fate, Inner, Network, Phase, World};

/// The fake engine.
#[derive(Debug, Clone)]
pub struct FakeEngine(pub World);

fn error(kind: EngineErrorKind, effect: Effect, retry: Retry, message: &str) -> EngineError {
    EngineError { kind, effect, retry, message: message.to_owned() }
}

fn conflict(what: &str) -> EngineError {
    error(EngineErrorKind::Conflict, Effect::None, Retry::Never, &format!("{what} is taken"))
}

fn not_found(what: &str) -> EngineError {
    error(EngineErrorKind::NotFound, Effect::None, Retry::Never, &format!("no such thing: {what}"))
}

impl FakeEngine {
    async fn call<T>(
        &self,
        call: &str,
        effect: impl FnOnce(&mut Inner) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let internal = EngineErrorKind::Internal;
        match self.0.pass(call).await {
            Fate::Go => self.0.change(call, effect),
            Fate::Refuse { later } => {
                let retry = if later { Retry::Later } else { Retry::Never };
                Err(error(internal, Effect::None, retry, "refused by a planted fault"))
            }
            Fate::LoseAnswer => {
                let _ = self.0.change(call, effect);
                Err(error(internal, Effect::Unknown, Retry::Later, "the answer was lost"))
            }
            Fate::CrashAfter => {
                let _ = self.0.change(call, effect);
                self.0.die().await
            }
        }
    }
}

/// Status, exits and exit code at the present virtual time.
fn status(inner: &Inner, container: &Container) -> (Status, u32, Option<i64>) {
    let behaviour = inner.behaviour(container);
    let since = match container.phase {
        Phase::Created => return (Status::Created, 0, None),
        Phase::Stopped => return (Status::Exited, 1, Some(137)),
        Phase::Running(since) => since,
    };
    let up = u64::try_from(inner.now.saturating_sub(since).as_millis()).unwrap_or(u64::MAX);
    if !container.restart {
        let (duration, code) = behaviour.one_off;
        return if up >= duration {
            (Status::Exited, 1, Some(code))
        } else {
            (Status::Running, 0, None)
        };
    }
    match behaviour.exits {
        Some((after, code)) if up >= after => {
            let exits = u32::try_from(up / (after + 20)).unwrap_or(u32::MAX).max(1);
            (Status::Restarting, exits, Some(code))
        }
        Some(_) | None => (Status::Running, 0, None),
    }
}

fn create(inner: &mut Inner, request: &ContainerRequest) -> Result<String, EngineError> {
    if let Some(id) = inner.find(&request.name) {
        let same = inner.containers[&id].labels.as_ref() == Some(&request.labels);
        return if same { Ok(id) } else { Err(conflict(&request.name)) };
    }
    for attachment in &request.attachments {
        check_place(inner, attachment)?;
    }
    let id = inner.fresh_id();
    let networks = request.attachments.iter().map(|a| (a.network.clone(), a.address));
    let container = Container {
        name: request.name.clone(),
        labels: Some(request.labels.clone()),
        restart: request.restart,
        phase: Phase::Created,
        networks: networks.collect(),
        answered: 0,
        starts: 0,
        hooks: 0,
        peers: request.peers.values().cloned().collect(),
    };
    inner.containers.insert(id.clone(), container);
    Ok(id)
}

fn check_place(inner: &Inner, attachment: &Attachment) -> Result<(), EngineError> {
    let Some(network) = inner.networks.get(&attachment.network) else {
        return Err(not_found(&attachment.network));
    };
    let Some(address) = attachment.address else { return Ok(()) };
    // What was stopped has given its address back.
    let taken = |c: &Container| {
        c.phase != Phase::Stopped && c.networks.get(&attachment.network) == Some(&Some(address))
    };
    if !network.subnet.contains(&address) || inner.containers.values().any(taken) {
        return Err(conflict(&address.to_string()));
    }
    Ok(())
}

fn probe(inner: &mut Inner, container: &str) -> Result<Result<(), String>, EngineError> {
    let id = inner.find(container).ok_or_else(|| not_found(container))?;
    let good = inner.is_good(&inner.containers[&id]);
    if let Some(container) = inner.containers.get_mut(&id)
        && good
    {
        container.answered += 1;
    }
    Ok(if good { Ok(()) } else { Err("answered 503".to_owned()) })
}

fn start(inner: &mut Inner, container: &str) -> Result<(), EngineError> {
    let now = inner.now;
    let id = inner.find(container).ok_or_else(|| not_found(container))?;
    let wanted = inner.containers.get(&id).ok_or_else(|| not_found(&id))?;
    let runs = |peer: &String| {
        let peer = inner.find(peer).and_then(|id| inner.containers.get(&id));
        peer.is_some_and(|peer| matches!(peer.phase, Phase::Running(_)))
    };
    if !matches!(wanted.phase, Phase::Running(_)) && !wanted.peers.iter().all(runs) {
        return Err(conflict("the namespace of a container that does not run"));
    }
    let container = inner.containers.get_mut(&id).ok_or_else(|| not_found(&id))?;
    if !matches!(container.phase, Phase::Running(_)) {
        container.phase = Phase::Running(now);
        container.starts += 1;
    }
    Ok(())
}

impl Engine for FakeEngine {
    async fn containers(&self, selector: &Selector) -> Result<Vec<FoundContainer>, EngineError> {
        self.call("containers", |inner| {
            let found = inner.containers.iter().filter_map(|(id, container)| {
                let labels = container.labels.clone().filter(|l| selector.matches(l))?;
                let (status, _, _) = status(inner, container);
                Some(FoundContainer {
                    id: id.clone(),
                    name: container.name.clone(),
                    labels,
                    status,
                })
            });
            Ok(found.collect())
        })
        .await
    }

    async fn status(&self, container: &str) -> Result<Option<ReplicaStatus>, EngineError> {
        self.call("status", |inner| {
            let Some(id) = inner.find(container) else { return Ok(None) };
            let container = &inner.containers[&id];
            let (status, exits, exit_code) = status(inner, container);
            // Where no address was asked for the engine chooses one: here the last one.
            let chosen = |network: &String| inner.networks.get(network)?.subnet.hosts().last();
            let address = |(network, address): (&String, &Option<Ipv4Addr>)| {
                Some((network.clone(), address.or_else(|| chosen(network))?))
            };
            let addresses = container.networks.iter().filter_map(address);
            let (labels, addresses) = (container.labels.clone(), addresses.collect());
            Ok(Some(ReplicaStatus { id, labels, status, exits, exit_code, addresses }))
        })
        .await
    }

    async fn create(&self, request: &ContainerRequest) -> Result<String, EngineError> {
        self.call(&format!("create {}", request.name), |inner| create(inner, request)).await
    }

    async fn start(&self, container: &str) -> Result<(), EngineError> {
        self.call(&format!("start {container}"), |inner| start(inner, container)).await
    }

    async fn run_hooks(
        &self,
        container: &str,
        hooks: &[Hook],
        _: Duration,
    ) -> Result<Result<(), String>, EngineError> {
        self.call(&format!("run hooks {container}"), |inner| {
            let id = inner.find(container).ok_or_else(|| not_found(container))?;
            let answer = hooks.iter().try_for_each(|hook| match hook.command.first() {
                Some(word) if word == "false" => Err("exit code 1".to_owned()),
                Some(_) | None => Ok(()),
            });
            if let Some(container) = inner.containers.get_mut(&id) {
                container.hooks += 1;
            }
            Ok(answer)
        })
        .await
    }

    async fn stop(&self, container: &str, _grace: Duration) -> Result<(), EngineError> {
        self.call(&format!("stop {container}"), |inner| {
            let id = inner.find(container);
            if let Some(container) = id.and_then(|id| inner.containers.get_mut(&id))
                && matches!(container.phase, Phase::Running(_))
            {
                container.phase = Phase::Stopped;
            }
            Ok(())
        })
        .await
    }

    async fn remove(&self, container: &str) -> Result<(), EngineError> {
        self.call(&format!("remove {container}"), |inner| {
            if let Some(id) = inner.find(container) {
                inner.containers.remove(&id);
            }
            Ok(())
        })
        .await
    }

    async fn probe(
        &self,
        container: &str,
        _address: Option<Ipv4Addr>,
        _probe: &Probe,
    ) -> Result<Result<(), String>, EngineError> {
        self.call("probe", |inner| probe(inner, container)).await
    }

    async fn last_logs(&self, _: &str, _: usize) -> Result<Vec<String>, EngineError> {
        self.call("logs", |_| Ok(vec!["last words".to_owned()])).await
    }

    async fn networks(&self, app: &AppName) -> Result<Vec<FoundNetwork>, EngineError> {
        self.call("networks", |inner| {
            let found = inner.networks.iter().filter_map(|(name, network)| {
                let labels = network.labels.clone().filter(|l| l.app == *app)?;
                Some(FoundNetwork { name: name.clone(), labels, subnet: Some(network.subnet) })
            });
            Ok(found.collect())
        })
        .await
    }

    async fn create_network(&self, request: &NetworkRequest) -> Result<(), EngineError> {
        self.call(&format!("create network {}", request.name), |inner| {
            if let Some(network) = inner.networks.get(&request.name) {
                let ours = network.labels.as_ref().is_some_and(|l| l.app == request.labels.app);
                return if ours { Ok(()) } else { Err(conflict(&request.name)) };
            }
            if inner.networks.values().any(|n| overlap(n.subnet, request.subnet)) {
                return Err(conflict(&request.subnet.to_string()));
            }
            let labels = Some(request.labels.clone());
            inner.networks.insert(request.name.clone(), Network { labels, subnet: request.subnet });
            Ok(())
        })
        .await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        self.call(&format!("remove network {name}"), |inner| {
            for container in inner.containers.values_mut() {
                container.networks.remove(name);
            }
            inner.networks.remove(name);
            Ok(())
        })
        .await
    }

    async fn connect(&self, container: &str, place: &Attachment) -> Result<(), EngineError> {
        self.call(&format!("connect {container} {}", place.network), |inner| {
            let id = inner.find(container).ok_or_else(|| not_found(container))?;
            if inner.containers[&id].networks.contains_key(&place.network) {
                return Ok(());
            }
            check_place(inner, place)?;
            if let Some(container) = inner.containers.get_mut(&id) {
                container.networks.insert(place.network.clone(), place.address);
            }
            Ok(())
        })
        .await
    }

    async fn disconnect(&self, container: &str, network: &str) -> Result<(), EngineError> {
        self.call(&format!("disconnect {container} {network}"), |inner| {
            let id = inner.find(container);
            if let Some(container) = id.and_then(|id| inner.containers.get_mut(&id)) {
                container.networks.remove(network);
            }
            Ok(())
        })
        .await
    }

    async fn volumes(&self, app: &AppName) -> Result<Vec<FoundVolume>, EngineError> {
        self.call("volumes", |inner| {
            let found = inner.volumes.iter().filter_map(|(name, labels)| {
                let labels = labels.clone().filter(|l| l.app == *app)?;
                Some(FoundVolume { name: name.clone(), labels })
            });
            Ok(found.collect())
        })
        .await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<(), EngineError> {
        self.call(&format!("create volume {}", request.name), |inner| {
            if request.spec.external && !inner.volumes.contains_key(&request.name) {
                return Err(not_found(&request.name));
            }
            let labels = Some(request.labels.clone());
            inner.volumes.entry(request.name.clone()).or_insert(labels);
            Ok(())
        })
        .await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.call(&format!("remove volume {name}"), |inner| match inner.volumes.get(name) {
            None => Ok(()),
            Some(Some(labels)) if labels.scope == Scope::Release => {
                inner.volumes.remove(name);
                Ok(())
            }
            Some(_) => Err(conflict(name)),
        })
        .await
    }

    async fn tag(&self, image: &ImageId, tag: &str) -> Result<(), EngineError> {
        self.call(&format!("tag {tag}"), |inner| {
            inner.tags.insert(tag.to_owned(), image.clone());
            Ok(())
        })
        .await
    }

    async fn untag(&self, tag: &str) -> Result<(), EngineError> {
        self.call(&format!("untag {tag}"), |inner| {
            inner.tags.remove(tag);
            Ok(())
        })
        .await
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        self.call("tags", |inner| {
            Ok(inner.tags.keys().filter(|tag| tag.starts_with(prefix)).cloned().collect())
        })
        .await
    }

    async fn subnets(&self) -> Result<Vec<Ipv4Net>, EngineError> {
        self.call("subnets", |inner| Ok(inner.networks.values().map(|n| n.subnet).collect())).await
    }
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    landfall_core::subnet::overlap(a, b)
}
