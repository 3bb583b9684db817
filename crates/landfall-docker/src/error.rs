//! What an engine's failure means to the transaction: which kind, with which effect, and whether to
//! try again. Pure; the messages are those of Docker Engine 20.10 to 28.5.

use std::time::Duration;

use bollard::errors::Error;
use landfall_core::record::{Effect, Retry};
use landfall_deploy::ports::{EngineError, EngineErrorKind as Kind};

/// The engine was started while `containerd` was away, and can do nothing with what runs.
const HAS_NO_TASK: &str = "has no containerd Task set";

/// What kind of call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A question: never has an effect.
    Ask,
    /// A change: without an answer it may have happened.
    Change,
}

impl Call {
    fn in_doubt(self) -> Effect {
        match self {
            Self::Ask => Effect::None,
            Self::Change => Effect::Unknown,
        }
    }
}

fn error(kind: Kind, effect: Effect, retry: Retry, message: impl Into<String>) -> EngineError {
    EngineError { kind, effect, retry, message: message.into() }
}

/// A request that makes no sense, found before it was sent.
pub(crate) fn invalid(message: impl Into<String>) -> EngineError {
    error(Kind::Invalid, Effect::None, Retry::Never, message)
}

/// Taken by something that is not ours.
pub(crate) fn conflict(message: impl Into<String>) -> EngineError {
    error(Kind::Conflict, Effect::None, Retry::Never, message)
}

/// Nothing there of that name.
pub(crate) fn not_found(message: impl Into<String>) -> EngineError {
    error(Kind::NotFound, Effect::None, Retry::Never, message)
}

/// Not in a state for it now; nothing was done.
pub(crate) fn not_now(message: impl Into<String>) -> EngineError {
    error(Kind::Internal, Effect::None, Retry::Later, message)
}

/// No answer in time.
pub(crate) fn timeout(call: Call, limit: Duration) -> EngineError {
    let message = format!("the engine did not answer within {} s", limit.as_secs());
    error(Kind::Timeout, call.in_doubt(), Retry::Later, message)
}

/// `None` for an engine that knows no such thing.
pub(crate) fn none_if_missing<T>(result: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What bollard's error means.
pub(crate) fn of(call: Call, failed: &Error) -> EngineError {
    match failed {
        Error::DockerResponseServerError { status_code, message } => {
            answered(call, *status_code, message)
        }
        Error::DockerStreamError { error } => answered(call, 500, error),
        Error::DockerContainerWaitError { error: message, .. } => answered(call, 500, message),
        Error::RequestTimeoutError => {
            error(Kind::Timeout, call.in_doubt(), Retry::Later, "the engine did not answer in time")
        }
        Error::SocketNotFoundError(path) => unreachable(&format!("no socket at {path}")),
        Error::HyperLegacyError { err } if err.is_connect() => unreachable(&root_cause(err)),
        Error::HyperLegacyError { err } => dropped(call, err),
        Error::HyperResponseError { err } => dropped(call, err),
        Error::IOError { err } => dropped(call, err),
        other => error(Kind::Internal, call.in_doubt(), Retry::Later, other.to_string()),
    }
}

fn unreachable(why: &str) -> EngineError {
    let message = format!("the engine cannot be reached: {why}");
    error(Kind::Unreachable, Effect::None, Retry::Later, message)
}

fn dropped(call: Call, why: &dyn std::error::Error) -> EngineError {
    let message = format!("the engine broke off: {}", root_cause(why));
    error(Kind::Unreachable, call.in_doubt(), Retry::Later, message)
}

fn root_cause(mut error: &dyn std::error::Error) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// What the engine's own answer means.
fn answered(call: Call, status: u16, message: &str) -> EngineError {
    let none = |kind, retry| error(kind, Effect::None, retry, message);
    if is_port_taken(message) {
        return none(Kind::PortTaken, Retry::Never);
    }
    if is_address_conflict(message) {
        return none(Kind::Conflict, Retry::Never);
    }
    if message.contains(HAS_NO_TASK) {
        let message = format!("{message}: restart the engine");
        return error(Kind::LostTrack, Effect::None, Retry::Later, message);
    }
    match status {
        404 => none(Kind::NotFound, Retry::Never),
        409 if is_passing(message) => none(Kind::Conflict, Retry::Later),
        403 if has_members(message) => none(Kind::Conflict, Retry::Later),
        409 => none(Kind::Conflict, Retry::Never),
        403 if message.contains("already exists") => none(Kind::Conflict, Retry::Never),
        400..=499 => none(Kind::Invalid, Retry::Never),
        _ if is_refused_process(message) => none(Kind::Invalid, Retry::Never),
        // Newer engines look for the container whose network is to be joined only at the start.
        _ if message.contains("No such container") => none(Kind::NotFound, Retry::Never),
        _ => error(Kind::Internal, call.in_doubt(), Retry::Later, message),
    }
}

/// A published host port: by another container, or (`bind:`, `host port`) by another process.
fn is_port_taken(message: &str) -> bool {
    message.contains("port is already allocated")
        || message.contains("bind: address already in use")
        || (message.contains("host port") && message.contains("address already in use"))
}

/// A fixed address, or a subnet, that something else has.
fn is_address_conflict(message: &str) -> bool {
    message.contains("Address already in use")
        || message.contains("Pool overlaps with other one")
        || message.contains("conflicts with existing route")
        || message.contains("cannot create network") && message.contains("conflicts with network")
}

/// The engine is about to finish something that stands in the way.
pub(crate) fn is_passing(message: &str) -> bool {
    message.contains("already in progress") || message.contains("marked for removal")
}

/// A network cannot go while containers are on it.
pub(crate) fn has_members(message: &str) -> bool {
    message.contains("active endpoints")
}

/// An interface in the container is in the way of a join.
pub(crate) fn is_interface_taken(message: &str) -> bool {
    message.contains("file exists")
}

/// The network has an endpoint of the container already.
pub(crate) fn is_endpoint_taken(message: &str) -> bool {
    message.contains("endpoint with name")
}

/// The container is not on the network that it should leave.
pub(crate) fn is_not_joined(message: &str) -> bool {
    message.contains("not connected to")
}

/// The container's own process could not be started: the same call will never do.
fn is_refused_process(message: &str) -> bool {
    message.contains("OCI runtime create failed")
        || message.contains("OCI runtime exec failed")
        // What is asked for, and this host has not.
        || message.contains("could not select device driver")
        || message.contains("CDI device injection failed")
        || message.contains("but it is not a shared")
        // A user or a group that the image does not have.
        || message.contains("no matching entries in")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, the engine's words, and what follows from them for a change.
    const ANSWERS: &[(u16, &str, Kind, Effect, Retry)] = &[
        // 28.5, started while containerd was away
        (
            500,
            "container 03b8 is in Running state but has no containerd Task set",
            Kind::LostTrack,
            Effect::None,
            Retry::Later,
        ),
        // 20.10, another container has the port
        (
            500,
            "driver failed programming external connectivity on endpoint web (0f3a): Bind for 0.0.0.0:80 failed: port is already allocated",
            Kind::PortTaken,
            Effect::None,
            Retry::Never,
        ),
        // 20.10, another process has it
        (
            500,
            "driver failed programming external connectivity on endpoint web (0f3a): Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
            Kind::PortTaken,
            Effect::None,
            Retry::Never,
        ),
        // 28.5
        (
            500,
            "failed to set up container networking: driver failed programming external connectivity on endpoint web (0f3a): failed to bind host port for 0.0.0.0:80:172.18.0.2:80/tcp: address already in use",
            Kind::PortTaken,
            Effect::None,
            Retry::Never,
        ),
        (
            500,
            "failed to set up container networking: driver failed programming external connectivity on endpoint web (0f3a): Bind for 0.0.0.0:80 failed: port is already allocated",
            Kind::PortTaken,
            Effect::None,
            Retry::Never,
        ),
        // A GPU on a host without one
        (
            500,
            "could not select device driver \"\" with capabilities: [[gpu]]",
            Kind::Invalid,
            Effect::None,
            Retry::Never,
        ),
        (
            500,
            "joining network namespace of container: No such container: shop-vpn-d1-1",
            Kind::NotFound,
            Effect::None,
            Retry::Never,
        ),
        // A fixed address
        (403, "Address already in use", Kind::Conflict, Effect::None, Retry::Never),
        (
            500,
            "failed to set up container networking: Address already in use",
            Kind::Conflict,
            Effect::None,
            Retry::Never,
        ),
        (
            403,
            "Pool overlaps with other one on this address space",
            Kind::Conflict,
            Effect::None,
            Retry::Never,
        ),
        (
            403,
            "cannot create network 0f3a (br-0f3a): conflicts with network 1b2c (br-1b2c): networks have overlapping IPv4",
            Kind::Conflict,
            Effect::None,
            Retry::Never,
        ),
        (
            409,
            "network with name shop_d1 already exists",
            Kind::Conflict,
            Effect::None,
            Retry::Never,
        ),
        (
            409,
            "removal of container 0f3a is already in progress",
            Kind::Conflict,
            Effect::None,
            Retry::Later,
        ),
        (
            409,
            "container is marked for removal and cannot be started",
            Kind::Conflict,
            Effect::None,
            Retry::Later,
        ),
        (
            403,
            "error while removing network: network n id 0f3a has active endpoints",
            Kind::Conflict,
            Effect::None,
            Retry::Later,
        ),
        (
            409,
            "Conflict. The container name \"/x\" is already in use by container \"0f3a\". You have to remove (or rename) that container to be able to reuse that name.",
            Kind::Conflict,
            Effect::None,
            Retry::Never,
        ),
        (
            403,
            "endpoint with name x already exists in network n",
            Kind::Conflict,
            Effect::None,
            Retry::Never,
        ),
        (404, "No such image: sha256:0f3a", Kind::NotFound, Effect::None, Retry::Never),
        (400, "invalid reference format", Kind::Invalid, Effect::None, Retry::Never),
        (
            403,
            "user specified IP address is supported only when connecting to networks with user configured subnets",
            Kind::Invalid,
            Effect::None,
            Retry::Never,
        ),
        (
            500,
            "OCI runtime create failed: runc create failed: unable to start container process: exec: \"nope\": executable file not found in $PATH: unknown",
            Kind::Invalid,
            Effect::None,
            Retry::Never,
        ),
        (
            500,
            "write /var/lib/docker/x: no space left on device",
            Kind::Internal,
            Effect::Unknown,
            Retry::Later,
        ),
        (503, "This node is not a swarm manager", Kind::Internal, Effect::Unknown, Retry::Later),
    ];

    #[test]
    fn every_answer_has_its_kind_effect_and_retry() {
        for (status, message, kind, effect, retry) in ANSWERS {
            let seen = answered(Call::Change, *status, message);
            assert_eq!((&seen.kind, &seen.effect, &seen.retry), (kind, effect, retry), "{message}");
            assert!(seen.message.starts_with(message), "{}", seen.message);
        }
    }

    #[test]
    fn a_question_has_no_effect_and_a_change_without_an_answer_is_in_doubt() {
        for call in [Call::Ask, Call::Change] {
            let dropped = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            for failed in [Error::RequestTimeoutError, Error::IOError { err: dropped }] {
                let seen = of(call, &failed);
                assert_eq!((seen.effect, seen.retry), (call.in_doubt(), Retry::Later), "{seen}");
            }
            assert_eq!(timeout(call, Duration::from_secs(30)).effect, call.in_doubt());
            let seen = of(call, &Error::SocketNotFoundError("/run/x".into()));
            assert_eq!((seen.kind, seen.effect), (Kind::Unreachable, Effect::None));
        }
    }
}
