//! A small app for tests of this crate and of those that build on it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::id::{Key, ServiceName};
use crate::spec::{
    AppSettings, AppSpec, Condition, ContainerSpec, Dependency, HealthSettings, Mount, MountKind,
    NetworkAttachment, NetworkSpec, Protocol, PublishedPort, PullPolicy, ServiceSpec, VolumeScope,
    VolumeSpec, Workload,
};

/// A service on the default network.
pub fn service(image: &str, workload: Workload) -> ServiceSpec {
    ServiceSpec {
        image: image.to_owned(),
        pull: PullPolicy::Missing,
        platform: None,
        workload,
        replicas: 1,
        container: ContainerSpec::default(),
        networks: BTreeMap::from([(key("default"), NetworkAttachment::default())]),
        ports: Vec::new(),
        expose: Vec::new(),
        depends_on: BTreeMap::new(),
        routes: Vec::new(),
        health: HealthSettings { path: None, ..HealthSettings::default() },
    }
}

fn key(name: &str) -> Key {
    name.parse().expect("a test's own name")
}

fn name(name: &str) -> ServiceName {
    name.parse().expect("a test's own name")
}

fn after(mut service: ServiceSpec, deps: &[(&str, Condition)]) -> ServiceSpec {
    for (dep, condition) in deps {
        let dependency = Dependency { condition: *condition, required: true };
        service.depends_on.insert(name(dep), dependency);
    }
    service
}

fn volume(name: &str, scope: VolumeScope) -> VolumeSpec {
    VolumeSpec {
        name: name.to_owned(),
        external: false,
        scope,
        driver: None,
        driver_opts: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

fn mount(volume: &str, target: &str) -> Mount {
    Mount {
        target: target.to_owned(),
        kind: MountKind::Volume { volume: key(volume), nocopy: false, subpath: None },
        read_only: false,
    }
}

/// A shop: db, migrate, two webs, worker, beat (singleton) and nginx on port 80.
pub fn shop() -> AppSpec {
    let mut db = service("postgres:15", Workload::Stateful);
    db.container.mounts.push(mount("data", "/var/lib/postgresql/data"));
    let migrate = after(service("app:1", Workload::OneOff), &[("db", Condition::ServiceHealthy)]);
    let migrated = [("migrate", Condition::ServiceCompletedSuccessfully)];
    let mut web = after(service("app:1", Workload::Replicated), &migrated);
    web.replicas = 2;
    web.health.path = Some("/healthz".to_owned());
    web.health.port = Some(8000);
    let worker = after(service("app:1", Workload::Replicated), &migrated);
    let beat = after(service("app:1", Workload::Singleton), &migrated);
    let mut nginx =
        after(service("nginx:1", Workload::Replicated), &[("web", Condition::ServiceHealthy)]);
    nginx.container.mounts.push(mount("static", "/srv/static"));
    nginx.ports.push(PublishedPort {
        host_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        published: Some(8080),
        target: 80,
        protocol: Protocol::Tcp,
    });
    let services = [
        ("db", db),
        ("migrate", migrate),
        ("web", web),
        ("worker", worker),
        ("beat", beat),
        ("nginx", nginx),
    ];
    AppSpec {
        name: "shop".parse().expect("a test's own name"),
        services: services.into_iter().map(|(n, s)| (name(n), s)).collect(),
        networks: BTreeMap::from([(key("default"), NetworkSpec::default())]),
        volumes: BTreeMap::from([
            (key("data"), volume("shop_data", VolumeScope::App)),
            (key("static"), volume("shop_static", VolumeScope::Release)),
        ]),
        files: BTreeMap::new(),
        settings: AppSettings::default(),
    }
}
