//! Rows of a service: networks, ports and names; and of the networks themselves.

use super::row::{Row, rows};

const EDGE: &str = "landfall's edge serves it on that address of the host, so that two releases can live side by \
     side; stateful services publish it themselves, and a service with a UDP port is replaced in place";
const OWN_NETWORK: &str = "every release has a network of its own, in which its services find each other and the \
     stateful ones";
const HELD: &str = "a network that can exist only once is made for the app and joined by all releases; beside it \
     each release has one of its own, in which names are resolved";
const ADDRESSES: &str = "given to services that run once; a replicated service lives twice during a deploy and gets \
     another address, on an external network it is replaced in place";

pub(super) const SERVICE: &[Row] = rows! {
    "services.*.ports": Differently(EDGE), Yes, "ports that are published on the host";
    "services.*.ports.*.target": Yes, Yes, "the port inside";
    "services.*.ports.*.published": Yes, Partly("one number"), "the port of the host";
    "services.*.ports.*.host_ip": Yes, Refused, "the address of the host";
    "services.*.ports.*.protocol": Yes, Yes, "`tcp` or `udp`";
    "services.*.ports.*.mode": Yes, Yes, "a matter of Swarm's own routing";
    "services.*.ports.*.name": Yes, Refused, "a name for people";
    "services.*.ports.*.app_protocol": Ignored("the edge tells HTTP from TCP by itself"), Refused, "the protocol above TCP";
    "services.*.expose": Differently("it opens nothing, as in Compose; without a published port it says where to ask for health"), Ignored, "ports for other services";
    "services.*.dns": Yes, Yes, "DNS servers";
    "services.*.dns_search": Yes, Yes, "DNS search domains";
    "services.*.dns_opt": Yes, Refused, "options of the resolver";
    "services.*.extra_hosts": Yes, Yes, "lines of `/etc/hosts`";
    "services.*.mac_address": Differently(ADDRESSES), Ignored, "its MAC address";
    "services.*.network_mode": Differently("of a service: this release's container, and both run alike, and what lives in another loses its network when the engine restarts that one by itself; with the host's or another container's it is replaced in place; a name of a network is refused, join it as an external one"), Ignored, "another network than those of the app";
    "services.*.networks": Differently(OWN_NETWORK), Yes, "the networks that it joins";
    "services.*.networks.*.aliases": Yes, Yes, "other names on this network";
    "services.*.networks.*.driver_opts": Yes, Yes, "options of the driver for this endpoint";
    "services.*.networks.*.gw_priority": Differently("Docker Engine 28 or newer; older ones are refused"), Refused, "which network has the default gateway";
    "services.*.networks.*.interface_name": Differently("Docker Engine 28 or newer; older ones are refused"), Refused, "the name of the interface";
    "services.*.networks.*.ipv4_address": Differently(ADDRESSES), Ignored, "a fixed address";
    "services.*.networks.*.ipv6_address": Differently(ADDRESSES), Ignored, "a fixed IPv6 address";
    "services.*.networks.*.link_local_ips": Differently(ADDRESSES), Refused, "link-local addresses";
    "services.*.networks.*.mac_address": Differently(ADDRESSES), Refused, "a fixed MAC address";
    "services.*.networks.*.priority": Yes, Refused, "the order in which networks are joined";
};

pub(super) const TOP: &[Row] = rows! {
    "networks": Differently(OWN_NETWORK), Yes, "networks of the app";
    "networks.*.name": Ignored("every release gets networks of its own, with names of its own"), Yes, "the name of the network";
    "networks.*.driver": Differently(HELD), Yes, "the driver";
    "networks.*.driver_opts": Yes, Yes, "options of the driver";
    "networks.*.attachable": Yes, Yes, "whether containers outside of services may join";
    "networks.*.enable_ipv4": Differently("`false` is refused: landfall finds its replicas by IPv4"), Refused, "whether it has IPv4 addresses";
    "networks.*.enable_ipv6": Yes, Refused, "whether it has IPv6 addresses";
    "networks.*.external": Differently("it is joined as it is; a replicated service gets its names there when it is ready, shortly before the cutover"), Yes, "it exists already";
    "networks.*.external.name": Yes, Yes, "its name, the old way";
    "networks.*.internal": Yes, Yes, "keeps it from the outside world";
    "networks.*.labels": Yes, Yes, "labels of the network";
    "networks.*.ipam": Differently(HELD), Yes, "how addresses are given";
    "networks.*.ipam.driver": Yes, Yes, "who gives them";
    "networks.*.ipam.options": Yes, Refused, "options of that driver";
    "networks.*.ipam.config": Yes, Yes, "pools of addresses";
    "networks.*.ipam.config.*.subnet": Yes, Yes, "the subnet";
    "networks.*.ipam.config.*.ip_range": Yes, Refused, "the part of it that containers get";
    "networks.*.ipam.config.*.gateway": Yes, Refused, "the address of the gateway";
    "networks.*.ipam.config.*.aux_addresses": Yes, Refused, "addresses that are taken";
};
