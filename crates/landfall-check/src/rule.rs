//! What a rule is, and the table of all.

use std::sync::LazyLock;

use landfall_core::diagnostic::Severity;

use crate::facts::App;
use crate::finding::Out;
use crate::rules::THEMES;

/// One rule of `landfall check`.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name in findings and in `x-landfall: {allow: […]}`; kebab-case, stable.
    pub id: &'static str,
    /// How bad a finding is, as a rule.
    pub severity: Severity,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// Why that hurts, in a paragraph.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// A piece of a file that has the fault.
    pub before: &'static str,
    /// The same without it.
    pub after: &'static str,
    pub(crate) run: Run,
}

/// Looks at an app and says what it finds.
pub(crate) type Run = fn(&App<'_>, &mut Out);

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rule").field(&self.id).finish()
    }
}

/// Every rule, theme by theme.
pub fn rules() -> &'static [Rule] {
    static ALL: LazyLock<Vec<Rule>> =
        LazyLock::new(|| THEMES.iter().flat_map(|theme| theme.iter().copied()).collect());
    &ALL
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().iter().find(|rule| rule.id == id)
}
