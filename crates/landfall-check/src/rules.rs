//! The rules, one file per theme. A rule is a table entry: its texts and its function.

mod allow;
mod images;

use crate::rule::Rule;

/// Every theme's rules, in the order in which `landfall explain` lists them.
pub(crate) const THEMES: &[&[Rule]] = &[images::RULES, allow::RULES];
