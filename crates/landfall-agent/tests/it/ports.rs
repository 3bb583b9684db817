//! What is refused before anything is touched: ports and routes that are taken, and by whom; an engine
//! that does not know what runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use landfall_agent::LostContainer;
use landfall_api::{Outcome, Problem, ProblemCode};
use landfall_core::id::AppName;
use landfall_core::spec::{AppSpec, Protocol, PublishedPort};

use crate::site::{Site, app, outcome, shop, shop_name};

fn publish(spec: &mut AppSpec, service: &str, port: u16) {
    let service = spec.services.get_mut(&service.parse().unwrap()).unwrap();
    let host_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let protocol = Protocol::Tcp;
    let port = PublishedPort { host_ip, published: Some(port), target: 80, protocol };
    service.ports = vec![port];
}

async fn refused(site: &Site, spec: &AppSpec) -> Problem {
    let events = site.deploy(spec).await;
    let (Outcome::Refused { problem }, None) = outcome(&events) else { panic!("{events:?}") };
    assert!(site.world.lock().networks.is_empty(), "something was touched");
    problem.clone()
}

#[tokio::test]
async fn a_port_of_a_container_names_the_container() {
    let site = Site::new().await;
    let mut spec = shop("1");
    publish(&mut spec, "nginx", 8081);
    site.platform.set(|knobs| drop(knobs.publishers.insert(8081, "old-web-1".to_owned())));
    let problem = refused(&site, &spec).await;
    assert_eq!(problem.code, ProblemCode::PortTaken);
    assert_eq!(problem.message, "port 127.0.0.1:8081 is taken by container old-web-1");
}

#[tokio::test]
async fn a_port_that_nobody_is_known_to_have_carries_the_edges_reason() {
    let site = Site::new().await;
    let mut spec = shop("1");
    publish(&mut spec, "nginx", 8082);
    let problem = refused(&site, &spec).await;
    assert_eq!(problem.message, "the edge cannot listen on 127.0.0.1:8082: address in use");
}

#[tokio::test]
async fn a_native_port_of_a_process_names_the_process() {
    let site = Site::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();
    let mut spec = shop("1");
    publish(&mut spec, "db", address.port());
    let problem = refused(&site, &spec).await;
    let expected = format!("port {address} is taken by process ");
    assert!(problem.message.starts_with(&expected), "{problem:?}");
    assert!(problem.message.ends_with(&format!("(pid {})", std::process::id())), "{problem:?}");
}

#[tokio::test]
async fn two_apps_cannot_have_one_place() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let events = site.deploy(&app("blog", "1")).await;
    let (Outcome::Refused { problem }, _) = outcome(&events) else { panic!("{events:?}") };
    assert_eq!(problem.code, ProblemCode::Invalid);
    assert!(problem.message.starts_with("blog and shop both claim "), "{problem:?}");
}

#[tokio::test]
async fn two_apps_that_deploy_at_once_never_plan_the_same_subnet() {
    let site = Site::new().await;
    let names = ["a", "b", "c", "d"];
    let specs = names.iter().zip(9000..).map(|(name, port)| {
        let mut spec = app(name, "1");
        publish(&mut spec, "nginx", port);
        spec
    });
    let specs: Vec<_> = specs.collect();
    let deploys = specs.iter().map(|spec| site.deploy(spec));
    for events in futures_util::future::join_all(deploys).await {
        assert_eq!(outcome(&events), (&Outcome::Succeeded, Some(1)));
    }
    let world = site.world.lock();
    let subnets: Vec<_> = world.networks.values().map(|network| network.subnet).collect();
    let unique: std::collections::BTreeSet<_> = subnets.iter().collect();
    assert!(unique.len() == subnets.len() && subnets.len() >= names.len(), "{subnets:?}");
}

#[tokio::test]
async fn nothing_is_put_beside_containers_that_the_engine_does_not_know() {
    let site = Site::new().await;
    let lost = |app: AppName| {
        let lost = LostContainer { app, name: "shop-db".to_owned() };
        site.platform.set(|knobs| knobs.lost = vec![lost]);
    };
    lost(shop_name());
    let problem = refused(&site, &shop("1")).await;
    assert_eq!(problem.code, ProblemCode::Unavailable);
    assert!(problem.message.contains("shop-db"), "{problem:?}");
    assert!(problem.hint.unwrap().contains("systemctl restart docker"));
    // Another app's are no reason.
    lost("blog".parse().unwrap());
    assert_eq!(outcome(&site.deploy(&shop("1")).await), (&Outcome::Succeeded, Some(1)));
    // It could not take away what the engine does not know.
    lost(shop_name());
    let events = site.down().await;
    assert!(matches!(outcome(&events), (Outcome::Refused { .. }, None)), "{events:?}");
}
