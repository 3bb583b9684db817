//! Tables over plans: which steps, in which order, with the pivot where it belongs.

use std::collections::BTreeMap;

use super::*;
use crate::id::ImageId;
use crate::release::SealedImage;
use crate::route::Route;
use crate::spec::{AppSpec, Condition, Dependency, NetworkAttachment, NetworkSpec, ServiceSpec};
use crate::testkit::{service, shop};

fn seal(spec: AppSpec, number: u32) -> Release {
    let images = spec.services.iter().map(|(name, service)| {
        let id = ImageId(format!("sha256:{}", service.image));
        let image = SealedImage { id, exposed: vec![], healthcheck: None, volumes: vec![] };
        (name.clone(), image)
    });
    let images: BTreeMap<_, _> = images.collect();
    Release::seal(ReleaseNumber(number), spec, images).unwrap()
}

fn input(release: &Release) -> PlanInput<'_> {
    PlanInput {
        kind: RolloutKind::Deploy,
        rollout: RolloutNumber(1),
        release: Some(release),
        serving: None,
        stateful: &[],
        networks: &[],
        taken: &[],
        pool: subnet::default_pool(),
        keep: vec![ReleaseNumber(1)],
        hold: None,
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    let line = |(i, step): (usize, &Step)| {
        let mark = if i == plan.pivot { "*" } else { "" };
        format!("{mark}{} {}", step.name(), step.subject()).trim_end().to_owned()
    };
    plan.steps.iter().enumerate().map(line).collect()
}

#[test]
fn a_first_deploy_goes_from_data_to_one_offs_to_replicas_to_the_pivot() {
    let release = seal(shop(), 1);
    let plan = plan(&input(&release)).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "pin images 3 images",
            "create networks landfall-shop-default, landfall-shop-default-d1",
            "create volumes shop_data, shop_static_d1",
            "start stateful db",
            "link stateful shop-db-d1-1",
            "run one-off migrate",
            "start replicas web ×2, worker",
            "start replicas nginx",
            "verify 1 endpoint",
            "hand over beat",
            "*cutover 1 route",
            "drain",
            "stop old",
            "prune",
        ]
    );
}

#[test]
fn an_unchanged_database_is_left_alone_and_joined() {
    let (first, second) = (seal(shop(), 1), seal(shop(), 2));
    let db: ServiceName = "db".parse().unwrap();
    let present = [PresentStateful {
        service: db.clone(),
        name: "shop-db-d1-1".into(),
        revision: first.revision(&db).unwrap(),
        running: true,
    }];
    let plan = plan(&PlanInput {
        rollout: RolloutNumber(2),
        serving: Some(ServingRelease { release: &first, rollout: RolloutNumber(1) }),
        stateful: &present,
        ..input(&second)
    })
    .unwrap();
    assert!(plan.steps.iter().all(|s| !matches!(s, Step::StartStateful { .. })));
    assert!(lines(&plan).contains(&"link stateful shop-db-d1-1".to_owned()));
    let keeps = |s: &Step| matches!(s, Step::StopOld { keep, .. } if keep == &["shop-db-d1-1"]);
    assert!(plan.steps.iter().any(keeps));
}

#[test]
fn a_changed_database_is_replaced_in_place_and_joins_the_old_release_too() {
    let first = seal(shop(), 1);
    let db: ServiceName = "db".parse().unwrap();
    let mut changed = shop();
    changed.services.get_mut(&db).unwrap().image = "postgres:16".into();
    let second = seal(changed, 2);
    let present = [PresentStateful {
        service: db.clone(),
        name: "shop-db-d1-1".into(),
        revision: first.revision(&db).unwrap(),
        running: true,
    }];
    let networks = [PresentNetwork { name: "landfall-shop-default-d1".into(), subnet: None }];
    let plan = plan(&PlanInput {
        rollout: RolloutNumber(2),
        serving: Some(ServingRelease { release: &first, rollout: RolloutNumber(1) }),
        stateful: &present,
        networks: &networks,
        ..input(&second)
    })
    .unwrap();
    let start = plan.steps.iter().find_map(|s| match s {
        Step::StartStateful { replica, replaces, .. } => Some((replica, replaces)),
        _ => None,
    });
    let (replica, replaces) = start.unwrap();
    assert_eq!(replaces, &["shop-db-d1-1".to_owned()]);
    let joined: Vec<_> = replica.attachments.iter().map(|a| a.network.as_str()).collect();
    assert_eq!(joined, ["landfall-shop-default", "landfall-shop-default-d1"]);
    let kept = |network: &str| plan.keeps_network(network);
    assert!(!kept("landfall-shop-default-d1"), "it goes with the release that it is of");
    assert!(kept("landfall-shop-default") && kept("landfall-shop-default-d2"));
    assert!(kept("somebody-elses") && kept("landfall-shopping-default-d1"));
    assert!(plan.notes.iter().any(|n| n.contains("replaced in place")), "{:?}", plan.notes);
}

#[test]
fn addresses_are_fixed_and_unique() {
    let release = seal(shop(), 1);
    let plan = plan(&input(&release)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let links = plan.steps.iter().filter_map(|s| match s {
        Step::LinkStateful { links } => Some(links),
        _ => None,
    });
    let linked = links.flatten().filter_map(|l| l.attachment.address);
    let own = plan.replicas().flat_map(|r| &r.attachments).filter_map(|a| a.address);
    for address in linked.chain(own) {
        assert!(seen.insert(address), "{address} twice");
    }
    assert_eq!(seen.len(), 7);
}

#[test]
fn services_that_wait_for_each_other_have_no_plan() {
    let mut spec = shop();
    let wait = Dependency { condition: Condition::ServiceStarted, required: true };
    let web: ServiceName = "web".parse().unwrap();
    let nginx: ServiceName = "nginx".parse().unwrap();
    spec.services.get_mut(&web).unwrap().depends_on.insert(nginx, wait);
    let release = seal(spec, 1);
    assert!(matches!(plan(&input(&release)), Err(PlanError::Cycle(_))));
}

#[test]
fn down_keeps_nothing_but_data() {
    let release = seal(shop(), 1);
    let plan = plan(&PlanInput {
        kind: RolloutKind::Down,
        rollout: RolloutNumber(2),
        release: None,
        serving: Some(ServingRelease { release: &release, rollout: RolloutNumber(1) }),
        ..input(&release)
    })
    .unwrap();
    assert_eq!(lines(&plan), ["*cutover no routes", "drain", "stop old", "prune"]);
}

#[test]
fn a_routed_service_needs_replicas_and_a_network() {
    let mut spec = shop();
    let nginx: ServiceName = "nginx".parse().unwrap();
    spec.services.get_mut(&nginx).unwrap().replicas = 0;
    assert_eq!(plan(&input(&seal(spec, 1))), Err(PlanError::NoReplicas(nginx.clone())));
    let mut spec = shop();
    spec.services.get_mut(&nginx).unwrap().networks.clear();
    assert_eq!(plan(&input(&seal(spec, 1))), Err(PlanError::NoNetwork(nginx)));
}

#[test]
fn a_plain_service_needs_few_steps() {
    let mut spec = shop();
    spec.services = BTreeMap::from([(
        "web".parse().unwrap(),
        ServiceSpec {
            networks: BTreeMap::from([("default".parse().unwrap(), NetworkAttachment::default())]),
            ..service("web:1", crate::spec::Workload::Replicated)
        },
    )]);
    spec.volumes.clear();
    let release = seal(spec, 1);
    let plan = plan(&input(&release)).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "pin images 1 image",
            "create networks landfall-shop-default-d1",
            "start replicas web",
            "verify 0 endpoints",
            "*cutover 0 routes",
            "drain",
            "stop old",
            "prune",
        ]
    );
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn held(subnet: &str) -> NetworkSpec {
    let pool =
        crate::spec::IpamPool { subnet: Some(subnet.parse().unwrap()), ..Default::default() };
    let ipam = crate::spec::Ipam { pools: vec![pool], ..Default::default() };
    NetworkSpec { ipam: Some(ipam), ..NetworkSpec::default() }
}

/// The shop, with every service on one more network.
fn on_network(network: NetworkSpec) -> AppSpec {
    let mut spec = shop();
    spec.networks.insert(key("more"), network);
    for service in spec.services.values_mut() {
        service.networks.insert(key("more"), NetworkAttachment::default());
    }
    spec
}

fn planned<'p>(plan: &'p Plan, service: &str) -> &'p crate::plan::PlannedReplica {
    plan.replicas().find(|replica| replica.service.as_str() == service).unwrap()
}

#[test]
fn a_network_of_others_is_joined_at_first_without_names() {
    let outside = NetworkSpec { external: Some("shared".into()), ..NetworkSpec::default() };
    let mut spec = on_network(outside);
    let db = spec.services.get_mut(&"db".parse::<ServiceName>().unwrap()).unwrap();
    db.networks.get_mut(&key("more")).unwrap().address = Some("10.9.0.2".parse().unwrap());
    let release = seal(spec, 1);
    let plan = plan(&input(&release)).unwrap();
    let steps = lines(&plan);
    let names = steps.iter().position(|line| line.starts_with("take names shop-web-d1-1")).unwrap();
    assert!(steps[names + 1].starts_with("verify"), "{steps:?}");
    assert!(!steps[1].contains("shared"), "it is not made: {steps:?}");
    let there = |service: &str| {
        let attachments = &planned(&plan, service).attachments;
        attachments.iter().find(|a| a.network == "shared").unwrap().clone()
    };
    assert_eq!(there("web").aliases, Vec::<String>::new());
    assert_eq!(there("migrate").aliases, Vec::<String>::new());
    // Their predecessors are stopped by then.
    assert_eq!(
        (there("db").aliases, there("beat").aliases),
        (vec!["db".into()], vec!["beat".into()])
    );
    assert_eq!(there("db").address, Some("10.9.0.2".parse().unwrap()));
    let Step::TakeNames { links } = &plan.steps[names] else { panic!("{steps:?}") };
    let of: Vec<_> =
        links.iter().map(|l| (&*l.container, l.attachment.aliases.join(","))).collect();
    let each = [("shop-web-d1-1", "web"), ("shop-web-d1-2", "web"), ("shop-worker-d1-1", "worker")];
    for (container, alias) in each {
        assert!(of.contains(&(container, alias.to_owned())), "{of:?}");
    }
    assert_eq!(of.len(), 4, "{of:?}");
}

#[test]
fn a_network_that_exists_once_is_joined_by_all_and_names_stay_with_the_release() {
    let mut spec = on_network(held("10.77.0.0/24"));
    let beat = spec.services.get_mut(&"beat".parse::<ServiceName>().unwrap()).unwrap();
    beat.networks.get_mut(&key("more")).unwrap().address = Some("10.77.0.9".parse().unwrap());
    let release = seal(spec, 1);
    let plan = plan(&input(&release)).unwrap();
    let Step::CreateNetworks { networks } = &plan.steps[1] else { panic!("{:?}", lines(&plan)) };
    let more: Vec<_> = networks.iter().filter(|n| n.key == key("more")).collect();
    assert_eq!(more.len(), 2);
    assert_eq!((more[0].scope, more[0].subnet.to_string()), (Scope::App, "10.77.0.0/24".into()));
    assert!(subnet::default_pool().contains(&more[1].subnet), "the release's own");
    let once = &more[0].name;
    let web = &planned(&plan, "web").attachments;
    assert_ne!(web[0].network, *once, "the edge finds it on a network of its release");
    let there = web.iter().find(|a| a.network == *once).unwrap();
    assert_eq!((there.aliases.len(), there.address), (0, None));
    let beat = &planned(&plan, "beat").attachments;
    let there = beat.iter().find(|a| a.network == *once).unwrap();
    assert_eq!(there.address, Some("10.77.0.9".parse().unwrap()));

    let taken = ["10.77.0.128/25".parse().unwrap()];
    let refused = super::plan(&PlanInput { taken: &taken, ..input(&release) });
    let Err(PlanError::SubnetTaken { network, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(network, key("more"));
    // Its own, from an earlier rollout, is no obstacle.
    let present =
        [PresentNetwork { name: once.clone(), subnet: Some("10.77.0.0/24".parse().unwrap()) }];
    let again = PlanInput { networks: &present, taken: &taken, ..input(&release) };
    assert!(super::plan(&again).is_ok());
}

#[test]
fn what_lives_in_another_is_laid_out_after_it_and_reached_there() {
    use crate::spec::{Condition, Namespace, VolumesFrom};
    let mut spec = shop();
    let mut inside = service("app:1", crate::spec::Workload::Replicated);
    inside.networks.clear();
    inside.replicas = 3;
    let web: ServiceName = "web".parse().unwrap();
    let db: ServiceName = "db".parse().unwrap();
    inside.container.namespaces.network = Some(Namespace::Service(web.clone()));
    inside.container.namespaces.pid = Some(Namespace::Service(db.clone()));
    inside.container.volumes_from =
        vec![VolumesFrom { from: Namespace::Service(web.clone()), read_only: true }];
    let started = Dependency { condition: Condition::ServiceStarted, required: true };
    inside.depends_on = BTreeMap::from([(web.clone(), started), (db.clone(), started)]);
    let mut on_host = service("app:1", crate::spec::Workload::Stateful);
    on_host.networks.clear();
    on_host.container.namespaces.network = Some(Namespace::Host);
    spec.services.insert("inside".parse().unwrap(), inside);
    spec.services.insert("agent".parse().unwrap(), on_host);
    let release = seal(spec, 1);
    let plan = plan(&input(&release)).unwrap();
    let all: Vec<_> = plan.replicas().filter(|r| r.service.as_str() == "inside").collect();
    let webs: Vec<_> = plan.replicas().filter(|r| r.service == web).collect();
    for (n, of) in [(0, 0), (1, 1), (2, 1)] {
        assert_eq!(all[n].peers[&web], webs[of].name);
        assert_eq!(all[n].peers[&db], "shop-db-d1-1");
        assert_eq!(all[n].reached_at, webs[of].attachments[0].address);
        assert!(all[n].attachments.is_empty());
    }
    assert_eq!(planned(&plan, "agent").reached_at, Some(std::net::Ipv4Addr::LOCALHOST));
}

#[test]
fn what_a_service_cannot_outlive_changes_its_revision() {
    use crate::spec::Namespace;
    let mut spec = shop();
    let (db, beat): (ServiceName, ServiceName) = ("db".parse().unwrap(), "beat".parse().unwrap());
    let plain = seal(spec.clone(), 1).revision(&beat);
    spec.services.get_mut(&beat).unwrap().container.namespaces.pid =
        Some(Namespace::Service(db.clone()));
    let tied = seal(spec.clone(), 1).revision(&beat);
    assert_ne!(tied, plain);
    spec.services.get_mut(&db).unwrap().image = "postgres:16".into();
    assert_ne!(seal(spec.clone(), 1).revision(&beat), tied, "its peer is another");
    // A circle that somebody stored by hand ends.
    spec.services.get_mut(&db).unwrap().container.namespaces.pid =
        Some(Namespace::Service(beat.clone()));
    assert!(seal(spec, 1).revision(&beat).is_some());

    let one = seal(on_network(held("10.77.0.0/24")), 1).revision(&db);
    let other = seal(on_network(held("10.78.0.0/24")), 1).revision(&db);
    assert_ne!(one, other, "it must move to another network");
}

/// What these are made of has grown since. A release that uses none of it must keep its hashes: a
/// changed revision would replace every database at the first deploy after an update of landfall.
#[test]
fn hashes_of_sealed_releases_outlive_new_fields() {
    let release = seal(shop(), 1);
    assert_eq!(release.hash, "942dae5f66ef6f6f434a8eb8747754a60cc36e7a18b1c595c4fcec33086819d4");
    let db = release.revision(&"db".parse().unwrap()).unwrap();
    assert_eq!(db.0, "156097bbd7248436eaca642066c1aa248e1b40c57d850e3ac806d3b9dc1ce234");
    let read: Release = serde_json::from_str(&serde_json::to_string(&release).unwrap()).unwrap();
    assert_eq!(read, release);
}

fn wish(port: u16) -> HoldWish {
    let preview = SocketAddr::from(([127, 0, 0, 1], port));
    HoldWish { preview, max_ms: Some(1) }
}

#[test]
fn a_hold_comes_before_all_that_is_seen_outside_and_every_proof_is_repeated_after_it() {
    let outside = NetworkSpec { external: Some("shared".into()), ..NetworkSpec::default() };
    let release = seal(on_network(outside), 1);
    let plan = plan(&PlanInput { hold: Some(wish(15_000)), ..input(&release) }).unwrap();
    let steps = lines(&plan);
    let hold = plan.hold.unwrap();
    assert_eq!(hold.max_ms, Some(1));
    assert_eq!(
        steps[hold.before - 2..],
        [
            "verify 1 endpoint",
            "open preview 127.0.0.1:15000",
            "gate again db, nginx, web ×2, worker",
            "take names shop-web-d1-1, shop-web-d1-2, shop-worker-d1-1, shop-nginx-d1-1",
            "verify 1 endpoint",
            "hand over beat",
            "*cutover 1 route",
            "drain",
            "stop old",
            "prune",
        ]
    );
    let Step::Cutover { routes: Some(routes) } = &plan.steps[plan.pivot] else { panic!() };
    let preview = plan.preview().unwrap();
    assert_eq!((preview.rollout, preview.routes.len()), (routes.rollout, routes.routes.len()));
    assert_eq!(preview.routes[0].upstream, routes.routes[0].upstream);
    assert_ne!(preview.routes[0].listen, routes.routes[0].listen);
    let notes = plan.notes.join("\n");
    for said in ["landfall promote", "migrate will have run by then", "web, worker of both"] {
        assert!(notes.contains(said), "{notes}");
    }
}

#[test]
fn a_release_without_routes_is_held_without_a_preview() {
    let mut spec = shop();
    spec.services.get_mut(&"nginx".parse::<ServiceName>().unwrap()).unwrap().ports.clear();
    let release = seal(spec, 1);
    assert_eq!(preview_listeners(&release), 0);
    let plan = plan(&PlanInput { hold: Some(wish(15_000)), ..input(&release) }).unwrap();
    assert_eq!(plan.preview(), None);
    assert!(lines(&plan)[plan.hold.unwrap().before].starts_with("gate again"));
}

#[test]
fn each_listener_has_its_preview_and_a_single_host_is_not_asked_for() {
    use crate::spec::RouteSettings;
    let mut spec = shop();
    let web = spec.services.get_mut(&"web".parse::<ServiceName>().unwrap()).unwrap();
    let route = |listen: &str, host: &str| RouteSettings {
        listen: listen.parse().unwrap(),
        host: Some(host.to_owned()),
        path: "/".to_owned(),
        port: 8000,
    };
    web.routes = vec![
        route("0.0.0.0:80", "a.example"),
        route("0.0.0.0:81", "a.example"),
        route("0.0.0.0:81", "b.example"),
    ];
    let release = seal(spec, 1);
    assert_eq!(preview_listeners(&release), 3);
    let planned = plan(&PlanInput { hold: Some(wish(15_000)), ..input(&release) }).unwrap();
    let places: Vec<_> = planned.preview().unwrap().routes.iter().map(Route::place).collect();
    assert_eq!(
        places,
        [
            "127.0.0.1:15002/",
            "127.0.0.1:15000/",
            "127.0.0.1:15001 a.example/",
            "127.0.0.1:15001 b.example/",
        ]
    );
    let refused = plan(&PlanInput { hold: Some(wish(65_534)), ..input(&release) });
    assert!(matches!(refused, Err(PlanError::PreviewPorts { needed: 3, .. })), "{refused:?}");
}

#[test]
fn of_two_databases_that_an_abandoned_rollout_left_none_starts_beside_the_other() {
    let first = seal(shop(), 1);
    let db: ServiceName = "db".parse().unwrap();
    let left = |name: &str, revision: Revision, running| PresentStateful {
        service: db.clone(),
        name: name.to_owned(),
        revision,
        running,
    };
    let own = first.revision(&db).unwrap();
    let present = [
        left("shop-db-d1-1", own, false),
        left("shop-db-d2-1", Revision("of a release that never served".to_owned()), true),
    ];
    let plan = plan(&PlanInput {
        rollout: RolloutNumber(3),
        serving: Some(ServingRelease { release: &first, rollout: RolloutNumber(1) }),
        stateful: &present,
        ..input(&first)
    })
    .unwrap();
    let replaces = plan.steps.iter().find_map(|step| match step {
        Step::StartStateful { replaces, .. } => Some(replaces.clone()),
        _ => None,
    });
    assert_eq!(replaces, Some(vec!["shop-db-d2-1".to_owned()]), "its undo starts this one only");
    let linked = plan.steps.iter().any(|step| match step {
        Step::LinkStateful { links } => links.iter().any(|l| l.container == "shop-db-d1-1"),
        _ => false,
    });
    assert!(!linked);
}
