//! Networks: what a service joins, and drafts of what the file defines.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use landfall_core::spec::{NetworkAttachment, NetworkSpec, VolumeScope};

use super::keys::Rule::{self, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::source::{Span, Spanned};
use crate::yaml::{Entry, Node};

/// A network that a service joins.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub(crate) network: Spanned<String>,
    pub(crate) place: NetworkAttachment,
    /// Addresses that only one container can have: the key, and its place.
    pub(crate) fixed: Vec<Spanned<&'static str>>,
}

/// A network as defined at the top of the file.
#[derive(Debug, Default)]
pub(crate) struct NetworkDraft {
    pub(crate) spec: NetworkSpec,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) external: Option<Span>,
}

/// A volume as defined at the top of the file.
#[derive(Debug, Default)]
pub(crate) struct VolumeDraft {
    pub(crate) name: Option<String>,
    pub(crate) external: Option<Span>,
    pub(crate) driver: Option<Spanned<String>>,
    pub(crate) driver_opts: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) scope: Option<Spanned<VolumeScope>>,
}

pub(super) fn attachments(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let mut networks = Vec::new();
    for (name, wanted) in d.mapping(&entry.value).into_iter().flatten() {
        let network = Spanned::new(name.to_string(), wanted.key);
        let mut joined = Joined { network, place: NetworkAttachment::default(), fixed: Vec::new() };
        if !wanted.value.is_null() {
            d.within(&**name, |d| d.keys(&wanted.value, &ATTACHMENT, &mut joined));
        }
        networks.push(joined);
    }
    service.networks = Some(networks);
}

/// What engines from 28 on name an interface by.
const INTERFACE: &str = "com.docker.network.endpoint.ifname";

const ATTACHMENT: Keys<Joined> =
    Keys { owner: "the network of a service", rules: ATTACHMENT_RULES };
const ATTACHMENT_RULES: &[(&str, Rule<Joined>)] = &[
    ("aliases", Take(|d, e, j| j.place.aliases = d.texts(&e.value))),
    ("driver_opts", Take(|d, e, j| j.place.endpoint.driver_opts.extend(d.pairs(&e.value)))),
    (
        "gw_priority",
        Take(|d, e, j| j.place.endpoint.gw_priority = d.integer(&e.value).unwrap_or(0)),
    ),
    (
        "interface_name",
        Take(|d, e, j| {
            let name = d.text(&e.value).map(|name| (INTERFACE.to_owned(), name));
            j.place.endpoint.driver_opts.extend(name);
        }),
    ),
    (
        "ipv4_address",
        Take(|d, e, j| {
            j.place.address = address(d, &e.value);
            j.fixed.push(Spanned::new("ipv4_address", e.key));
        }),
    ),
    (
        "ipv6_address",
        Take(|d, e, j| {
            j.place.endpoint.ipv6_address = address(d, &e.value);
            j.fixed.push(Spanned::new("ipv6_address", e.key));
        }),
    ),
    (
        "link_local_ips",
        Take(|d, e, j| {
            d.each(&e.value, |d, item| {
                j.place.endpoint.link_local_ips.extend(address::<IpAddr>(d, item));
            });
            j.fixed.push(Spanned::new("link_local_ips", e.key));
        }),
    ),
    (
        "mac_address",
        Take(|d, e, j| {
            j.place.endpoint.mac_address = d.text(&e.value);
            j.fixed.push(Spanned::new("mac_address", e.key));
        }),
    ),
    ("priority", Take(|d, e, j| j.place.priority = d.integer(&e.value).unwrap_or(0))),
];

/// An address, or a subnet.
pub(super) fn address<T: FromStr>(d: &mut Decoder<'_>, node: &Node) -> Option<T> {
    let text = d.text(node)?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        d.invalid(node, "is no address of this kind");
    }
    parsed
}
