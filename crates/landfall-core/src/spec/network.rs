//! Networks of an app, and a service's place on one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::is_default;

/// A compose network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// No way out of the network.
    pub internal: bool,
    /// Driver options, as written.
    pub driver_opts: BTreeMap<String, String>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
    /// It exists under this name, is joined as it is, and is never made or removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Network driver; `None` is the engine's `bridge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Addresses that the file asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipam: Option<Ipam>,
    /// IPv6 beside IPv4.
    #[serde(default, skip_serializing_if = "is_default")]
    pub enable_ipv6: bool,
    /// Said to the engine; it means something to Swarm only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attachable: bool,
}

impl NetworkSpec {
    /// Whether it can exist only once on a host, because of its addresses or its driver. Such a
    /// network is made for the app, outlives releases, and is joined by all of its services; beside
    /// it each release still has a network of its own, on which names are resolved.
    pub fn is_held(&self) -> bool {
        self.external.is_none() && (self.driver.is_some() || self.ipam.is_some())
    }

    /// Tells one shape of a held network from the next, so that a changed one gets a new name.
    pub fn shape(&self) -> String {
        let made = (&self.internal, &self.driver_opts, &self.driver, &self.ipam, self.enable_ipv6);
        crate::hash::hash_json(&made)[..6].to_owned()
    }

    /// The IPv4 addresses that the file asks for.
    pub fn subnet(&self) -> Option<Ipv4Net> {
        self.ipam.iter().flat_map(|ipam| &ipam.pools).find_map(|pool| match pool.subnet {
            Some(IpNet::V4(subnet)) => Some(subnet),
            Some(IpNet::V6(_)) | None => None,
        })
    }
}

/// `ipam` of a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ipam {
    /// Address driver; `None` is the engine's own.
    pub driver: Option<String>,
    /// Its options.
    pub options: BTreeMap<String, String>,
    /// Subnets.
    pub pools: Vec<IpamPool>,
}

/// One entry of `ipam.config`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IpamPool {
    /// The subnet; `None` lets the engine choose.
    pub subnet: Option<IpNet>,
    /// Where the engine takes addresses from.
    pub ip_range: Option<IpNet>,
    /// The router's address.
    pub gateway: Option<IpAddr>,
    /// Addresses that others on the network have.
    pub aux_addresses: BTreeMap<String, IpAddr>,
}

/// A service's place on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkAttachment {
    /// Names beside the service's own.
    pub aliases: Vec<String>,
    /// A fixed address; never of a replicated service, which may be there twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// Networks of a higher priority are joined first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i64,
    /// Everything else.
    #[serde(default, skip_serializing_if = "is_default")]
    pub endpoint: EndpointSpec,
}

/// What else can be said of a container's place on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointSpec {
    /// A fixed IPv6 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<Ipv6Addr>,
    /// Link-local addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub link_local_ips: Vec<IpAddr>,
    /// Hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// The driver's options for this place.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
    /// The network of the highest one is the way out (engine 28 and newer).
    #[serde(skip_serializing_if = "is_default")]
    pub gw_priority: i64,
    /// `container:alias` of containers on the same network that landfall does not manage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

impl EndpointSpec {
    /// What may be there twice: without addresses.
    #[must_use]
    pub fn without_addresses(&self) -> Self {
        Self {
            ipv6_address: None,
            link_local_ips: Vec::new(),
            mac_address: None,
            driver_opts: self.driver_opts.clone(),
            gw_priority: self.gw_priority,
            links: self.links.clone(),
        }
    }
}
