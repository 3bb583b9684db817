//! How each service runs: replicated, singleton, stateful or one-off (DESIGN §4).
//!
//! What the file says under `x-landfall` wins; then what others wait for; then the image's name.

use std::collections::BTreeMap;

use landfall_core::id::ServiceName;
use landfall_core::spec::{Condition, Workload};

use super::references::Dependencies;
use super::{Scene, side_by_side};
use crate::decode::{Restart, ServiceDraft, Update};
use crate::report::Code;
use crate::source::Span;

/// Images that keep data and must not run twice on it, by the last part of their name.
const STATEFUL: &[&str] = &[
    "activemq-artemis",
    "arangodb",
    "beanstalkd",
    "cassandra",
    "clickhouse",
    "clickhouse-server",
    "cockroach",
    "consul",
    "couchbase",
    "couchdb",
    "cp-kafka",
    "cp-zookeeper",
    "dragonfly",
    "eclipse-mosquitto",
    "elasticsearch",
    "emqx",
    "etcd",
    "influxdb",
    "kafka",
    "keydb",
    "mariadb",
    "mariadb-galera",
    "meilisearch",
    "memcached",
    "minio",
    "mongo",
    "mongodb",
    "mongodb-community-server",
    "mysql",
    "mysql-server",
    "nats",
    "neo4j",
    "opensearch",
    "oracle-free",
    "oracle-xe",
    "percona",
    "percona-server",
    "pgvector",
    "postgis",
    "postgres",
    "postgresql",
    "prometheus",
    "qdrant",
    "rabbitmq",
    "redis",
    "redis-stack",
    "redis-stack-server",
    "redpanda",
    "rethinkdb",
    "scylla",
    "solr",
    "surrealdb",
    "timescaledb",
    "timescaledb-ha",
    "typesense",
    "valkey",
    "vault",
    "victoria-metrics",
    "weaviate",
    "zookeeper",
];

/// Whether an image is known to keep data.
pub fn keeps_data(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or(image);
    let last = name.rsplit('/').next().unwrap_or(name);
    let last = last.split(':').next().unwrap_or(last);
    STATEFUL.contains(&last) || name.contains("mssql/server")
}

/// Decides for every active service, and refuses what contradicts itself.
pub(super) fn classify(
    scene: &mut Scene<'_>,
    depends: &Dependencies,
) -> BTreeMap<ServiceName, Workload> {
    let mut workloads = BTreeMap::new();
    for (name, (at, service)) in scene.active {
        let awaited = awaited(name, depends);
        let workload = decide(scene, name, *at, service, &awaited);
        refuse_contradictions(scene, name, *at, service, workload, &awaited);
        workloads.insert(name.clone(), workload);
    }
    workloads
}

/// How others wait for a service.
#[derive(Default)]
struct Awaited {
    completed: Option<Span>,
    started: Option<Span>,
    healthy: bool,
}

fn awaited(name: &ServiceName, depends: &Dependencies) -> Awaited {
    let mut awaited = Awaited::default();
    for (at, dependency) in depends.values().filter_map(|waits| waits.get(name)) {
        match dependency.condition {
            Condition::ServiceCompletedSuccessfully => awaited.completed = Some(*at),
            Condition::ServiceStarted => awaited.started = Some(*at),
            Condition::ServiceHealthy => awaited.healthy = true,
        }
    }
    awaited
}

fn decide(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    at: Span,
    service: &ServiceDraft,
    awaited: &Awaited,
) -> Workload {
    let landfall = &service.landfall;
    if landfall.job.is_some() || awaited.completed.is_some() {
        return Workload::OneOff;
    }
    if landfall.singleton.is_some() {
        return Workload::Singleton;
    }
    let known = service.image.as_ref().is_some_and(|image| keeps_data(&image.value));
    match landfall.update.as_ref().map(|update| update.value) {
        Some(Update::InPlace) => return Workload::Stateful,
        Some(Update::Rolling) => return Workload::Replicated,
        None if known => return Workload::Stateful,
        None => {}
    }
    if let Some((at, why)) = side_by_side::obstacle(scene, service) {
        side_by_side::warn(scene, name, at, &why);
        return Workload::Stateful;
    }
    if ends_by_itself(service, awaited) {
        scene
            .report
            .warning(
                Code::Guessed,
                at,
                format!("`{name}` is run once a release, because of `restart: \"no\"`"),
            )
            .hint("write `x-landfall: {job: before-cutover}` if so, or another `restart` if not");
        return Workload::OneOff;
    }
    Workload::Replicated
}

/// Others wait for it to have started, it does not come back, and it serves nothing.
fn ends_by_itself(service: &ServiceDraft, awaited: &Awaited) -> bool {
    service.restart.as_ref().is_some_and(|restart| restart.value == Restart::No)
        && awaited.started.is_some()
        && !awaited.healthy
        && service.ports.is_empty()
        && service.expose.is_empty()
        && service.container.healthcheck.is_none()
        && service.landfall.routes.is_empty()
        && service.landfall.update.is_none()
}

fn refuse_contradictions(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    at: Span,
    service: &ServiceDraft,
    workload: Workload,
    awaited: &Awaited,
) {
    let landfall = &service.landfall;
    let job = landfall.job.or(awaited.completed);
    let in_place = landfall.update.as_ref().filter(|update| update.value == Update::InPlace);
    let rolling = landfall.update.as_ref().filter(|update| update.value == Update::Rolling);
    let pairs = [
        (job, landfall.singleton, "run once a release", "a singleton"),
        (job, landfall.update.as_ref().map(|u| u.span), "run once a release", "updated"),
        (landfall.singleton, in_place.map(|u| u.span), "a singleton", "replaced in place"),
        (landfall.singleton, rolling.map(|u| u.span), "a singleton", "updated beside itself"),
    ];
    for (first, second, one, other) in pairs {
        if let (Some(first), Some(second)) = (first, second) {
            let message = format!("`{name}` cannot be both {one} and {other}");
            scene
                .report
                .error(Code::Contradiction, second, message)
                .related(first, format!("this makes it {one}"));
        }
    }
    let replicas = service.replicas.as_ref().or(service.scale.as_ref());
    let Some(replicas) = replicas else { return };
    if replicas.value > 1 && workload != Workload::Replicated {
        let message = format!(
            "`{name}` is {}, so it cannot have {} replicas",
            described(workload),
            replicas.value
        );
        scene
            .report
            .error(Code::Contradiction, replicas.span, message)
            .related(why(service, awaited).unwrap_or(at), format!("it is {}", described(workload)));
    }
}

/// The place that makes a service what it is.
fn why(service: &ServiceDraft, awaited: &Awaited) -> Option<Span> {
    let landfall = &service.landfall;
    let said = landfall.job.or(awaited.completed).or(landfall.singleton);
    said.or_else(|| landfall.update.as_ref().map(|update| update.span))
        .or_else(|| service.image.as_ref().map(|image| image.span))
}

/// A workload in words, with its article.
pub(super) fn described(workload: Workload) -> &'static str {
    match workload {
        Workload::Replicated => "replicated",
        Workload::Singleton => "a singleton",
        Workload::Stateful => "stateful",
        Workload::OneOff => "run once a release",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_known_by_the_last_part_of_their_image() {
        let data = [
            "postgres",
            "postgres:16-alpine",
            "docker.io/library/postgres@sha256:ab",
            "registry:5000/team/redis:7",
            "postgis/postgis:15-3.4",
            "mcr.microsoft.com/mssql/server:2022-latest",
            "bitnami/mariadb",
        ];
        for image in data {
            assert!(keeps_data(image), "{image}");
        }
        for image in ["nginx", "my-postgres-backup", "redis/insight", "minio/mc", "postgres/app"] {
            assert!(!keeps_data(image), "{image}");
        }
    }
}
