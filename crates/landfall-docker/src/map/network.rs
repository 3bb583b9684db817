//! Networks, and a container's place on one.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest,
    NetworkCreateRequest, NetworkingConfig,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use landfall_core::plan::Attachment;
use landfall_core::spec::IpamPool;
use landfall_deploy::ports::NetworkRequest;

use super::{labels, to_hash_map, unless_empty};

/// A network with the addresses that the file asks for, else with those that we chose.
pub(crate) fn create_body(request: &NetworkRequest) -> NetworkCreateRequest {
    let spec = &request.spec;
    let wished = spec.ipam.iter().flat_map(|ipam| &ipam.pools);
    let mut pools: Vec<_> = wished.filter(|pool| pool.subnet.is_some()).map(pool).collect();
    let has = |v6: bool| {
        let mut subnets = spec.ipam.iter().flat_map(|ipam| &ipam.pools).filter_map(|p| p.subnet);
        subnets.any(|subnet| matches!(subnet, IpNet::V6(_)) == v6)
    };
    if !has(false) {
        pools.push(IpamConfig {
            subnet: Some(request.subnet.to_string()),
            gateway: Some(request.gateway.to_string()),
            ..IpamConfig::default()
        });
    }
    if spec.enable_ipv6 && !has(true) {
        // Engines before 27 choose none by themselves.
        let subnet = Some(local_subnet(&request.name).to_string());
        pools.push(IpamConfig { subnet, ..IpamConfig::default() });
    }
    NetworkCreateRequest {
        name: request.name.clone(),
        driver: Some(spec.driver.clone().unwrap_or_else(|| "bridge".to_owned())),
        internal: Some(spec.internal),
        attachable: spec.attachable.then_some(true),
        enable_ipv6: spec.enable_ipv6.then_some(true),
        ipam: Some(Ipam {
            driver: spec.ipam.as_ref().and_then(|ipam| ipam.driver.clone()),
            config: Some(pools),
            options: spec.ipam.as_ref().and_then(|ipam| to_hash_map(&ipam.options)),
        }),
        options: to_hash_map(&spec.driver_opts),
        labels: Some(labels(&request.labels, &spec.labels)),
        ..NetworkCreateRequest::default()
    }
}

fn pool(pool: &IpamPool) -> IpamConfig {
    let auxiliary = pool.aux_addresses.iter().map(|(name, ip)| (name.clone(), ip.to_string()));
    let auxiliary: HashMap<_, _> = auxiliary.collect();
    IpamConfig {
        subnet: pool.subnet.map(|subnet| subnet.to_string()),
        ip_range: pool.ip_range.map(|range| range.to_string()),
        gateway: pool.gateway.map(|gateway| gateway.to_string()),
        auxiliary_addresses: unless_empty(&auxiliary),
    }
}

/// A /64 of the unique local addresses (RFC 4193), by the network's name: 56 bits of its hash, so
/// that two seldom meet.
fn local_subnet(name: &str) -> Ipv6Net {
    let digest = landfall_core::hash::sha256_hex(name.as_bytes());
    let bits = u128::from_str_radix(&digest[..14], 16).expect("14 hexadecimal digits");
    let prefix = Ipv6Addr::from((0xfd_u128 << 120) | (bits << 64));
    Ipv6Net::new_assert(prefix, 64)
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
    let more = &attachment.endpoint;
    let addresses = EndpointIpamConfig {
        ipv4_address: attachment.address.map(|address| address.to_string()),
        ipv6_address: more.ipv6_address.map(|address| address.to_string()),
        link_local_ips: unless_empty(
            &more.link_local_ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ),
    };
    EndpointSettings {
        ipam_config: (addresses != EndpointIpamConfig::default()).then_some(addresses),
        aliases: unless_empty(&attachment.aliases),
        links: unless_empty(&more.links),
        mac_address: more.mac_address.clone(),
        driver_opts: to_hash_map(&more.driver_opts),
        gw_priority: (more.gw_priority != 0).then_some(more.gw_priority),
        ..EndpointSettings::default()
    }
}

/// The first IPv4 subnet of a network.
pub(crate) fn subnet(ipam: Option<&Ipam>) -> Option<Ipv4Net> {
    let configs = ipam?.config.as_ref()?;
    configs.iter().find_map(|config| config.subnet.as_ref()?.parse().ok())
}
