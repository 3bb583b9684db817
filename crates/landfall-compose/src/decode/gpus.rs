//! Devices that a driver of the engine chooses: `gpus`, and reservations under `deploy`.

use landfall_core::spec::DeviceRequest;

use super::keys::Rule::{self, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::yaml::{Entry, Node};

/// As many as there are.
const ALL: i64 = -1;
/// What a driver of `gpus` must be able to do in any case.
const GPU: &str = "gpu";

/// `gpus: all`, or a list.
pub(super) fn gpus(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let mut requests = match entry.value.as_text() {
        Some("all") => vec![DeviceRequest { count: Some(ALL), ..DeviceRequest::default() }],
        Some(_) => {
            d.invalid(&entry.value, "must be `all` or a list");
            return;
        }
        None => requests(d, &entry.value),
    };
    for request in &mut requests {
        if !request.capabilities.iter().any(|capability| capability == GPU) {
            request.capabilities.push(GPU.to_owned());
        }
    }
    service.container.device_requests.extend(requests);
}

/// `deploy.resources.reservations.devices`.
pub(super) fn reserved(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let requests = requests(d, &entry.value);
    service.container.device_requests.extend(requests);
}

fn requests(d: &mut Decoder<'_>, node: &Node) -> Vec<DeviceRequest> {
    let mut requests = Vec::new();
    d.each(node, |d, item| {
        let mut request = DeviceRequest::default();
        d.keys(item, &REQUEST, &mut request);
        if request.count.is_some() && !request.device_ids.is_empty() {
            d.invalid(item, "`count` and `device_ids` exclude each other");
        }
        if request.count.is_none() && request.device_ids.is_empty() {
            request.count = Some(ALL);
        }
        requests.push(request);
    });
    requests
}

const REQUEST: Keys<DeviceRequest> = Keys { owner: "a device request", rules: REQUEST_RULES };
const REQUEST_RULES: &[(&str, Rule<DeviceRequest>)] = &[
    ("capabilities", Take(|d, e, r| r.capabilities = d.texts(&e.value))),
    ("count", Take(|d, e, r| r.count = count(d, &e.value))),
    ("device_ids", Take(|d, e, r| r.device_ids = d.printed_list(&e.value))),
    ("driver", Take(|d, e, r| r.driver = d.text(&e.value))),
    ("options", Take(|d, e, r| r.options = d.loose_pairs(&e.value))),
];

fn count(d: &mut Decoder<'_>, node: &Node) -> Option<i64> {
    if node.as_text() == Some("all") { Some(ALL) } else { d.integer(node) }
}
