//! `blkio_config`: limits of block devices.

use landfall_core::spec::{DeviceRate, DeviceWeight};

use super::keys::Rule::{self, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::report::Code;
use crate::yaml::{Entry, Node};

pub(super) fn blkio(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.keys(&entry.value, &BLKIO, service);
}

const BLKIO: Keys<ServiceDraft> = Keys { owner: "`blkio_config`", rules: BLKIO_RULES };
const BLKIO_RULES: &[(&str, Rule<ServiceDraft>)] = &[
    ("weight", Take(|d, e, s| s.container.resources.blkio_weight = weight(d, &e.value))),
    (
        "weight_device",
        Take(|d, e, s| {
            let devices = devices(d, &e.value);
            let weights = devices.into_iter().filter_map(|device| {
                let weight = u16::try_from(device.rate).ok()?;
                Some(DeviceWeight { path: device.path, weight })
            });
            s.container.resources.block.weights = weights.collect();
        }),
    ),
    (
        "device_read_bps",
        Take(|d, e, s| s.container.resources.block.read_bps = devices(d, &e.value)),
    ),
    (
        "device_read_iops",
        Take(|d, e, s| s.container.resources.block.read_iops = devices(d, &e.value)),
    ),
    (
        "device_write_bps",
        Take(|d, e, s| s.container.resources.block.write_bps = devices(d, &e.value)),
    ),
    (
        "device_write_iops",
        Take(|d, e, s| s.container.resources.block.write_iops = devices(d, &e.value)),
    ),
];

fn weight(d: &mut Decoder<'_>, node: &Node) -> Option<u16> {
    d.count(node, 10, 1000).and_then(|weight| u16::try_from(weight).ok())
}

#[derive(Default)]
struct Draft {
    path: Option<String>,
    value: Option<i64>,
}

const DEVICE: Keys<Draft> = Keys {
    owner: "a device of `blkio_config`",
    rules: &[
        ("path", Take(|d, e, device| device.path = d.text(&e.value))),
        (
            "rate",
            Take(|d, e, device| {
                let size = d.size_bytes(&e.value);
                device.value = size.and_then(|size| i64::try_from(size).ok());
            }),
        ),
        ("weight", Take(|d, e, device| device.value = weight(d, &e.value).map(i64::from))),
    ],
};

fn devices(d: &mut Decoder<'_>, node: &Node) -> Vec<DeviceRate> {
    let mut devices = Vec::new();
    d.each(node, |d, item| {
        let errors = d.report.errors_met();
        let mut draft = Draft::default();
        d.keys(item, &DEVICE, &mut draft);
        if let (Some(path), Some(rate)) = (draft.path, draft.value) {
            devices.push(DeviceRate { path, rate });
        } else if d.report.errors_met() == errors {
            let message = format!("`{}` needs a `path` and a limit", d.here());
            d.report.error(Code::KeyMissing, item.span, message);
        }
    });
    devices
}
