//! Tables over plans: which steps, in which order, with the pivot where it belongs.

use std::collections::BTreeMap;

use super::*;
use crate::id::ImageId;
use crate::release::SealedImage;
use crate::spec::{AppSpec, Condition, Dependency, NetworkAttachment, ServiceSpec};
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
        Step::StartStateful { replica, replaces } => Some((replica, replaces)),
        _ => None,
    });
    let (replica, replaces) = start.unwrap();
    assert_eq!(replaces, &["shop-db-d1-1".to_owned()]);
    let joined: Vec<_> = replica.attachments.iter().map(|a| a.network.as_str()).collect();
    assert_eq!(joined, ["landfall-shop-default", "landfall-shop-default-d1"]);
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
