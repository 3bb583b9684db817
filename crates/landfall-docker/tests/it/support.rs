//! A test's own corner of a real engine: one app name, one subnet, removed before and after.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::FutureExt as _;
use ipnet::Ipv4Net;
use landfall_core::id::{AppName, ImageId, ReleaseNumber, RolloutNumber};
use landfall_core::label::{Labels, Scope};
use landfall_core::plan::Attachment;
use landfall_core::spec::{ContainerSpec, NetworkSpec};
use landfall_deploy::ports::{Clock, ContainerRequest, Engine as _, NetworkRequest};
use landfall_docker::DockerEngine;

/// The small image that everything runs in.
const IMAGE: &str = "busybox:latest";

pub(crate) struct Corner {
    pub(crate) engine: DockerEngine,
    pub(crate) docker: Docker,
    pub(crate) app: AppName,
    pub(crate) image: ImageId,
    pub(crate) subnet: Ipv4Net,
}

/// Runs a test in its own corner and leaves nothing behind, whether it passes or not.
pub(crate) fn in_corner(name: &str, test: impl AsyncFnOnce(&Corner)) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let host = std::env::var("DOCKER_HOST").ok();
        let engine = DockerEngine::connect_to(host.as_deref()).expect("a local engine");
        let socket = engine.socket().to_str().expect("a plain path").to_owned();
        let docker = Docker::connect_with_unix(&socket, 120, bollard::API_DEFAULT_VERSION)
            .expect("the engine's socket");
        let image = engine.image(IMAGE).await.expect("the engine answers");
        let image = image.unwrap_or_else(|| panic!("the engine has {IMAGE}")).sealed.id;
        let app: AppName = format!("lf-it-{name}-{}", std::process::id()).parse().expect("a name");
        let subnet = free_subnet(&engine).await;
        let corner = Corner { engine, docker, app, image, subnet };
        corner.clean().await;
        let result = AssertUnwindSafe(test(&corner)).catch_unwind().await;
        corner.clean().await;
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

/// A /24 of 10.231.0.0/16 that neither the engine nor another test of this process has.
async fn free_subnet(engine: &DockerEngine) -> Ipv4Net {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let taken = engine.subnets().await.expect("the engine answers");
    loop {
        let n = (NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() * 16) % 256;
        let base = u32::from(Ipv4Addr::new(10, 231, 0, 0)) + 256 * n;
        let subnet = Ipv4Net::new_assert(Ipv4Addr::from(base), 24);
        if !taken.iter().any(|t| t.contains(&subnet) || subnet.contains(t)) {
            return subnet;
        }
    }
}

impl Corner {
    pub(crate) fn name(&self, thing: &str) -> String {
        format!("{}-{thing}", self.app)
    }

    pub(crate) fn labels(&self) -> Labels {
        Labels {
            app: self.app.clone(),
            release: ReleaseNumber(1),
            rollout: RolloutNumber(1),
            step: 0,
            scope: Scope::Release,
            service: Some("web".parse().expect("a name")),
            replica: Some(1),
            revision: None,
        }
    }

    /// A container that runs a line of shell.
    pub(crate) fn container(&self, thing: &str, line: &str) -> ContainerRequest {
        ContainerRequest {
            name: self.name(thing),
            labels: self.labels(),
            image: self.image.clone(),
            platform: None,
            container: ContainerSpec {
                command: Some(vec!["sh".into(), "-c".into(), line.into()]),
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

    /// The `n`-th /27 of this corner.
    pub(crate) fn network(&self, thing: &str, n: u32) -> NetworkRequest {
        let base = u32::from(self.subnet.network()) + 32 * n;
        NetworkRequest {
            name: self.name(thing),
            labels: Labels { service: None, replica: None, ..self.labels() },
            subnet: Ipv4Net::new_assert(Ipv4Addr::from(base), 27),
            gateway: Ipv4Addr::from(base + 1),
            spec: NetworkSpec::default(),
        }
    }

    /// Minor version of the API that the engine speaks.
    pub(crate) async fn api_minor(&self) -> u32 {
        let version = self.docker.version().await.expect("the engine answers").api_version;
        let version = version.unwrap_or_default();
        version.strip_prefix("1.").and_then(|minor| minor.parse().ok()).expect("a version")
    }

    /// What the engine knows of a container.
    pub(crate) async fn inspect(&self, container: &str) -> ContainerInspectResponse {
        self.docker.inspect_container(container, None).await.expect("it is there")
    }

    /// Runs a line of shell to its end and returns what it said.
    pub(crate) async fn said(&self, request: &ContainerRequest) -> Vec<String> {
        let once = ContainerRequest { restart: false, ..request.clone() };
        self.run(&once).await;
        until("it has ended", async || {
            let seen =
                self.engine.status(&once.name).await.expect("an answer").expect("it is there");
            seen.status == landfall_deploy::ports::Status::Exited
        })
        .await;
        self.engine.last_logs(&once.name, 50).await.expect("its log")
    }

    /// Creates and starts.
    pub(crate) async fn run(&self, request: &ContainerRequest) {
        self.engine.create(request).await.expect("it can be created");
        self.engine.start(&request.name).await.expect("it can be started");
    }

    /// Removes everything of this app, whatever the port would say.
    async fn clean(&self) {
        let label = format!("landfall.app={}", self.app);
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let list = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let remove = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        for found in self.docker.list_containers(Some(list)).await.expect("a list") {
            let id = found.id.expect("an id");
            let _ = self.docker.remove_container(&id, Some(remove.clone())).await;
        }
        let list = ListNetworksOptionsBuilder::new().filters(&filters).build();
        for found in self.docker.list_networks(Some(list)).await.expect("a list") {
            let _ = self.docker.remove_network(&found.id.expect("an id")).await;
        }
        let list = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let found = self.docker.list_volumes(Some(list)).await.expect("a list");
        for volume in found.volumes.unwrap_or_default() {
            let _ = self.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await;
        }
        for tag in self.engine.tags(&format!("landfall/{}:", self.app)).await.expect("a list") {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            let _ = self.docker.remove_image(&tag, Some(options), None).await;
        }
    }
}

/// A container's place.
pub(crate) fn place(network: &NetworkRequest, n: u32) -> Attachment {
    let address = Ipv4Addr::from(u32::from(network.subnet.network()) + n);
    Attachment { network: network.name.clone(), address: Some(address), ..Attachment::default() }
}

/// Waits for a fact.
pub(crate) async fn until(what: &str, mut fact: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !fact().await {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Real time.
pub(crate) struct RealClock(pub(crate) Instant);

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
