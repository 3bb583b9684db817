//! What the Compose Specification allows: every key, and the shape of its value.
//!
//! The tables say what `docker compose` accepts, no more and no less; what landfall makes of a key
//! is another question ([`crate::support`]). They know nothing of files and variables: [`validate`]
//! walks a tree that is merged already.

mod build;
mod check;
mod common;
mod deploy;
#[cfg(test)]
pub(crate) mod files;
mod mounts;
mod parts;
mod service;
#[cfg(test)]
mod sweep;
mod top;
mod types;

pub(crate) use top::FILE;
#[cfg(test)]
use types::Words;
pub(crate) use types::{Kind, Shape};

use crate::report::Report;
use crate::yaml::Node;

/// Reports what a merged file has that the specification does not allow.
pub(crate) fn validate(root: &Node, report: &mut Report) {
    let errors = report.errors_met();
    check::Checker::new(report).check(root, &FILE);
    report.misshapen = report.errors_met() > errors;
}

/// Reports what an entry of `include` has that the specification does not allow. It is read before
/// anything is merged, and gone then.
pub(crate) fn validate_include(item: &Node, index: usize, report: &mut Report) {
    let mut checker = check::Checker::new(report);
    checker.path = vec!["include".to_owned(), index.to_string()];
    checker.check(item, &top::INCLUDE);
}
