//! Networks: what a service joins, and drafts of what the file defines.

use std::collections::BTreeMap;

use landfall_core::spec::{NetworkAttachment, NetworkSpec, VolumeScope};

use super::keys::Rule::{self, NotYet, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::source::{Span, Spanned};
use crate::yaml::Entry;

/// `network_mode`, as far as it is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetworkMode {
    /// No network at all.
    None,
    /// The engine's default, which for an app is its `default` network.
    Bridge,
}

/// A network as defined at the top of the file.
#[derive(Debug, Default)]
pub(crate) struct NetworkDraft {
    pub(crate) spec: NetworkSpec,
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

const FIXED: &str = "two releases cannot have one address; use the name of the service instead";

pub(super) fn attachments(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let mut networks = Vec::new();
    for (name, wanted) in d.mapping(&entry.value).into_iter().flatten() {
        let mut attachment = NetworkAttachment::default();
        if !wanted.value.is_null() {
            d.within(&**name, |d| d.keys(&wanted.value, &ATTACHMENT, &mut attachment));
        }
        networks.push((Spanned::new(name.to_string(), wanted.key), attachment));
    }
    service.networks = Some(networks);
}

const ATTACHMENT: Keys<NetworkAttachment> =
    Keys { owner: "the network of a service", rules: ATTACHMENT_RULES };
const ATTACHMENT_RULES: &[(&str, Rule<NetworkAttachment>)] = &[
    ("aliases", Take(|d, e, a| a.aliases = d.texts(&e.value))),
    ("driver_opts", NotYet("")),
    ("gw_priority", NotYet("")),
    ("interface_name", NotYet("")),
    ("ipv4_address", NotYet(FIXED)),
    ("ipv6_address", NotYet(FIXED)),
    ("link_local_ips", NotYet(FIXED)),
    ("mac_address", NotYet(FIXED)),
    ("priority", NotYet("")),
];

pub(super) fn network_mode(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let Some(text) = d.text(&entry.value) else { return };
    let mode = match text.as_str() {
        "none" => NetworkMode::None,
        "bridge" | "default" => NetworkMode::Bridge,
        "host" => {
            let hint = "publish ports instead: two releases cannot listen on one host port";
            d.not_yet("`network_mode: host`", entry.value.span, hint);
            return;
        }
        other => {
            let other = ["service", "container"].iter().find(|kind| other.starts_with(**kind));
            let what =
                format!("`network_mode: {}`", other.map_or("…".into(), |o| format!("{o}:…")));
            d.not_yet(&what, entry.value.span, "use `networks`");
            return;
        }
    };
    service.network_mode = Some(Spanned::new(mode, entry.value.span));
}
