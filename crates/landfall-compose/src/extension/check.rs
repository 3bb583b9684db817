//! Checks what a file has under `x-landfall`.

use super::{Group, Kind, Place, Setting};
use crate::report::{Code, Finding, Report};
use crate::short::quantity;
use crate::text::shortened;
use crate::yaml::{Node, Value};

/// Reports what does not fit the table. `path` is where `x-landfall` stands, for messages.
pub(crate) fn check(node: &Node, place: &Place, path: &str, report: &mut Report) {
    settings(node, place.owner, place.settings, path, report);
}

fn settings(node: &Node, owner: &str, settings: &[Setting], path: &str, report: &mut Report) {
    let Some(mapping) = node.as_mapping() else {
        if !node.is_null() {
            wrong(node, "a mapping", path, report);
        }
        return;
    };
    for (name, entry) in mapping {
        match settings.iter().find(|setting| setting.name == &**name) {
            Some(_) if entry.value.is_null() => {}
            Some(setting) => {
                value(&entry.value, &setting.kind, &format!("{path}.{name}"), report);
            }
            None if name.starts_with("x-") && &**name != "x-landfall" => {}
            None => {
                let message = format!("{owner} has no key `{}`", shortened(name));
                report
                    .error(Code::UnknownKey, entry.key, message)
                    .suggest(name, settings.iter().map(|setting| setting.name));
            }
        }
    }
}

fn value(node: &Node, kind: &Kind, path: &str, report: &mut Report) {
    match kind {
        Kind::Group(group) => settings(node, group.owner, group.settings, path, report),
        Kind::Groups(group) => groups(node, group, path, report),
        Kind::Rules => rules(node, path, report),
        _ => scalar(node, kind, path, report),
    }
}

fn groups(node: &Node, group: &Group, path: &str, report: &mut Report) {
    let Some(items) = node.as_sequence() else {
        wrong(node, "a list", path, report);
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let errors = report.errors_met();
        settings(item, group.owner, group.settings, &format!("{path}.{index}"), report);
        let missing = group.required.iter().find(|name| item.get(name).is_none());
        if let Some(missing) = missing.filter(|_| report.errors_met() == errors) {
            let message = format!("{} needs `{missing}`", group.owner);
            report.error(Code::KeyMissing, item.span, message);
        }
    }
}

fn rules(node: &Node, path: &str, report: &mut Report) {
    let Some(items) = node.as_sequence() else {
        wrong(node, "a list", path, report).hint("write it as `[rule-name]`");
        return;
    };
    for (index, item) in items.iter().enumerate().filter(|(_, item)| item.as_text().is_none()) {
        wrong(item, "the name of a rule", &format!("{path}.{index}"), report);
    }
}

fn scalar(node: &Node, kind: &Kind, path: &str, report: &mut Report) {
    let text = node.as_text();
    match kind {
        Kind::Duration => match (&node.value, text) {
            (Value::Int(0), _) => {}
            (_, None) => {
                wrong(node, "a duration", path, report).hint("write it with a unit, such as `30s`");
            }
            (_, Some(text)) if quantity::duration_ms(text.trim()).is_none() => {
                invalid(node, "is no duration", path, report)
                    .hint("write it as `30s`, `1m30s` or `500ms`");
            }
            _ => {}
        },
        Kind::OneOf(words) => match text {
            None => {
                wrong(node, "a text", path, report);
            }
            Some(text) if words.iter().any(|(word, _)| *word == text) => {}
            Some(text) => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let all = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
                let why = format!("must be {}", all.join(" or "));
                invalid(node, &why, path, report).suggest(text, known);
            }
        },
        // What is left are the finer points, which `decode` knows.
        _ => {}
    }
}

fn wrong<'r>(node: &Node, wanted: &str, path: &str, report: &'r mut Report) -> Finding<'r> {
    if node.is_refused() {
        return report.silent();
    }
    let message = format!("`{path}` must be {wanted}, not {}", node.value.kind());
    report.error(Code::WrongType, node.span, message)
}

fn invalid<'r>(node: &Node, why: &str, path: &str, report: &'r mut Report) -> Finding<'r> {
    report.error(Code::InvalidValue, node.span, format!("`{path}`: {why}"))
}
