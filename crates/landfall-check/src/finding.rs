//! One finding, and how rules make them.

use landfall_core::diagnostic::{Diagnostic, Location, Severity};
use serde::{Deserialize, Serialize};

use crate::facts::Service;
use crate::rule::Rule;

/// Findings of one rule.
const FINDINGS_MAX: usize = 100;
/// Places that belong to one finding.
const RELATED_MAX: usize = 20;

/// Something that would hurt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the rule, stable.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found: lower-case, no full stop, never a value that may be secret.
    pub message: String,
    /// The service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
    /// What to do about it.
    pub hint: String,
    /// Other places that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// Another place that matters for a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Where.
    pub at: Location,
    /// What it has to do with it.
    pub why: String,
}

impl Finding {
    /// The finding as a diagnostic, with the rule's id for a code.
    pub fn diagnostic(&self) -> Diagnostic {
        let related = self.related.iter().map(|related| (related.at.clone(), related.why.clone()));
        Diagnostic {
            code: self.rule.clone(),
            severity: self.severity,
            message: self.message.clone(),
            at: self.at.clone(),
            hint: Some(self.hint.clone()),
            related: related.collect(),
        }
    }

    pub(crate) fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = hint.into();
        self
    }

    pub(crate) fn related(&mut self, at: Location, why: impl Into<String>) -> &mut Self {
        if self.related.len() < RELATED_MAX {
            self.related.push(Related { at, why: why.into() });
        }
        self
    }
}

/// Takes the findings of one rule.
pub(crate) struct Out {
    rule: &'static Rule,
    found: Vec<Found>,
    spare: Finding,
}

/// A finding, and what tells it from others.
struct Found {
    finding: Finding,
    /// The message without the service's name.
    plain: String,
    /// Other services that share the place: those of an anchor.
    more: usize,
}

impl Out {
    pub(crate) fn new(rule: &'static Rule) -> Self {
        Self { rule, found: Vec::new(), spare: blank(rule) }
    }

    /// A finding about one service, unless it allows the rule.
    pub(crate) fn service(
        &mut self,
        service: &Service<'_>,
        at: Location,
        message: impl Into<String>,
    ) -> &mut Finding {
        if service.allows(self.rule.id) {
            return self.nothing();
        }
        let name = service.name.to_owned();
        self.add(Finding { service: Some(name), at: Some(at), ..self.made(message) })
    }

    /// A finding about the app as a whole.
    pub(crate) fn app(&mut self, at: Option<Location>, message: impl Into<String>) -> &mut Finding {
        self.add(Finding { at, ..self.made(message) })
    }

    /// One finding for all services that share a fault, so that a common one is said once; `say` gets
    /// their names, and whether it is only one.
    pub(crate) fn group<'s>(
        &mut self,
        services: impl Iterator<Item = &'s Service<'s>>,
        say: impl Fn(&str, bool) -> String,
    ) {
        let rule = self.rule.id;
        let all: Vec<&Service<'_>> = services.filter(|service| !service.allows(rule)).collect();
        match &all[..] {
            [] => {}
            [one] => {
                self.service(one, one.view.key_at(), say(&format!("`{}`", one.name), true));
            }
            [first, rest @ ..] => {
                let message = say(&listed(&all), false);
                let finding = self.app(Some(first.view.key_at()), message);
                for service in rest {
                    finding.related(service.view.key_at(), format!("`{}` too", service.name));
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<Finding> {
        let said = |found: Found| {
            let Found { mut finding, more, .. } = found;
            match more {
                0 => {}
                1 => finding.message.push_str(", and one more service"),
                _ => finding.message.extend([", and ", &more.to_string(), " more services"]),
            }
            finding
        };
        self.found.into_iter().map(said).collect()
    }

    fn made(&self, message: impl Into<String>) -> Finding {
        Finding { message: message.into(), ..blank(self.rule) }
    }

    /// Takes what is said about a finding that is not kept.
    fn nothing(&mut self) -> &mut Finding {
        self.spare.related.clear();
        &mut self.spare
    }

    /// One place has one finding: shared anchors are met once for every service that uses them.
    fn add(&mut self, finding: Finding) -> &mut Finding {
        let plain = match &finding.service {
            Some(name) => finding.message.replace(&format!("`{name}`"), ""),
            None => finding.message.clone(),
        };
        let same = |found: &&mut Found| found.finding.at == finding.at && found.plain == plain;
        if let Some(known) = self.found.iter_mut().find(same) {
            let names_it = plain.len() < known.finding.message.len();
            known.more += usize::from(names_it && known.finding.service != finding.service);
            return self.nothing();
        }
        if self.found.len() >= FINDINGS_MAX {
            return self.nothing();
        }
        self.found.push(Found { finding, plain, more: 0 });
        &mut self.found.last_mut().expect("it was just pushed").finding
    }
}

fn blank(rule: &Rule) -> Finding {
    Finding {
        rule: rule.id.to_owned(),
        severity: rule.severity,
        message: String::new(),
        service: None,
        at: None,
        hint: rule.fix.to_owned(),
        related: Vec::new(),
    }
}

/// Names for a message: two of many are enough.
fn listed(services: &[&Service<'_>]) -> String {
    let name = |index: usize| services.get(index).map_or("", |service| service.name);
    match services.len() {
        2 => format!("`{}` and `{}`", name(0), name(1)),
        3 => format!("`{}`, `{}` and `{}`", name(0), name(1), name(2)),
        count => format!("`{}`, `{}` and {} more services", name(0), name(1), count - 2),
    }
}
