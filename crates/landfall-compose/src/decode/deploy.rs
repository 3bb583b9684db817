//! `deploy`: replicas and resources count everywhere, the rest belongs to Docker Swarm.

use super::keys::Rule::{self, Ignored, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys, gpus, limits};
use crate::source::Spanned;
use crate::yaml::Entry;

/// Replicas of one service on one host.
const REPLICAS_MAX: u32 = 100;

const SWARM: &str = "it means something to Docker Swarm only";
const OWN_ROLLOUT: &str = "landfall rolls out by its own rules, see `x-landfall`";

pub(super) fn deploy(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.keys(&entry.value, &DEPLOY, service);
}

pub(super) fn replicas(d: &mut Decoder<'_>, entry: &Entry) -> Option<Spanned<u32>> {
    let count = d.count(&entry.value, 0, REPLICAS_MAX)?;
    Some(Spanned::new(count, entry.value.span))
}

const DEPLOY: Keys<ServiceDraft> = Keys { owner: "`deploy`", rules: DEPLOY_RULES };
const DEPLOY_RULES: &[(&str, Rule<ServiceDraft>)] = &[
    ("endpoint_mode", Ignored(SWARM)),
    ("labels", Ignored("labels of a Swarm service; labels of containers stand under `labels`")),
    ("mode", Take(mode)),
    ("placement", Ignored(SWARM)),
    ("replicas", Take(|d, e, s| s.replicas = replicas(d, e))),
    ("resources", Take(|d, e, s| d.keys(&e.value, &RESOURCES, s))),
    ("restart_policy", Ignored("landfall keeps services running by its own rules")),
    ("rollback_config", Ignored(OWN_ROLLOUT)),
    ("update_config", Ignored(OWN_ROLLOUT)),
];

const RESOURCES: Keys<ServiceDraft> = Keys {
    owner: "`deploy.resources`",
    rules: &[
        ("limits", Take(|d, e, s| d.keys(&e.value, &LIMITS, s))),
        ("reservations", Take(|d, e, s| d.keys(&e.value, &RESERVATIONS, s))),
    ],
};

const LIMITS: Keys<ServiceDraft> = Keys {
    owner: "`deploy.resources.limits`",
    rules: &[
        ("cpus", Take(|d, e, s| set(d, &mut s.limits.cpus, limits::cpus, e, "cpus"))),
        ("memory", Take(|d, e, s| set(d, &mut s.limits.memory, limits::memory, e, "mem_limit"))),
        ("pids", Take(|d, e, s| set(d, &mut s.limits.pids, limits::pids, e, "pids_limit"))),
    ],
};

const RESERVATIONS: Keys<ServiceDraft> = Keys {
    owner: "`deploy.resources.reservations`",
    rules: &[
        ("cpus", Ignored("the engine reserves no CPU; use `limits` or `cpu_shares`")),
        ("devices", Take(gpus::reserved)),
        ("generic_resources", Ignored(SWARM)),
        (
            "memory",
            Take(|d, e, s| {
                set(d, &mut s.limits.reservation, limits::memory, e, "mem_reservation");
            }),
        ),
    ],
};

/// Sets a limit that may stand beside the service too, and then must be the same.
fn set(
    d: &mut Decoder<'_>,
    into: &mut Option<Spanned<i64>>,
    read: fn(&mut Decoder<'_>, &Entry) -> Option<Spanned<i64>>,
    entry: &Entry,
    other: &str,
) {
    let Some(value) = read(d, entry) else { return };
    match into {
        Some(first) if first.value != value.value => {
            let message = format!("`{}` and `{other}` differ", d.here());
            let first = first.span;
            d.report
                .error(crate::report::Code::Conflict, value.span, message)
                .related(first, "the other value");
        }
        _ => *into = Some(value),
    }
}

fn mode(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    match d.text(&entry.value).as_deref() {
        Some("replicated") | None => {}
        Some("global") => {
            let how = "there is one host, so there is one replica";
            d.differently("`mode: global`", entry.value.span, how);
        }
        Some("replicated-job" | "global-job") => {
            let how = "the service is run once a release, before the cutover";
            d.differently("a Swarm job", entry.value.span, how);
            service.landfall.job.get_or_insert(entry.value.span);
        }
        Some(_) => {
            d.invalid(&entry.value, "must be `replicated`");
        }
    }
}
