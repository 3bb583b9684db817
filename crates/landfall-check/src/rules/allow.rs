//! The check itself: rules that are allowed, and what it does not look at.

use landfall_compose::{View, nearest};
use landfall_core::diagnostic::Severity::{Note, Warning};

use crate::facts::App;
use crate::finding::Out;
use crate::rule::{Rule, rules};

pub(super) const RULES: &[Rule] = &[UNKNOWN, MORE];

const UNKNOWN: Rule = Rule {
    id: "unknown-allow",
    severity: Warning,
    title: "an allowed rule that does not exist",
    why: "An `allow` with a typing error allows nothing, and whoever wrote it believes that it does. \
        After an upgrade it may also name a rule that is gone.",
    fix: "write the name as `landfall check` prints it, or take it away",
    before: "services:\n  web:\n    image: web:1.4.2\n    x-landfall:\n      allow: [root-usr]\n",
    after: "services:\n  web:\n    image: web:1.4.2\n    x-landfall:\n      allow: [root-user]\n",
    run: unknown,
};

const MORE: Rule = Rule {
    id: "services-not-checked",
    severity: Note,
    title: "more services than are looked at",
    why: "Some rules compare every service with every other, so there is a limit to how many are looked \
        at. Nothing is known about those beyond it.",
    fix: "check the rest in a file of its own",
    before: "# 2,500 services\n",
    after: "# 2,000 services\n",
    run: more,
};

fn more(app: &App<'_>, out: &mut Out) {
    if app.more > 0 {
        let at = app.model.root().get("services").map(View::key_at);
        out.app(at, format!("{} services are not looked at", app.more));
    }
}

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
