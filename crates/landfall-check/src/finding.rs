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
    found: Vec<Finding>,
    spare: Finding,
}

impl Out {
    pub(crate) fn new(rule: &'static Rule) -> Self {
        let spare = Finding {
            rule: rule.id.to_owned(),
            severity: rule.severity,
            message: String::new(),
            service: None,
            at: None,
            hint: rule.fix.to_owned(),
            related: Vec::new(),
        };
        Self { rule, found: Vec::new(), spare }
    }

    /// A finding about one service.
    pub(crate) fn service(
        &mut self,
        service: &Service<'_>,
        at: Location,
        message: impl Into<String>,
    ) -> &mut Finding {
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
        self.found
    }

    fn made(&self, message: impl Into<String>) -> Finding {
        Finding { message: message.into(), ..self.spare.clone() }
    }

    /// The first finding of a place stays: shared anchors are seen once for every alias.
    fn add(&mut self, finding: Finding) -> &mut Finding {
        let same = |f: &Finding| f.at == finding.at && f.message == finding.message;
        if self.found.len() >= FINDINGS_MAX || self.found.iter().any(same) {
            self.spare.related.clear();
            return &mut self.spare;
        }
        self.found.push(finding);
        self.found.last_mut().expect("it was just pushed")
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
