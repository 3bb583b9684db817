//! What the port costs over the engine's bare calls. Prints figures; run it by name.
//!
//! `cargo test -p landfall-docker --features engine --test it -- --ignored --nocapture figures`

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use landfall_core::gate::{Accept, Probe};
use landfall_deploy::ports::{ContainerRequest, Engine as _};

use crate::support::{Corner, in_corner, place};

const ROUNDS: usize = 10;

/// Milliseconds by phase.
#[derive(Default)]
struct Figures(BTreeMap<&'static str, Vec<f64>>);

impl Figures {
    async fn of<T>(&mut self, phase: &'static str, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let out = work.await;
        self.0.entry(phase).or_default().push(began.elapsed().as_secs_f64() * 1000.0);
        out
    }

    #[expect(clippy::print_stdout, reason = "its output is its purpose")]
    fn print(mut self, title: &str) {
        println!("{title}: median (min) of {ROUNDS}, ms");
        for (phase, times) in &mut self.0 {
            times.sort_by(f64::total_cmp);
            println!("  {phase:<28} {:8.1} ({:.1})", times[times.len() / 2], times[0]);
        }
    }
}

fn probe() -> Probe {
    Probe::Http { port: 8080, path: "/passwd".into(), accept: Accept::Healthy }
}

async fn ready(corner: &Corner, request: &ContainerRequest) {
    let address = request.attachments[0].address;
    while corner.engine.probe(&request.name, address, &probe()).await != Ok(Ok(())) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn through_the_port(corner: &Corner, request: &ContainerRequest, figures: &mut Figures) {
    let began = Instant::now();
    figures.of("1 create", Box::pin(corner.engine.create(request))).await.unwrap();
    figures.of("2 start", corner.engine.start(&request.name)).await.unwrap();
    figures.of("3 probe until ready", ready(corner, request)).await;
    figures.of("4 one more probe", ready(corner, request)).await;
    figures.of("5 status", corner.engine.status(&request.name)).await.unwrap();
    let stop = corner.engine.stop(&request.name, Duration::from_secs(5));
    figures.of("6 stop", Box::pin(stop)).await.unwrap();
    figures.of("7 remove", Box::pin(corner.engine.remove(&request.name))).await.unwrap();
    figures.of("8 all", async {}).await;
    let all = figures.0.get_mut("8 all").unwrap().last_mut().unwrap();
    *all = began.elapsed().as_secs_f64() * 1000.0;
}

async fn bare(corner: &Corner, request: &ContainerRequest, figures: &mut Figures) {
    let began = Instant::now();
    let place = &request.attachments[0];
    let endpoint = EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: place.address.map(|a| a.to_string()),
            ..EndpointIpamConfig::default()
        }),
        ..EndpointSettings::default()
    };
    let body = ContainerCreateBody {
        image: Some(request.image.0.clone()),
        cmd: request.container.command.clone(),
        labels: Some(request.labels.to_map().into_iter().collect()),
        host_config: Some(HostConfig {
            init: Some(true),
            network_mode: Some(place.network.clone()),
            ..HostConfig::default()
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some([(place.network.clone(), endpoint)].into()),
        }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(&request.name).build();
    let docker = &corner.docker;
    figures.of("1 create", docker.create_container(Some(options), body)).await.unwrap();
    figures.of("2 start", docker.start_container(&request.name, None)).await.unwrap();
    figures.of("3 probe until ready", ready(corner, request)).await;
    let stop = StopContainerOptionsBuilder::new().t(5).build();
    figures.of("6 stop", docker.stop_container(&request.name, Some(stop))).await.unwrap();
    let remove = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    figures.of("7 remove", docker.remove_container(&request.name, Some(remove))).await.unwrap();
    figures.of("8 all", async {}).await;
    let all = figures.0.get_mut("8 all").unwrap().last_mut().unwrap();
    *all = began.elapsed().as_secs_f64() * 1000.0;
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    in_corner("figures", async |corner| {
        let info = corner.engine.info().await.unwrap();
        println!("Docker Engine {} ({})", info.version, info.storage_driver);
        let (net, other) = (corner.network("net", 0), corner.network("other", 1));
        corner.engine.create_network(&net).await.unwrap();
        let mut request = corner.container("web", "exec httpd -f -p 8080 -h /etc");
        request.attachments = vec![place(&net, 5)];
        let (mut port, mut floor, mut rest) =
            (Figures::default(), Figures::default(), Figures::default());
        for _ in 0..ROUNDS {
            Box::pin(through_the_port(corner, &request, &mut port)).await;
            bare(corner, &request, &mut floor).await;
            rest.of("network: create", corner.engine.create_network(&other)).await.unwrap();
            rest.of("network: adopt", corner.engine.create_network(&other)).await.unwrap();
            rest.of("network: remove", corner.engine.remove_network(&other.name)).await.unwrap();
            corner.engine.create_network(&other).await.unwrap();
            corner.run(&request).await;
            let link = place(&other, 5);
            rest.of("container: join running", corner.engine.connect(&request.name, &link))
                .await
                .unwrap();
            rest.of("network: remove, one joined", corner.engine.remove_network(&other.name))
                .await
                .unwrap();
            let test = landfall_core::spec::HealthTest::Shell("true".into());
            let exec = Probe::Exec { test, timeout_ms: 5_000 };
            rest.of("probe: exec", corner.engine.probe(&request.name, None, &exec))
                .await
                .unwrap()
                .unwrap();
            rest.of("container: kill and remove", Box::pin(corner.engine.remove(&request.name)))
                .await
                .unwrap();
        }
        floor.print("bare calls");
        port.print("through the port");
        rest.print("the rest");
    });
}
