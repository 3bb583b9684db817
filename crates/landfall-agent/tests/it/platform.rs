//! The fake engine as a `Platform`: it knows every image but those called `missing`, can be away, and
//! can look at the journal at the moment of an effect.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use ipnet::Ipv4Net;
use landfall_agent::{
    Context, Labelled, LogRequest, LostContainer, Platform, PullProgress, RawLine, RawLogs, Survey,
};
use landfall_api::{BuildRequest, EngineInfo, LogStream, Problem, ProblemCode};
use landfall_core::gate::Probe;
use landfall_core::id::{AppName, ImageId};
use landfall_core::plan::Attachment;
use landfall_core::record::{Effect, Retry};
use landfall_core::release::SealedImage;
use landfall_core::spec::Protocol;
use landfall_deploy::ports::{
    ContainerRequest, Engine, EngineError, EngineErrorKind, FoundContainer, FoundNetwork,
    FoundVolume, NetworkRequest, ReplicaStatus, Selector, Status, VolumeRequest,
};
use landfall_testing::fake::{FakeEngine, Phase, World};

type Hook = Box<dyn Fn(&str) + Send>;

/// What tests change.
#[derive(Default)]
pub(crate) struct Knobs {
    /// The engine does not answer.
    pub(crate) away: bool,
    /// Times it was asked how it is while it was away.
    pub(crate) asked_while_away: u32,
    /// Pulls wait until this is false.
    pub(crate) pulls_hang: bool,
    /// Images that only a pull brings.
    pub(crate) to_pull: Vec<String>,
    /// Images that are nowhere.
    pub(crate) missing: Vec<String>,
    /// Containers that carry some label of ours, but not all.
    pub(crate) strangers: Vec<Labelled>,
    /// Who publishes which port.
    pub(crate) publishers: BTreeMap<u16, String>,
    /// What runs and the engine does not know.
    pub(crate) lost: Vec<LostContainer>,
    /// Names of what runs on networks that the engine has lost, until it is started again.
    pub(crate) cut_off: Vec<String>,
    /// Names of what runs and the engine takes for restarting, until it is stopped and started.
    pub(crate) mistaken: Vec<String>,
    /// Called with the name of each effect.
    pub(crate) on_effect: Option<Hook>,
}

#[derive(Clone)]
pub(crate) struct TestPlatform {
    engine: FakeEngine,
    knobs: Arc<Mutex<Knobs>>,
}

impl TestPlatform {
    pub(crate) fn new(world: &World) -> Self {
        Self { engine: FakeEngine(world.clone()), knobs: Arc::default() }
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut Knobs) -> T) -> T {
        change(&mut self.knobs.lock().unwrap())
    }

    fn here(&self) -> Result<&FakeEngine, EngineError> {
        if self.knobs.lock().unwrap().away {
            return Err(EngineError {
                kind: EngineErrorKind::Unreachable,
                effect: Effect::None,
                retry: Retry::Later,
                message: "nobody answers at the engine's socket".to_owned(),
            });
        }
        Ok(&self.engine)
    }

    fn name(&self, id: &str) -> String {
        let world = self.engine.0.lock();
        world.containers.get(id).map(|container| container.name.clone()).unwrap_or_default()
    }

    fn has_lost_networks_of(&self, id: &str) -> bool {
        let name = self.name(id);
        self.knobs.lock().unwrap().cut_off.contains(&name)
    }

    fn effect(&self, name: &str) -> Result<&FakeEngine, EngineError> {
        if let Some(hook) = &self.knobs.lock().unwrap().on_effect {
            hook(name);
        }
        self.here()
    }
}

impl Survey for TestPlatform {
    async fn labelled(&self) -> Result<Vec<Labelled>, EngineError> {
        let world = self.here()?.0.lock();
        let labelled = world.containers.iter().filter_map(|(id, container)| {
            let labels = container.labels.as_ref()?.to_map();
            let running = matches!(container.phase, Phase::Running(_));
            Some(Labelled { id: id.clone(), name: container.name.clone(), running, labels })
        });
        let mut labelled: Vec<_> = labelled.collect();
        labelled.extend(self.knobs.lock().unwrap().strangers.clone());
        Ok(labelled)
    }
}

impl Platform for TestPlatform {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.set(|knobs| knobs.asked_while_away += u32::from(knobs.away));
        self.here()?;
        Ok(EngineInfo {
            version: "28.5.2".to_owned(),
            api_version: "1.51".to_owned(),
            storage: "overlay2".to_owned(),
            platform: "linux/amd64".to_owned(),
            live_restore: false,
            warnings: Vec::new(),
        })
    }

    async fn image(
        &self,
        reference: &str,
        _platform: Option<&str>,
    ) -> Result<Option<SealedImage>, EngineError> {
        self.here()?;
        let knobs = self.knobs.lock().unwrap();
        let gone = |list: &[String]| list.iter().any(|image| reference.ends_with(image));
        if gone(&knobs.missing) || gone(&knobs.to_pull) {
            return Ok(None);
        }
        let id = match reference.strip_prefix("sha256:") {
            Some(_) => reference.to_owned(),
            None => format!("sha256:{reference}"),
        };
        let (exposed, volumes) = (Vec::new(), Vec::new());
        Ok(Some(SealedImage { id: ImageId(id), exposed, healthcheck: None, volumes }))
    }

    async fn pull(
        &self,
        reference: &str,
        _platform: Option<&str>,
        progress: &mut (dyn FnMut(PullProgress) + Send),
    ) -> Result<(), Problem> {
        progress(PullProgress { detail: "layer".into(), current_bytes: None, total_bytes: None });
        while self.knobs.lock().unwrap().pulls_hang {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut knobs = self.knobs.lock().unwrap();
        if knobs.missing.iter().any(|image| image == reference) {
            let message = format!("{reference} is not in its registry");
            return Err(Problem::new(ProblemCode::Image, message));
        }
        knobs.to_pull.retain(|image| image != reference);
        Ok(())
    }

    async fn build(
        &self,
        request: &BuildRequest,
        mut context: Context,
        output: &mut (dyn FnMut(String) + Send),
    ) -> Result<ImageId, Problem> {
        let mut bytes = 0;
        while let Some(chunk) = context.next().await {
            let chunk = chunk.map_err(|e| Problem::new(ProblemCode::Invalid, e.to_string()))?;
            bytes += chunk.len();
        }
        output(format!("{bytes} bytes of context"));
        Ok(ImageId(format!("sha256:{}", request.tag)))
    }

    fn logs(&self, container: &str, request: LogRequest) -> RawLogs {
        let name = container.to_owned();
        let lines = (1..=3).map(move |at_ms| {
            Ok(RawLine { at_ms, stream: LogStream::Stdout, text: format!("{name} {at_ms}") })
        });
        let lines = futures_util::stream::iter(lines);
        if request.follow {
            Box::pin(lines.chain(futures_util::stream::pending()))
        } else {
            Box::pin(lines)
        }
    }

    async fn lost(&self) -> Result<Vec<LostContainer>, EngineError> {
        self.here()?;
        Ok(self.knobs.lock().unwrap().lost.clone())
    }

    async fn is_cut_off(&self, container: &str) -> Result<bool, EngineError> {
        self.here()?;
        Ok(self.has_lost_networks_of(container))
    }

    async fn is_mistaken(&self, container: &str) -> Result<bool, EngineError> {
        self.here()?;
        Ok(self.knobs.lock().unwrap().mistaken.contains(&self.name(container)))
    }

    async fn who_publishes(
        &self,
        address: SocketAddr,
        _protocol: Protocol,
    ) -> Result<Option<String>, EngineError> {
        self.here()?;
        Ok(self.knobs.lock().unwrap().publishers.get(&address.port()).cloned())
    }
}

impl Engine for TestPlatform {
    async fn containers(&self, selector: &Selector) -> Result<Vec<FoundContainer>, EngineError> {
        let here = self.here()?;
        if self.knobs.lock().unwrap().lost.iter().any(|lost| lost.app == selector.app) {
            return Err(EngineError {
                kind: EngineErrorKind::LostTrack,
                effect: Effect::None,
                retry: Retry::Later,
                message: "the engine does not know containers that run: shop-db".to_owned(),
            });
        }
        let mut found = here.containers(selector).await?;
        let knobs = self.knobs.lock().unwrap();
        for one in found.iter_mut().filter(|one| knobs.mistaken.contains(&one.name)) {
            one.status = Status::Restarting;
        }
        Ok(found)
    }

    async fn status(&self, container: &str) -> Result<Option<ReplicaStatus>, EngineError> {
        self.here()?.status(container).await
    }

    async fn create(&self, request: &ContainerRequest) -> Result<String, EngineError> {
        self.effect("create")?.create(request).await
    }

    async fn start(&self, container: &str) -> Result<(), EngineError> {
        let name = self.name(container);
        self.set(|knobs| knobs.cut_off.retain(|one| *one != name));
        self.set(|knobs| knobs.mistaken.retain(|one| *one != name));
        self.effect("start")?.start(container).await
    }

    async fn run_hooks(
        &self,
        container: &str,
        hooks: &[landfall_core::spec::Hook],
        limit: Duration,
    ) -> Result<Result<(), String>, EngineError> {
        self.effect("run hooks")?.run_hooks(container, hooks, limit).await
    }

    async fn stop(&self, container: &str, grace: Duration) -> Result<(), EngineError> {
        self.effect("stop")?.stop(container, grace).await
    }

    async fn remove(&self, container: &str) -> Result<(), EngineError> {
        self.effect("remove")?.remove(container).await
    }

    async fn probe(
        &self,
        container: &str,
        address: Option<Ipv4Addr>,
        probe: &Probe,
    ) -> Result<Result<(), String>, EngineError> {
        self.here()?.probe(container, address, probe).await
    }

    async fn last_logs(&self, id: &str, lines: usize) -> Result<Vec<String>, EngineError> {
        self.here()?.last_logs(id, lines).await
    }

    async fn networks(&self, app: &AppName) -> Result<Vec<FoundNetwork>, EngineError> {
        self.here()?.networks(app).await
    }

    async fn create_network(&self, request: &NetworkRequest) -> Result<(), EngineError> {
        self.effect("create network")?.create_network(request).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        self.effect("remove network")?.remove_network(name).await
    }

    async fn connect(&self, id: &str, attachment: &Attachment) -> Result<(), EngineError> {
        if self.has_lost_networks_of(id) {
            return Err(EngineError {
                kind: EngineErrorKind::Internal,
                effect: Effect::None,
                retry: Retry::Later,
                message: "the engine has lost its networks".to_owned(),
            });
        }
        self.effect("connect")?.connect(id, attachment).await
    }

    async fn disconnect(&self, container: &str, network: &str) -> Result<(), EngineError> {
        self.effect("disconnect")?.disconnect(container, network).await
    }

    async fn volumes(&self, app: &AppName) -> Result<Vec<FoundVolume>, EngineError> {
        self.here()?.volumes(app).await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<(), EngineError> {
        self.effect("create volume")?.create_volume(request).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.effect("remove volume")?.remove_volume(name).await
    }

    async fn tag(&self, image: &ImageId, tag: &str) -> Result<(), EngineError> {
        self.effect("tag")?.tag(image, tag).await
    }

    async fn untag(&self, tag: &str) -> Result<(), EngineError> {
        self.effect("untag")?.untag(tag).await
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        self.here()?.tags(prefix).await
    }

    async fn subnets(&self) -> Result<Vec<Ipv4Net>, EngineError> {
        self.here()?.subnets().await
    }
}
