//! `healthcheck`.

use landfall_core::spec::{HealthTest, Healthcheck};

use super::keys::Rule::{self, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::yaml::{Entry, Node};

#[derive(Default)]
struct Draft {
    test: Option<HealthTest>,
    disable: bool,
    interval_ms: Option<u64>,
    timeout_ms: Option<u64>,
    retries: Option<u32>,
    start_period_ms: Option<u64>,
    start_interval_ms: Option<u64>,
}

pub(super) fn healthcheck(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let errors = d.report.errors_met();
    let mut draft = Draft::default();
    d.keys(&entry.value, &HEALTHCHECK, &mut draft);
    let said = draft.interval_ms.is_some()
        || draft.timeout_ms.is_some()
        || draft.retries.is_some()
        || draft.start_period_ms.is_some()
        || draft.start_interval_ms.is_some();
    let test = match draft.test {
        _ if draft.disable => HealthTest::None,
        Some(test) => test,
        // Only when: the image says what.
        None if said && d.report.errors_met() == errors => HealthTest::Image,
        None => return,
    };
    service.container.healthcheck = Some(Healthcheck {
        test,
        interval_ms: draft.interval_ms,
        timeout_ms: draft.timeout_ms,
        retries: draft.retries,
        start_period_ms: draft.start_period_ms,
        start_interval_ms: draft.start_interval_ms,
    });
}

const HEALTHCHECK: Keys<Draft> = Keys { owner: "a `healthcheck`", rules: RULES };
const RULES: &[(&str, Rule<Draft>)] = &[
    ("test", Take(|d, e, h| h.test = test(d, &e.value))),
    ("interval", Take(|d, e, h| h.interval_ms = d.duration_ms(&e.value))),
    ("timeout", Take(|d, e, h| h.timeout_ms = d.duration_ms(&e.value))),
    ("retries", Take(|d, e, h| h.retries = d.count(&e.value, 0, 100_000))),
    ("start_period", Take(|d, e, h| h.start_period_ms = d.duration_ms(&e.value))),
    ("start_interval", Take(|d, e, h| h.start_interval_ms = d.duration_ms(&e.value))),
    ("disable", Take(|d, e, h| d.switch(e, &mut h.disable))),
];

fn test(d: &mut Decoder<'_>, node: &Node) -> Option<HealthTest> {
    if let Some(line) = node.as_text() {
        return Some(HealthTest::Shell(line.to_owned()));
    }
    let words = d.texts(node);
    // An empty list is the image's own test.
    let Some((kind, rest)) = words.split_first() else { return Some(HealthTest::Image) };
    match (kind.as_str(), rest) {
        ("NONE", []) => Some(HealthTest::None),
        ("CMD", [_, ..]) => Some(HealthTest::Command(rest.to_vec())),
        ("CMD-SHELL", [line]) => Some(HealthTest::Shell(line.clone())),
        ("NONE" | "CMD" | "CMD-SHELL", _) => {
            d.invalid(node, &format!("`{kind}` has the wrong number of words after it"));
            None
        }
        _ => {
            d.invalid(node, "the first word must be `CMD`, `CMD-SHELL` or `NONE`");
            None
        }
    }
}
