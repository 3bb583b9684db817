//! Memory, CPU, process and file limits, and the older keys for the same things.

use landfall_core::spec::Ulimit;

use super::keys::Rule::{NotYet, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::report::Code;
use crate::source::Spanned;
use crate::yaml::{Entry, Value};

/// Limits that have two spellings: beside the service, and under `deploy.resources`.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) cpus: Option<Spanned<i64>>,
    pub(crate) memory: Option<Spanned<i64>>,
    pub(crate) reservation: Option<Spanned<i64>>,
    pub(crate) pids: Option<Spanned<i64>>,
}

pub(super) fn cpus(d: &mut Decoder<'_>, entry: &Entry) -> Option<Spanned<i64>> {
    let cores = d.number(&entry.value)?;
    let nano = crate::short::quantity::whole_number((cores * 1e9).round());
    let Some(nano) = nano.and_then(|nano| i64::try_from(nano).ok()) else {
        d.invalid(&entry.value, "must be a number of cores, such as `0.5`");
        return None;
    };
    Some(Spanned::new(nano, entry.value.span))
}

pub(super) fn memory(d: &mut Decoder<'_>, entry: &Entry) -> Option<Spanned<i64>> {
    let size = d.size_bytes(&entry.value)?;
    Some(Spanned::new(i64::try_from(size).ok()?, entry.value.span))
}

pub(super) fn pids(d: &mut Decoder<'_>, entry: &Entry) -> Option<Spanned<i64>> {
    let count = d.integer(&entry.value)?;
    Some(Spanned::new(count, entry.value.span))
}

pub(super) fn swap(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let unlimited = match &entry.value.value {
        Value::Int(-1) => true,
        Value::Text(text) => &**text == "-1",
        _ => false,
    };
    service.container.resources.memory_swap_bytes =
        if unlimited { Some(-1) } else { memory(d, entry).map(|size| size.value) };
}

pub(super) fn oom_score(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let Some(score) = d.integer(&entry.value) else { return };
    if (-1000..=1000).contains(&score) {
        service.container.oom_score_adj = Some(score);
    } else {
        d.invalid(&entry.value, "must be from -1000 to 1000");
    }
}

pub(super) fn blkio(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.keys(&entry.value, &BLKIO, service);
}

const BLKIO: Keys<ServiceDraft> = Keys {
    owner: "`blkio_config`",
    rules: &[
        (
            "weight",
            Take(|d, e, s| {
                let weight = d.count(&e.value, 10, 1000).and_then(|w| u16::try_from(w).ok());
                s.container.resources.blkio_weight = weight;
            }),
        ),
        ("weight_device", NotYet("")),
        ("device_read_bps", NotYet("")),
        ("device_read_iops", NotYet("")),
        ("device_write_bps", NotYet("")),
        ("device_write_iops", NotYet("")),
    ],
};

pub(super) fn ulimits(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    for (name, limit) in d.mapping(&entry.value).into_iter().flatten() {
        let ulimit = d.within(&**name, |d| ulimit(d, limit));
        service.container.ulimits.extend(ulimit.map(|limit| (name.to_string(), limit)));
    }
}

fn ulimit(d: &mut Decoder<'_>, entry: &Entry) -> Option<Ulimit> {
    if entry.value.as_mapping().is_none() {
        let both = d.integer(&entry.value)?;
        return Some(Ulimit { soft: both, hard: both });
    }
    let mut pair = (None, None);
    d.keys(&entry.value, &ULIMIT, &mut pair);
    let (Some(soft), Some(hard)) = pair else {
        let message = format!("`{}` needs `soft` and `hard`", d.here());
        d.report.error(Code::KeyMissing, entry.key, message);
        return None;
    };
    Some(Ulimit { soft, hard })
}

const ULIMIT: Keys<(Option<i64>, Option<i64>)> = Keys {
    owner: "a limit",
    rules: &[
        ("soft", Take(|d, e, pair| pair.0 = d.integer(&e.value))),
        ("hard", Take(|d, e, pair| pair.1 = d.integer(&e.value))),
    ],
};
