//! What the engine tells of one container, in our words.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, RestartPolicyNameEnum};
use landfall_deploy::ports::{ReplicaStatus, Status};

use crate::map;

/// Docker's zero time: never.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(crate) fn labels_of(seen: &ContainerInspectResponse) -> Option<&HashMap<String, String>> {
    seen.config.as_ref()?.labels.as_ref()
}

pub(crate) fn policy(seen: &ContainerInspectResponse) -> Option<RestartPolicyNameEnum> {
    seen.host_config.as_ref()?.restart_policy.as_ref()?.name
}

fn state(seen: &ContainerInspectResponse) -> ContainerStateStatusEnum {
    let state = seen.state.as_ref().and_then(|state| state.status);
    state.unwrap_or(ContainerStateStatusEnum::EMPTY)
}

pub(crate) fn is_going(seen: &ContainerInspectResponse) -> bool {
    matches!(state(seen), ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD)
}

pub(crate) fn status(seen: &ContainerInspectResponse) -> Status {
    use ContainerStateStatusEnum as State;
    match state(seen) {
        State::CREATED => Status::Created,
        State::RUNNING | State::PAUSED | State::STOPPING => Status::Running,
        State::RESTARTING => Status::Restarting,
        State::EXITED | State::REMOVING | State::DEAD | State::EMPTY => Status::Exited,
    }
}

/// A close look, in the port's words.
pub(crate) fn replica_status(seen: &ContainerInspectResponse) -> ReplicaStatus {
    let status = status(seen);
    let state = seen.state.as_ref();
    let started = state
        .and_then(|state| state.started_at.as_deref())
        .is_some_and(|at| !at.is_empty() && at != NEVER);
    // The engine counts restarts, and counts one as soon as it has decided on it: while it runs or
    // waits to run again, every exit is counted; the last one, after which it stays down, is not.
    let restarts = seen.restart_count.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let last = u32::from(started && matches!(status, Status::Exited));
    let down = started && !matches!(status, Status::Running);
    let networks = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let address = |ip: &Option<String>| ip.as_ref()?.parse::<Ipv4Addr>().ok();
    ReplicaStatus {
        id: seen.id.clone().unwrap_or_default(),
        labels: map::our_labels(labels_of(seen)),
        status,
        exits: restarts.saturating_add(last),
        exit_code: state.filter(|_| down).and_then(|state| state.exit_code),
        addresses: networks
            .into_iter()
            .flatten()
            .filter_map(|(name, endpoint)| Some((name.clone(), address(&endpoint.ip_address)?)))
            .collect(),
    }
}
