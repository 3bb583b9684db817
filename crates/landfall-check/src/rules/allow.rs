//! `x-landfall: {allow: […]}` itself.

use landfall_compose::nearest;
use landfall_core::diagnostic::Severity::Warning;

use crate::facts::App;
use crate::finding::Out;
use crate::rule::{Rule, rules};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "unknown-allow",
    severity: Warning,
    title: "an allowed rule that does not exist",
    why: "An `allow` with a typing error allows nothing, and whoever wrote it believes that it does. \
        After an upgrade it may also name a rule that is gone.",
    fix: "write the name as `landfall check` prints it, or take it away",
    before: "services:\n  web:\n    image: web:1.4.2\n    x-landfall:\n      allow: [root-usr]\n",
    after: "services:\n  web:\n    image: web:1.4.2\n    x-landfall:\n      allow: [root-user]\n",
    run: unknown,
}];

fn unknown(app: &App<'_>, out: &mut Out) {
    let known = || rules().iter().map(|rule| rule.id);
    let lists = app.services().map(|service| service.view).chain([app.model.root()]);
    for allow in lists.filter_map(|view| view.at_path("x-landfall.allow")) {
        for item in allow.items() {
            let Some(name) = item.printed() else { continue };
            if known().any(|id| id == name) {
                continue;
            }
            let message = format!("there is no rule `{name}`");
            let finding = out.app(Some(item.at()), message);
            if let Some(near) = nearest(&name, known()) {
                finding.hint(format!("did you mean `{near}`?"));
            }
        }
    }
}
