//! Networks and volumes as defined at the top of the file.

use super::keys::Rule::{self, Ignored, Take};
use super::networks::{NetworkDraft, VolumeDraft};
use super::{Decoder, Keys, landfall};
use crate::report::Code;
use crate::source::Spanned;
use crate::yaml::Entry;

const OWN_SUBNETS: &str =
    "every release gets networks of its own, with subnets from landfall's pool";

pub(super) const NETWORK: Keys<NetworkDraft> = Keys { owner: "a network", rules: NETWORK_RULES };
const NETWORK_RULES: &[(&str, Rule<NetworkDraft>)] = &[
    ("attachable", Ignored("it means something to Docker Swarm only")),
    ("driver", Take(network_driver)),
    ("driver_opts", Take(|d, e, n| n.spec.driver_opts = d.pairs(&e.value))),
    ("enable_ipv4", Take(|d, e, _| must_be(d, e, true))),
    ("enable_ipv6", Take(|d, e, _| must_be(d, e, false))),
    ("external", Take(external_network)),
    ("internal", Take(|d, e, n| d.switch(e, &mut n.spec.internal))),
    ("ipam", Take(ipam)),
    ("labels", Take(|d, e, n| n.spec.labels = d.pairs(&e.value))),
    ("name", Ignored("every release gets networks of its own, with names of its own")),
];

fn network_driver(d: &mut Decoder<'_>, entry: &Entry, _: &mut NetworkDraft) {
    match d.text(&entry.value).as_deref() {
        None | Some("bridge" | "default" | "") => {}
        Some(driver) => {
            let hint = "networks are bridges on one host";
            d.not_yet(&format!("the network driver `{driver}`"), entry.value.span, hint);
        }
    }
}

fn must_be(d: &mut Decoder<'_>, entry: &Entry, only: bool) {
    if d.boolean(&entry.value) == Some(!only) {
        d.not_yet(
            &format!("`{}: {}`", d.path.last().cloned().unwrap_or_default(), !only),
            entry.key,
            "",
        );
    }
}

fn external_network(d: &mut Decoder<'_>, entry: &Entry, _: &mut NetworkDraft) {
    if entry.value.as_mapping().is_some() || d.boolean(&entry.value) == Some(true) {
        d.not_yet("an external network", entry.key, "leave out `external` to have it made");
    }
}

/// The engine's own driver without wishes is what landfall does anyway.
fn ipam(d: &mut Decoder<'_>, entry: &Entry, _: &mut NetworkDraft) {
    for (name, part) in d.mapping(&entry.value).into_iter().flatten() {
        let empty = part.value.is_null()
            || part.value.as_sequence().is_some_and(<[_]>::is_empty)
            || (&**name == "driver" && part.value.as_text() == Some("default"));
        if !empty && !name.starts_with("x-") {
            d.not_yet(&format!("`ipam.{name}`"), part.key, OWN_SUBNETS);
        }
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
