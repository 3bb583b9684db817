//! The apps that are deployed: a small one, the shop, and the shop with neighbours.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use landfall_core::id::{AppName, Key, ServiceName};
use landfall_core::secret::Secret;
use landfall_core::spec::{
    AppSpec, Condition, Dependency, Hook, Ipam, IpamPool, Namespace, NetworkAttachment,
    NetworkSpec, SealedFile, SealedKind, SealedTree, ServiceSpec, Workload,
};
use landfall_core::testkit;

/// In every environment, and nowhere else.
pub const CANARY: &str = "canary-5e7c2e1";
/// A network that somebody else made.
pub const SHARED: &str = "shared";

/// A service's name.
pub fn name(name: &str) -> ServiceName {
    name.parse().expect("a scenario's own name")
}

/// An app's name.
pub fn app(name: &str) -> AppName {
    name.parse().expect("a scenario's own name")
}

fn key(text: &str) -> Key {
    text.parse().expect("a scenario's own name")
}

/// The shop under another name, at one version, on a port of its own.
pub fn shop(of: &str, tag: &str) -> AppSpec {
    let mut spec = testkit::shop();
    spec.name = app(of);
    for service in spec.services.values_mut() {
        if service.image.starts_with("app:") {
            service.image = format!("app:{tag}");
        }
        for port in &mut service.ports {
            port.published = Some(8000 + u16::try_from(of.len()).unwrap_or(0));
        }
        // Short waits: every look is a point at which something may go wrong.
        service.health.timeout_ms = 200;
        service.health.stay_up_ms = 30;
        let secret = Secret::new(CANARY.to_owned());
        service.container.environment.insert("TOKEN".to_owned(), secret);
    }
    for volume in spec.volumes.values_mut() {
        volume.name = volume.name.replace("shop", of);
    }
    let content = Secret::new("aGk=".to_owned());
    let file = SealedFile { mode: 0o644, uid: None, gid: None, content };
    let entries = BTreeMap::from([(String::new(), file)]);
    spec.files.insert("conf".to_owned(), SealedTree { kind: SealedKind::File, entries });
    let mount = landfall_core::spec::Mount {
        target: "/etc/conf".to_owned(),
        kind: landfall_core::spec::MountKind::Sealed { tree: "conf".to_owned(), relabel: None },
        read_only: true,
    };
    service(&mut spec, "nginx").container.mounts.push(mount);
    spec.settings.keep = 2;
    spec.settings.drain_ms = 60;
    spec.settings.progress_deadline_ms = 300;
    spec
}

/// Only a database, a migration, one routed service and a singleton.
pub fn small(of: &str, tag: &str) -> AppSpec {
    let mut spec = shop(of, tag);
    for gone in ["web", "worker"] {
        spec.services.remove(&name(gone));
    }
    let nginx = service(&mut spec, "nginx");
    nginx.image = format!("app:{tag}");
    nginx.depends_on = BTreeMap::from([(
        name("migrate"),
        Dependency { condition: Condition::ServiceCompletedSuccessfully, required: true },
    )]);
    spec
}

/// A service of a spec.
pub fn service<'a>(spec: &'a mut AppSpec, of: &str) -> &'a mut ServiceSpec {
    spec.services.get_mut(&name(of)).expect("a scenario's own service")
}

/// With a database of another version.
pub fn new_database(mut spec: AppSpec) -> AppSpec {
    "postgres:16".clone_into(&mut service(&mut spec, "db").image);
    spec
}

/// The shop, with neighbours: a network of others, one that can exist only once, services within
/// services, hooks.
pub fn sociable(of: &str, tag: &str) -> AppSpec {
    let mut spec = shop(of, tag);
    let external = NetworkSpec { external: Some(SHARED.to_owned()), ..NetworkSpec::default() };
    let third = u8::try_from(of.len()).unwrap_or(0);
    let subnet = Ipv4Net::new_assert(Ipv4Addr::new(10, 98, third, 0), 24);
    let pool = IpamPool { subnet: Some(IpNet::V4(subnet)), ..IpamPool::default() };
    let ipam = Ipam { pools: vec![pool], ..Ipam::default() };
    let held = NetworkSpec { ipam: Some(ipam), ..NetworkSpec::default() };
    spec.networks.extend([(key("outside"), external), (key("lan"), held)]);
    for (of, last) in [("web", None), ("nginx", None), ("db", Some(5)), ("beat", Some(6))] {
        let networks = &mut service(&mut spec, of).networks;
        let address = last.map(|last| Ipv4Addr::new(10, 98, third, last));
        networks.insert(key("lan"), NetworkAttachment { address, ..NetworkAttachment::default() });
        if of != "db" {
            networks.insert(key("outside"), NetworkAttachment::default());
        }
    }
    let started = Dependency { condition: Condition::ServiceStarted, required: true };
    let mut sidecar = testkit::service("app:1", Workload::Replicated);
    sidecar.image = format!("app:{tag}");
    sidecar.networks.clear();
    sidecar.container.namespaces.network = Some(Namespace::Service(name("web")));
    sidecar.depends_on = BTreeMap::from([(name("web"), started)]);
    sidecar.health.timeout_ms = 200;
    sidecar.health.stay_up_ms = 30;
    sidecar.replicas = 2;
    spec.services.insert(name("sidecar"), sidecar);
    for (of, within) in [("exporter", "db"), ("clock", "beat")] {
        let mut inner = spec.services[&name(within)].clone();
        inner.networks.clear();
        inner.container.mounts.clear();
        inner.container.namespaces.network = Some(Namespace::Service(name(within)));
        inner.depends_on = BTreeMap::from([(name(within), started)]);
        spec.services.insert(name(of), inner);
    }
    let hook = Hook { command: vec!["warm".into()], ..Hook::default() };
    service(&mut spec, "web").container.post_start = vec![hook];
    spec
}
