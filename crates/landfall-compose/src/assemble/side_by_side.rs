//! What cannot live beside a second release of itself, and is therefore replaced in place.

use landfall_core::id::ServiceName;
use landfall_core::spec::{Namespace, Protocol};

use super::Scene;
use crate::decode::{NetworkMode, ServiceDraft};
use crate::report::Code;
use crate::source::Span;

/// The first thing that a service cannot have twice: its place, and why.
pub(super) fn obstacle(scene: &Scene<'_>, service: &ServiceDraft) -> Option<(Span, String)> {
    if let Some(mode) = &service.network_mode
        && let NetworkMode::Shared(namespace) = &mode.value
    {
        let whose = match namespace {
            Namespace::Host => Some("the host's network"),
            Namespace::Container(_) => Some("the network of another container"),
            Namespace::Service(_) | Namespace::Private | Namespace::Shareable | Namespace::None => {
                None
            }
        };
        if let Some(whose) = whose {
            return Some((mode.span, format!("two releases cannot listen on {whose}")));
        }
    }
    let udp = service.ports.iter().find(|port| port.value.protocol == Protocol::Udp);
    if let Some(port) = udp {
        return Some((port.span, "two releases cannot share a UDP port".to_owned()));
    }
    if let Some(device) = service.exclusive_devices.first() {
        return Some((*device, "two releases cannot share this device".to_owned()));
    }
    for joined in service.networks.iter().flatten() {
        let key = joined.network.value.parse().ok();
        let network = key.and_then(|key: landfall_core::id::Key| scene.draft.networks.get(&key));
        let external = network.is_some_and(|(_, network)| network.external.is_some());
        if let Some(fixed) = joined.fixed.first().filter(|_| external) {
            let network = &joined.network.value;
            let why = format!("two releases cannot have one address on the network `{network}`");
            return Some((fixed.span, why));
        }
    }
    None
}

/// Says it: the service does not answer while it is replaced.
pub(super) fn warn(scene: &mut Scene<'_>, name: &ServiceName, at: Span, why: &str) {
    scene
        .report
        .warning(Code::SideBySide, at, format!("`{name}` is replaced in place: {why}"))
        .hint("write `x-landfall: {update: in-place}` to say that this is meant");
}
