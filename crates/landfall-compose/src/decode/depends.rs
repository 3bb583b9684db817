//! `depends_on` and `links`.

use landfall_core::spec::{Condition, Dependency};

use super::keys::Rule::{self, Ignored, Take};
use super::service::{Link, ServiceDraft};
use super::{Decoder, Keys};
use crate::source::Spanned;
use crate::yaml::Entry;

pub(super) fn depends_on(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    for (name, wanted) in d.mapping(&entry.value).into_iter().flatten() {
        let mut dependency = Dependency { condition: Condition::ServiceStarted, required: true };
        if !wanted.value.is_null() {
            d.within(&**name, |d| d.keys(&wanted.value, &DEPENDENCY, &mut dependency));
        }
        service.depends_on.push((Spanned::new(name.to_string(), wanted.key), dependency));
    }
}

const DEPENDENCY: Keys<Dependency> = Keys { owner: "a dependency", rules: DEPENDENCY_RULES };
const DEPENDENCY_RULES: &[(&str, Rule<Dependency>)] = &[
    ("condition", Take(condition)),
    ("required", Take(|d, e, dependency| d.switch(e, &mut dependency.required))),
    ("restart", Ignored("every release starts all of its services anew")),
];

fn condition(d: &mut Decoder<'_>, entry: &Entry, dependency: &mut Dependency) {
    let Some(condition) = d.text(&entry.value) else { return };
    dependency.condition = match condition.as_str() {
        "service_started" => Condition::ServiceStarted,
        "service_healthy" => Condition::ServiceHealthy,
        "service_completed_successfully" => Condition::ServiceCompletedSuccessfully,
        other => {
            let known = ["service_started", "service_healthy", "service_completed_successfully"];
            d.invalid(&entry.value, "is no condition of a dependency").suggest(other, known);
            return;
        }
    };
}

pub(super) fn links(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    service.links = linked(d, entry);
}

pub(super) fn external_links(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    service.external_links = linked(d, entry);
}

/// `NAME` or `NAME:ALIAS`.
fn linked(d: &mut Decoder<'_>, entry: &Entry) -> Vec<Spanned<Link>> {
    let mut links = Vec::new();
    d.each(&entry.value, |d, item| {
        let Some(text) = d.text(item) else { return };
        let (name, alias) = text.split_once(':').map_or((&*text, None), |(n, a)| (n, Some(a)));
        let alias = alias.filter(|alias| *alias != name).map(str::to_owned);
        links.push(Spanned::new(Link { service: name.to_owned(), alias }, item.span));
    });
    links
}
