//! Dollar signs that Compose takes before the container sees them.

use landfall_compose::View;
use landfall_core::diagnostic::Location;
use landfall_core::diagnostic::Severity::Warning;

use crate::facts::App;
use crate::finding::Out;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "unescaped-dollar",
    severity: Warning,
    title: "a `$` that is meant for the container and taken by Compose",
    why: "Compose replaces `$NAME` in every value, those of healthchecks and commands too, with what its \
        own environment has: usually nothing. `pg_isready -U $POSTGRES_USER` becomes `pg_isready -U`, \
        which fails or asks something else.",
    fix: "double it: `$$NAME`",
    before: "services:\n  db:\n    image: postgres:16.4\n    environment: {POSTGRES_USER: shop}\n    \
        healthcheck:\n      test: pg_isready -U $POSTGRES_USER\n",
    after: "services:\n  db:\n    image: postgres:16.4\n    environment: {POSTGRES_USER: shop}\n    \
        healthcheck:\n      test: pg_isready -U $$POSTGRES_USER\n",
    run: unescaped,
}];

/// Names of the variables that a text asks for, without those of doubled dollars.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    uses(text).map(|(name, _)| name)
}

/// Names, each with whether it says what to do without a value.
fn uses(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find('$')?;
            let after = &rest[at + 1..];
            if let Some(doubled) = after.strip_prefix('$') {
                rest = doubled;
                continue;
            }
            let start = after.strip_prefix('{').unwrap_or(after);
            let end = start.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, tail) = start.split_at(end.unwrap_or(start.len()));
            rest = tail;
            let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if starts_well {
                let braced = after.starts_with('{');
                return Some((name, braced && tail.starts_with([':', '-', '?', '+'])));
            }
        }
    })
}

/// Texts of a service that run inside its container, as written.
fn texts(service: View<'_>) -> Vec<(View<'_>, bool)> {
    let mut all = Vec::new();
    for (path, is_check) in [("healthcheck.test", true), ("command", false), ("entrypoint", false)]
    {
        let Some(view) = service.at_path(path) else { continue };
        if view.is_list() {
            all.extend(view.items().map(|item| (item, is_check)));
        } else {
            all.push((view, is_check));
        }
    }
    all
}

/// Names in a service's texts that were meant for its container.
fn taken<'a>(app: &App<'a>) -> Vec<(&'a str, String, View<'a>)> {
    let mut taken = Vec::new();
    for (_, service, written) in app.written() {
        let Some(known) = app.service(service) else { continue };
        for (view, is_check) in texts(written) {
            let uses = view.text().into_iter().flat_map(uses);
            for name in uses.filter(|(_, careful)| !careful).map(|(name, _)| name) {
                let inside = known.variable(name).is_some();
                if (inside || is_check) && !app.has_value(name) {
                    taken.push((service, name.to_owned(), view));
                }
            }
        }
    }
    taken
}

/// Uses of variables that this rule names: their name and the place of the text.
pub(super) fn meant_for_container(app: &App<'_>) -> Vec<(String, Location)> {
    taken(app).into_iter().map(|(_, name, view)| (name, view.at())).collect()
}

fn unescaped(app: &App<'_>, out: &mut Out) {
    for (service, name, view) in taken(app) {
        let Some(service) = app.service(service) else { continue };
        let message = format!("`${name}` is replaced by nothing before the container sees it");
        out.service(service, view.at(), message).hint(format!("write `$${name}`"));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_stand_behind_single_dollars() {
        let all = |text| super::names(text).collect::<Vec<_>>();
        assert_eq!(all("a $B ${C:-$D} $$E $$$F $1 $"), ["B", "C", "D", "F"]);
    }
}
