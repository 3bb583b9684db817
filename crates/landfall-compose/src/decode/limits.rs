//! Memory, CPU, process and file limits, and the older keys for the same things.

use std::collections::BTreeMap;

use landfall_core::spec::Ulimit;

use super::keys::Rule::Take;
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

pub(super) fn swappiness(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let percent = d.count(&entry.value, 0, 100);
    service.container.resources.memory_swappiness = percent.map(i64::from);
}

pub(super) fn ulimits(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    service.container.ulimits = ulimits_of(d, entry);
}

pub(super) fn ulimits_of(d: &mut Decoder<'_>, entry: &Entry) -> BTreeMap<String, Ulimit> {
    let mut ulimits = BTreeMap::new();
    for (name, limit) in d.mapping(&entry.value).into_iter().flatten() {
        let ulimit = d.within(&**name, |d| ulimit(d, limit));
        ulimits.extend(ulimit.map(|limit| (name.to_string(), limit)));
    }
    ulimits
}

fn ulimit(d: &mut Decoder<'_>, entry: &Entry) -> Option<Ulimit> {
    if entry.value.as_mapping().is_none() {
        let both = d.integer(&entry.value)?;
        return Some(Ulimit { soft: both, hard: both });
    }
    let mut pair = (None, None);
    d.keys(&entry.value, &ULIMIT, &mut pair);
    let (Some(soft), Some(hard)) = pair else {
        if !d.is_said() {
            let message = format!("`{}` needs `soft` and `hard`", d.here());
            d.report.error(Code::KeyMissing, entry.key, message);
        }
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
