//! Networks and volumes as defined at the top of the file.

use super::keys::Rule::{self, Take};
use super::networks::{NetworkDraft, VolumeDraft};
use super::{Decoder, Keys, ipam, landfall};
use crate::report::Code;
use crate::source::Spanned;
use crate::yaml::Entry;

const OWN_NAMES: &str = "every release gets networks of its own, with names of its own";

pub(super) const NETWORK: Keys<NetworkDraft> = Keys { owner: "a network", rules: NETWORK_RULES };
const NETWORK_RULES: &[(&str, Rule<NetworkDraft>)] = &[
    ("attachable", Take(|d, e, n| d.switch(e, &mut n.spec.attachable))),
    ("driver", Take(network_driver)),
    ("driver_opts", Take(|d, e, n| n.spec.driver_opts = d.pairs(&e.value))),
    ("enable_ipv4", Take(enable_ipv4)),
    ("enable_ipv6", Take(|d, e, n| d.switch(e, &mut n.spec.enable_ipv6))),
    ("external", Take(external_network)),
    ("internal", Take(|d, e, n| d.switch(e, &mut n.spec.internal))),
    ("ipam", Take(ipam::ipam)),
    ("labels", Take(|d, e, n| n.spec.labels = d.pairs(&e.value))),
    ("name", Take(|d, e, n| n.name = d.text(&e.value).map(|name| Spanned::new(name, e.key)))),
];

fn network_driver(d: &mut Decoder<'_>, entry: &Entry, network: &mut NetworkDraft) {
    let Some(driver) = d.text(&entry.value) else { return };
    let (why, instead) = match driver.as_str() {
        "bridge" | "default" | "" => return,
        "overlay" => (
            "an overlay needs Docker Swarm, and landfall works on one host",
            "leave the driver out to have a bridge",
        ),
        "host" | "none" => {
            ("it is a network of the engine", "write `network_mode` in the services instead")
        }
        _ => {
            network.spec.driver = Some(driver);
            return;
        }
    };
    d.refused("this network driver", entry.value.span, why, instead);
}

fn enable_ipv4(d: &mut Decoder<'_>, entry: &Entry, _: &mut NetworkDraft) {
    if d.boolean(&entry.value) == Some(false) {
        let why = "landfall finds its replicas by IPv4";
        d.refused("`enable_ipv4: false`", entry.key, why, "leave it out");
    }
}

fn external_network(d: &mut Decoder<'_>, entry: &Entry, network: &mut NetworkDraft) {
    let Some(name) = entry.value.get("name") else {
        if entry.value.as_mapping().is_some() || d.boolean(&entry.value) == Some(true) {
            network.external = Some(entry.key);
        }
        return;
    };
    // The old `external: {name: x}`.
    network.external = Some(entry.key);
    if network.name.is_none() {
        network.name = d.text(name).map(|text| Spanned::new(text, name.span));
    }
}

/// Once all of its keys are read.
pub(super) fn check_network(d: &mut Decoder<'_>, network: &NetworkDraft) {
    let name = network.name.as_ref();
    if network.external.is_none() {
        if let Some(name) = name {
            let message = format!("`name` is ignored: {OWN_NAMES}");
            d.report
                .warning(Code::Ignored, name.span, message)
                .hint("a network that other apps join is made outside, and is `external` here");
        }
        return;
    }
    if let Some(name) = name.filter(|n| matches!(&*n.value, "host" | "none" | "bridge")) {
        let why = "it knows neither names nor fixed addresses";
        d.refused(
            "a network of the engine's own",
            name.span,
            why,
            "write `network_mode` in the services instead",
        );
    }
}

pub(super) const VOLUME: Keys<VolumeDraft> = Keys { owner: "a volume", rules: VOLUME_RULES };
const VOLUME_RULES: &[(&str, Rule<VolumeDraft>)] = &[
    ("driver", Take(|d, e, v| v.driver = d.text(&e.value).map(|name| Spanned::new(name, e.key)))),
    ("driver_opts", Take(|d, e, v| v.driver_opts = d.pairs(&e.value))),
    ("external", Take(external_volume)),
    ("labels", Take(|d, e, v| v.labels = d.pairs(&e.value))),
    ("name", Take(|d, e, v| v.name = d.text(&e.value))),
    ("x-landfall", Take(landfall::volume)),
];

fn external_volume(d: &mut Decoder<'_>, entry: &Entry, volume: &mut VolumeDraft) {
    let Some(name) = entry.value.get("name") else {
        if d.boolean(&entry.value) == Some(true) {
            volume.external = Some(entry.key);
        }
        return;
    };
    // The old `external: {name: x}`.
    volume.external = Some(entry.key);
    if volume.name.is_none() {
        volume.name = d.text(name);
    }
}

/// An external volume exists already, so nothing can be said about how it is made.
pub(super) fn check_volume(d: &mut Decoder<'_>, volume: &VolumeDraft) {
    let Some(external) = volume.external else { return };
    let made =
        volume.driver.is_some() || !volume.driver_opts.is_empty() || !volume.labels.is_empty();
    if made {
        let message = format!("`{}` is external, so nothing else can be set but `name`", d.here());
        d.report.error(Code::Conflict, external, message);
    }
}
