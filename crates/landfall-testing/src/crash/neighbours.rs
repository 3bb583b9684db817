//! Scenarios of an app that does not live alone: a network of others, a network that can exist only
//! once, services within services, hooks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use landfall_core::id::{Key, RolloutNumber};
use landfall_core::plan::RolloutKind;
use landfall_core::spec::{
    AppSpec, Condition, Dependency, Hook, Ipam, IpamPool, Namespace, NetworkAttachment,
    NetworkSpec, Workload,
};
use landfall_core::testkit::service;

use super::scenarios::{Expect, Scenario, name, scenario, seal, serving, version};
use crate::fake::{Behaviour, Inner, Network};

/// A network that somebody else made.
pub(super) const NETWORK: &str = "shared";

/// Puts it into a world.
pub(super) fn add_network(inner: &mut Inner) {
    let subnet = Ipv4Net::new_assert(Ipv4Addr::new(10, 99, 0, 0), 24);
    inner.networks.insert(NETWORK.to_owned(), Network { labels: None, subnet });
}

fn key(text: &str) -> Key {
    text.parse().expect("a test's own name")
}

/// The shop, with neighbours.
fn sociable(tag: &str) -> AppSpec {
    let mut spec = version(tag);
    let external = NetworkSpec { external: Some(NETWORK.to_owned()), ..NetworkSpec::default() };
    let subnet = Ipv4Net::new_assert(Ipv4Addr::new(10, 98, 0, 0), 24);
    let pool = IpamPool { subnet: Some(IpNet::V4(subnet)), ..IpamPool::default() };
    let ipam = Ipam { pools: vec![pool], ..Ipam::default() };
    let held = NetworkSpec { ipam: Some(ipam), ..NetworkSpec::default() };
    spec.networks.extend([(key("outside"), external), (key("lan"), held)]);
    for (service, last) in [("web", None), ("nginx", None), ("db", Some(5)), ("beat", Some(6))] {
        let networks =
            &mut spec.services.get_mut(&name(service)).expect("the shop has it").networks;
        let address = last.map(|last| Ipv4Addr::new(10, 98, 0, last));
        networks.insert(key("lan"), NetworkAttachment { address, ..NetworkAttachment::default() });
        if service != "db" {
            networks.insert(key("outside"), NetworkAttachment::default());
        }
    }
    let started = Dependency { condition: Condition::ServiceStarted, required: true };
    let mut sidecar = service("app:1", Workload::Replicated);
    sidecar.image = format!("app:{tag}");
    sidecar.networks.clear();
    sidecar.container.namespaces.network = Some(Namespace::Service(name("web")));
    sidecar.depends_on = BTreeMap::from([(name("web"), started)]);
    sidecar.health.timeout_ms = 200;
    sidecar.health.stay_up_ms = 30;
    sidecar.replicas = 2;
    spec.services.insert(name("sidecar"), sidecar);
    for (service, within) in [("exporter", "db"), ("clock", "beat")] {
        let mut inner = spec.services[&name(within)].clone();
        inner.networks.clear();
        inner.container.mounts.clear();
        inner.container.namespaces.network = Some(Namespace::Service(name(within)));
        inner.depends_on = BTreeMap::from([(name(within), started)]);
        spec.services.insert(name(service), inner);
    }
    let web = spec.services.get_mut(&name("web")).expect("the shop has it");
    web.container.post_start = vec![Hook { command: vec!["warm".into()], ..Hook::default() }];
    spec
}

/// All of them.
pub(super) fn scenarios() -> Vec<Scenario> {
    let upgrade = |label: &'static str, from: AppSpec, to: AppSpec| {
        let (before, old) = serving(from);
        scenario(label, before, RolloutKind::Deploy, Some(seal(to, 2)), Some(&old), 2)
    };
    let mut loses_names = upgrade("web fails once it has its names", sociable("1"), sociable("2"));
    let few = Behaviour { good_answers: Some(2), ..Behaviour::default() };
    loses_names.before.behaviours.insert((RolloutNumber(2), name("web")), few);
    loses_names.expect = Expect::RolledBack;
    let mut bad_hook = sociable("2");
    let web = bad_hook.services.get_mut(&name("web")).expect("the shop has it");
    web.container.post_start = vec![Hook { command: vec!["false".into()], ..Hook::default() }];
    let mut hook_fails = upgrade("a hook fails", sociable("1"), bad_hook);
    hook_fails.expect = Expect::RolledBack;
    let mut new_database = sociable("2");
    "postgres:16".clone_into(
        &mut new_database.services.get_mut(&name("db")).expect("the shop has it").image,
    );
    let broken_later = |label: &'static str, service: &str| {
        let mut it = upgrade(label, sociable("1"), new_database.clone());
        let crash = Behaviour { exits: Some((15, 1)), ..Behaviour::default() };
        it.before.behaviours.insert((RolloutNumber(2), name(service)), crash);
        it.expect = Expect::RolledBack;
        it
    };
    vec![
        upgrade("the database changes, and what lives in it", sociable("1"), new_database.clone()),
        broken_later("what lives in the new database crashes", "exporter"),
        broken_later("what lives in the singleton crashes", "clock"),
        broken_later("web crashes beside a new database", "web"),
        upgrade("neighbours", sociable("1"), sociable("2")),
        upgrade("neighbours come", version("1"), sociable("2")),
        upgrade("neighbours go", sociable("1"), version("2")),
        loses_names,
        hook_fails,
    ]
}
