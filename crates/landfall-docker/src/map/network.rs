//! Networks, and a container's place on one.

use std::collections::HashMap;

use bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest,
    NetworkCreateRequest, NetworkingConfig,
};
use ipnet::Ipv4Net;
use landfall_core::plan::Attachment;
use landfall_deploy::ports::NetworkRequest;

use super::{labels, to_hash_map, unless_empty};

/// A bridge with its own subnet.
pub(crate) fn create_body(request: &NetworkRequest) -> NetworkCreateRequest {
    let config = IpamConfig {
        subnet: Some(request.subnet.to_string()),
        gateway: Some(request.gateway.to_string()),
        ..IpamConfig::default()
    };
    NetworkCreateRequest {
        name: request.name.clone(),
        driver: Some("bridge".to_owned()),
        internal: Some(request.spec.internal),
        ipam: Some(Ipam { config: Some(vec![config]), ..Ipam::default() }),
        options: to_hash_map(&request.spec.driver_opts),
        labels: Some(labels(&request.labels, &request.spec.labels)),
        ..NetworkCreateRequest::default()
    }
}

/// A container joins a network.
pub(crate) fn connect_body(container: &str, attachment: &Attachment) -> NetworkConnectRequest {
    NetworkConnectRequest {
        container: container.to_owned(),
        endpoint_config: Some(endpoint(attachment)),
    }
}

/// The first network, named at create; before API 1.44 the engine takes no more than one there.
pub(super) fn at_create(first: Option<&Attachment>) -> Option<NetworkingConfig> {
    let first = first.filter(|attachment| !is_predefined(&attachment.network))?;
    let endpoints = HashMap::from([(first.network.clone(), endpoint(first))]);
    Some(NetworkingConfig { endpoints_config: Some(endpoints) })
}

/// The engine's own networks know neither aliases nor fixed addresses.
fn is_predefined(network: &str) -> bool {
    matches!(network, "host" | "none" | "bridge" | "default")
}

fn endpoint(attachment: &Attachment) -> EndpointSettings {
    EndpointSettings {
        ipam_config: attachment.address.map(|address| EndpointIpamConfig {
            ipv4_address: Some(address.to_string()),
            ..EndpointIpamConfig::default()
        }),
        aliases: unless_empty(&attachment.aliases),
        ..EndpointSettings::default()
    }
}

/// The first IPv4 subnet of a network.
pub(crate) fn subnet(ipam: Option<&Ipam>) -> Option<Ipv4Net> {
    let configs = ipam?.config.as_ref()?;
    configs.iter().find_map(|config| config.subnet.as_ref()?.parse().ok())
}
