//! What every [`Engine`] must do, real or fake: the port's rules of idempotency, adoption and refusal.
//!
//! Each function is one rule, told through the port alone, and panics where it is broken. They make
//! things of [`ConformanceWorld::app`] only and remove what the port lets them remove; data volumes
//! stay for the caller. Nothing here sleeps to be right: it waits for a fact, up to a deadline.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_core::gate::{Accept, Probe};
use landfall_core::id::{AppName, ImageId, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::label::{Labels, Scope};
use landfall_core::plan::Attachment;
use landfall_core::record::Effect;
use landfall_core::spec::{ContainerSpec, NetworkSpec, VolumeScope, VolumeSpec};
use landfall_deploy::ports::{
    Clock, ContainerRequest, Engine, EngineError, EngineErrorKind, NetworkRequest, ReplicaStatus,
    Selector, Status, VolumeRequest,
};

/// The service that runs for ever and answers HTTP on [`WEB_PORT`].
pub const WEB: &str = "web";
/// Where it answers.
pub const WEB_PORT: u16 = 8080;
/// The service that says [`LAST_WORDS`] and exits with [`CRASH_CODE`], over and over.
pub const CRASH: &str = "crash";
/// Its exit code.
pub const CRASH_CODE: i64 = 3;
/// Its last log line.
pub const LAST_WORDS: &str = "last words";
/// The one-off that ends soon with [`JOB_CODE`].
pub const JOB: &str = "job";
/// Its exit code.
pub const JOB_CODE: i64 = 7;
/// The rollout that makes everything, unless a rule needs another.
pub const ROLLOUT: RolloutNumber = RolloutNumber(1);

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
const GRACE: Duration = Duration::from_millis(100);

/// What the rules are tried with.
#[derive(Debug, Clone)]
pub struct ConformanceWorld {
    /// Whose everything is: nobody else's.
    pub app: AppName,
    /// The image of every container.
    pub image: ImageId,
    /// Command of [`WEB`].
    pub web: Vec<String>,
    /// Command of [`CRASH`].
    pub crash: Vec<String>,
    /// Command of [`JOB`].
    pub job: Vec<String>,
    /// A /24 that is free.
    pub subnet: Ipv4Net,
}

/// Every rule, one after the other.
pub async fn engine<E: Engine, C: Clock>(engine: &E, clock: &C, world: &ConformanceWorld) {
    let kit = &Kit { engine, clock, world };
    what_is_missing_is_no_error(kit).await;
    containers_are_adopted_by_their_labels(kit).await;
    containers_are_found_by_selector(kit).await;
    a_container_starts_and_stops_twice(kit).await;
    a_container_has_its_fixed_addresses(kit).await;
    exits_are_counted(kit).await;
    a_one_off_ends_once(kit).await;
    networks_are_adopted_by_their_app(kit).await;
    a_container_joins_and_leaves_twice(kit).await;
    a_network_is_removed_with_whoever_is_joined(kit).await;
    only_a_releases_volume_is_removed(kit).await;
    tags_come_and_go(kit).await;
    let left = kit.engine.containers(&Selector::app(&world.app)).await;
    assert_eq!(left, Ok(vec![]), "a rule left containers behind");
}

/// An engine, a clock, and what to try them with.
#[derive(Debug)]
struct Kit<'a, E, C> {
    engine: &'a E,
    clock: &'a C,
    world: &'a ConformanceWorld,
}

async fn what_is_missing_is_no_error<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let engine = kit.engine;
    let nobody = kit.name("nobody");
    assert_eq!(engine.status(&nobody).await, Ok(None));
    assert_eq!(engine.stop(&nobody, GRACE).await, Ok(()));
    assert_eq!(engine.remove(&nobody).await, Ok(()));
    assert_eq!(engine.remove_network(&nobody).await, Ok(()));
    assert_eq!(engine.remove_volume(&nobody).await, Ok(()));
    assert_eq!(engine.disconnect(&nobody, &nobody).await, Ok(()));
    assert_eq!(engine.untag(&format!("landfall/{nobody}:r1")).await, Ok(()));
    assert_eq!(refused(engine.start(&nobody).await), EngineErrorKind::NotFound);
}

async fn containers_are_adopted_by_their_labels<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let request = kit.container(WEB, 1);
    let id = kit.engine.create(&request).await.expect("the name is free");
    assert_eq!(kit.engine.create(&request).await, Ok(id.clone()), "the same labels are adopted");
    let mut stranger = request.clone();
    stranger.labels.rollout = RolloutNumber(2);
    assert_eq!(refused(kit.engine.create(&stranger).await), EngineErrorKind::Conflict);

    let seen = kit.status(&request.name).await;
    assert_eq!((seen.id, seen.labels), (id.clone(), Some(request.labels.clone())));
    assert_eq!((seen.status, seen.exits, seen.exit_code), (Status::Created, 0, None));
    assert_eq!(kit.status(&id).await.labels, Some(request.labels.clone()), "also by id");
    kit.gone(&request.name).await;
}

async fn containers_are_found_by_selector<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let (web, job) = (kit.container(WEB, 1), kit.container(JOB, 1));
    let mut later = kit.container(WEB, 2);
    later.labels.rollout = RolloutNumber(2);
    later.labels.scope = Scope::App;
    for request in [&web, &job, &later] {
        kit.engine.create(request).await.expect("the name is free");
    }
    let all = Selector::app(&kit.world.app);
    let persistent = Selector { scope: Some(Scope::App), ..all.clone() };
    for (selector, expected) in [
        (all.clone(), vec![&web, &job, &later]),
        (all.clone().rollout(ROLLOUT), vec![&web, &job]),
        (all.clone().service(&service(WEB)), vec![&web, &later]),
        (persistent, vec![&later]),
        (Selector::app(&other_app()), vec![]),
    ] {
        let found = kit.engine.containers(&selector).await.expect("a question");
        let mut found: Vec<_> = found.into_iter().map(|c| (c.name, c.labels)).collect();
        let mut expected: Vec<_> =
            expected.iter().map(|r| (r.name.clone(), r.labels.clone())).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{selector:?}");
    }
    for request in [&web, &job, &later] {
        kit.gone(&request.name).await;
    }
}

async fn a_container_starts_and_stops_twice<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let request = kit.container(WEB, 1);
    kit.engine.create(&request).await.expect("the name is free");
    for _ in 0..2 {
        assert_eq!(kit.engine.start(&request.name).await, Ok(()));
        let seen = kit.status(&request.name).await;
        assert_eq!((seen.status, seen.exits, seen.exit_code), (Status::Running, 0, None));
    }
    for _ in 0..2 {
        assert_eq!(kit.engine.stop(&request.name, GRACE).await, Ok(()));
        let seen = kit.status(&request.name).await;
        assert_eq!((seen.status, seen.exits), (Status::Exited, 1));
        assert!(seen.exit_code.is_some(), "{seen:?}");
    }
    assert_eq!(kit.engine.start(&request.name).await, Ok(()), "an undo starts it again");
    assert_eq!(kit.status(&request.name).await.status, Status::Running);
    kit.gone(&request.name).await;
}

async fn a_container_has_its_fixed_addresses<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let (inner, outer) = (kit.network("inner", 0), kit.network("outer", 1));
    let mut request = kit.container(WEB, 1);
    request.attachments = vec![place(&inner, 5), place(&outer, 6)];
    assert_eq!(refused(kit.engine.create(&request).await), EngineErrorKind::NotFound);
    for network in [&inner, &outer] {
        kit.engine.create_network(network).await.expect("the name is free");
    }
    kit.engine.create(&request).await.expect("the name is free");
    assert!(kit.engine.create(&request).await.is_ok(), "adopted with its networks");
    kit.engine.start(&request.name).await.expect("the addresses are free");
    let seen = kit.status(&request.name).await;
    for attachment in &request.attachments {
        assert_eq!(seen.addresses.get(&attachment.network), attachment.address.as_ref());
        let probe = Probe::Http { port: WEB_PORT, path: "/".into(), accept: Accept::NotBroken };
        let ready = async || kit.engine.probe(&request.name, attachment.address, &probe).await;
        kit.until("it answers", async || ready().await == Ok(Ok(()))).await;
    }

    let mut rival = kit.container(WEB, 2);
    rival.attachments = vec![place(&inner, 5)];
    let made = match kit.engine.create(&rival).await {
        Ok(_) => kit.engine.start(&rival.name).await,
        Err(error) => Err(error),
    };
    assert_eq!(refused(made), EngineErrorKind::Conflict, "the address is taken");
    kit.gone(&rival.name).await;
    kit.gone(&request.name).await;
    for network in [&inner, &outer] {
        kit.engine.remove_network(&network.name).await.expect("it is ours");
    }
}

async fn exits_are_counted<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let request = kit.container(CRASH, 1);
    kit.engine.create(&request).await.expect("the name is free");
    kit.engine.start(&request.name).await.expect("it can start");
    let mut before = 0;
    for exits in 1..=3 {
        kit.until("it exits again", async || {
            let seen = kit.status(&request.name).await;
            assert!(seen.exits >= before, "exits went back from {before} to {}", seen.exits);
            before = seen.exits;
            seen.exits >= exits && seen.exit_code == Some(CRASH_CODE)
        })
        .await;
    }
    let logs = kit.engine.last_logs(&request.name, 2).await.expect("a question");
    assert!(logs.len() <= 2, "{logs:?}");
    assert_eq!(logs.last().map(String::as_str), Some(LAST_WORDS));
    kit.engine.stop(&request.name, GRACE).await.expect("it can be stopped");
    let stopped = kit.status(&request.name).await;
    assert_eq!(stopped.status, Status::Exited, "a stopped one is not started again");
    kit.gone(&request.name).await;
}

async fn a_one_off_ends_once<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let mut request = kit.container(JOB, 1);
    request.restart = false;
    kit.engine.create(&request).await.expect("the name is free");
    kit.engine.start(&request.name).await.expect("it can start");
    kit.until("it ends", async || kit.status(&request.name).await.status == Status::Exited).await;
    let seen = kit.status(&request.name).await;
    assert_eq!((seen.exits, seen.exit_code), (1, Some(JOB_CODE)));
    kit.gone(&request.name).await;
}

async fn networks_are_adopted_by_their_app<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let request = kit.network("inner", 0);
    for _ in 0..2 {
        assert_eq!(kit.engine.create_network(&request).await, Ok(()));
    }
    let found = kit.engine.networks(&kit.world.app).await.expect("a question");
    assert_eq!(found.len(), 1, "one name, one network: {found:?}");
    assert_eq!((&found[0].name, &found[0].labels), (&request.name, &request.labels));
    assert_eq!(found[0].subnet, Some(request.subnet));
    assert_eq!(kit.engine.networks(&other_app()).await, Ok(vec![]));
    let subnets = kit.engine.subnets().await.expect("a question");
    assert!(subnets.contains(&request.subnet), "{subnets:?}");

    let mut stranger = kit.network("inner", 1);
    stranger.labels.app = other_app();
    let taken = kit.engine.create_network(&stranger).await;
    assert_eq!(refused(taken), EngineErrorKind::Conflict, "the name is another app's");
    let overlapping = kit.engine.create_network(&kit.network("outer", 0)).await;
    assert_eq!(refused(overlapping), EngineErrorKind::Conflict, "the subnet is taken");
    for _ in 0..2 {
        assert_eq!(kit.engine.remove_network(&request.name).await, Ok(()));
    }
    assert_eq!(kit.engine.networks(&kit.world.app).await, Ok(vec![]));
}

async fn a_container_joins_and_leaves_twice<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let (inner, outer) = (kit.network("inner", 0), kit.network("outer", 1));
    for network in [&inner, &outer] {
        kit.engine.create_network(network).await.expect("the name is free");
    }
    let mut request = kit.container(WEB, 1);
    request.attachments = vec![place(&inner, 5)];
    kit.engine.create(&request).await.expect("the name is free");
    let link = place(&outer, 7);
    for running in [false, true] {
        if running {
            kit.engine.start(&request.name).await.expect("it can start");
        }
        for _ in 0..2 {
            assert_eq!(kit.engine.connect(&request.name, &link).await, Ok(()));
        }
        let address = kit.status(&request.name).await.addresses.get(&outer.name).copied();
        assert!(!running || address == link.address, "{address:?}");
        for _ in 0..2 {
            assert_eq!(kit.engine.disconnect(&request.name, &outer.name).await, Ok(()));
        }
        let seen = kit.status(&request.name).await;
        assert!(!seen.addresses.contains_key(&outer.name), "{seen:?}");
    }
    let nobody = kit.name("nobody");
    assert_eq!(refused(kit.engine.connect(&nobody, &link).await), EngineErrorKind::NotFound);
    let nowhere = Attachment { network: nobody.clone(), ..link };
    let joined = kit.engine.connect(&request.name, &nowhere).await;
    assert_eq!(refused(joined), EngineErrorKind::NotFound);
    assert_eq!(kit.engine.disconnect(&request.name, &nobody).await, Ok(()));
    assert_eq!(kit.engine.disconnect(&nobody, &outer.name).await, Ok(()));
    kit.gone(&request.name).await;
    for network in [&inner, &outer] {
        kit.engine.remove_network(&network.name).await.expect("it is ours");
    }
}

async fn a_network_is_removed_with_whoever_is_joined<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let (inner, outer) = (kit.network("inner", 0), kit.network("outer", 1));
    let (mut running, mut stopped) = (kit.container(WEB, 1), kit.container(WEB, 2));
    for network in [&inner, &outer] {
        kit.engine.create_network(network).await.expect("the name is free");
    }
    running.attachments = vec![place(&inner, 5), place(&outer, 5)];
    stopped.attachments = vec![place(&inner, 6), place(&outer, 6)];
    for request in [&running, &stopped] {
        kit.engine.create(request).await.expect("the name is free");
        kit.engine.start(&request.name).await.expect("it can start");
    }
    kit.engine.stop(&stopped.name, GRACE).await.expect("it can be stopped");
    for _ in 0..2 {
        assert_eq!(kit.engine.remove_network(&outer.name).await, Ok(()));
    }
    assert_eq!(kit.status(&running.name).await.status, Status::Running);
    assert_eq!(kit.engine.start(&stopped.name).await, Ok(()), "its other network is still there");
    for request in [&running, &stopped] {
        let addresses = kit.status(&request.name).await.addresses;
        assert_eq!(addresses.keys().collect::<Vec<_>>(), [&inner.name]);
        kit.gone(&request.name).await;
    }
    kit.engine.remove_network(&inner.name).await.expect("it is ours");
}

async fn only_a_releases_volume_is_removed<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let (data, made) = (kit.volume("data", Scope::App), kit.volume("static", Scope::Release));
    for request in [&data, &made] {
        for _ in 0..2 {
            assert_eq!(kit.engine.create_volume(request).await, Ok(()));
        }
        let mut later = request.clone();
        later.labels.rollout = RolloutNumber(2);
        assert_eq!(kit.engine.create_volume(&later).await, Ok(()), "left as it is");
    }
    let mut found = kit.engine.volumes(&kit.world.app).await.expect("a question");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let found: Vec<_> = found.into_iter().map(|v| (v.name, v.labels)).collect();
    let expected = [&data, &made].map(|r| (r.name.clone(), r.labels.clone()));
    assert_eq!(found, expected, "the first labels stay");
    assert_eq!(refused(kit.engine.remove_volume(&data.name).await), EngineErrorKind::Conflict);
    for _ in 0..2 {
        assert_eq!(kit.engine.remove_volume(&made.name).await, Ok(()));
    }
    let left = kit.engine.volumes(&kit.world.app).await.expect("a question");
    assert_eq!(left.into_iter().map(|v| v.name).collect::<Vec<_>>(), [data.name]);
}

async fn tags_come_and_go<E: Engine, C: Clock>(kit: &Kit<'_, E, C>) {
    let prefix = format!("landfall/{}:", kit.world.app);
    let tags = ["r1-web", "r2-web"].map(|tag| format!("{prefix}{tag}"));
    for tag in &tags {
        for _ in 0..2 {
            assert_eq!(kit.engine.tag(&kit.world.image, tag).await, Ok(()));
        }
    }
    assert_eq!(kit.engine.tags(&prefix).await, Ok(tags.to_vec()));
    for tag in &tags {
        for _ in 0..2 {
            assert_eq!(kit.engine.untag(tag).await, Ok(()));
        }
    }
    assert_eq!(kit.engine.tags(&prefix).await, Ok(vec![]));
}

impl<E: Engine, C: Clock> Kit<'_, E, C> {
    fn name(&self, thing: &str) -> String {
        format!("{}-d1-{thing}", self.world.app)
    }

    fn labels(&self) -> Labels {
        Labels {
            app: self.world.app.clone(),
            release: ReleaseNumber(1),
            rollout: ROLLOUT,
            step: 0,
            scope: Scope::Release,
            service: None,
            replica: None,
            revision: None,
        }
    }

    fn container(&self, name: &str, replica: u32) -> ContainerRequest {
        let command = match name {
            WEB => &self.world.web,
            CRASH => &self.world.crash,
            _ => &self.world.job,
        };
        ContainerRequest {
            name: self.name(&format!("{name}-{replica}")),
            labels: Labels {
                service: Some(service(name)),
                replica: Some(replica),
                ..self.labels()
            },
            image: self.world.image.clone(),
            platform: None,
            container: ContainerSpec {
                command: Some(command.clone()),
                init: Some(true),
                ..ContainerSpec::default()
            },
            mounts: vec![],
            attachments: vec![],
            peers: std::collections::BTreeMap::new(),
            publish: vec![],
            restart: true,
            disable_healthcheck: true,
        }
    }

    /// The `n`-th /27 of the world's subnet.
    fn network(&self, name: &str, n: u32) -> NetworkRequest {
        let base = u32::from(self.world.subnet.network()) + 32 * n;
        NetworkRequest {
            name: self.name(name),
            labels: self.labels(),
            subnet: Ipv4Net::new_assert(Ipv4Addr::from(base), 27),
            gateway: Ipv4Addr::from(base + 1),
            spec: NetworkSpec::default(),
        }
    }

    fn volume(&self, name: &str, scope: Scope) -> VolumeRequest {
        let name = self.name(name);
        let spec = VolumeSpec {
            name: name.clone(),
            external: false,
            scope: match scope {
                Scope::App => VolumeScope::App,
                Scope::Release => VolumeScope::Release,
            },
            driver: None,
            driver_opts: [].into(),
            labels: [].into(),
        };
        VolumeRequest { name, labels: Labels { scope, ..self.labels() }, spec }
    }

    async fn status(&self, container: &str) -> ReplicaStatus {
        let seen = self.engine.status(container).await.expect("a question");
        seen.unwrap_or_else(|| panic!("{container} is there"))
    }

    async fn gone(&self, container: &str) {
        for _ in 0..2 {
            assert_eq!(self.engine.remove(container).await, Ok(()));
        }
        assert_eq!(self.engine.status(container).await, Ok(None));
    }

    async fn until(&self, what: &str, mut fact: impl AsyncFnMut() -> bool) {
        let deadline = self.clock.now() + PATIENCE;
        while !fact().await {
            assert!(self.clock.now() < deadline, "waited in vain: {what}");
            self.clock.sleep(POLL).await;
        }
    }
}

fn service(name: &str) -> ServiceName {
    name.parse().expect("a valid name")
}

fn other_app() -> AppName {
    "lf-conformance-nobody".parse().expect("a valid name")
}

fn place(network: &NetworkRequest, n: u32) -> Attachment {
    let address = Ipv4Addr::from(u32::from(network.subnet.network()) + n);
    Attachment { network: network.name.clone(), address: Some(address), ..Attachment::default() }
}

/// A refusal never leaves anything in doubt.
fn refused<T: std::fmt::Debug>(result: Result<T, EngineError>) -> EngineErrorKind {
    let error = result.expect_err("it must be refused");
    assert_eq!(error.effect, Effect::None, "{error}");
    error.kind
}
