//! Interpolates every text of a document, keeps the places, and says which variables are missing.

use std::rc::Rc;

use super::template::{Failed, fill};
use crate::env::Environment;
use crate::report::{Code, Report};
use crate::source::{Span, clamp};
use crate::yaml::{Entry, Node, Value};

/// A copy of the tree with all variables filled in.
pub(crate) fn interpolate(node: &Node, environment: &Environment, report: &mut Report) -> Node {
    match &node.value {
        Value::Text(text) if text.contains('$') => {
            let filled = fill_text(text, node.span, environment, report);
            node.with(filled.map_or(Value::Refused, |text| Value::Text(text.into())))
        }
        Value::Sequence(items) => {
            let items = items.iter().map(|item| interpolate(item, environment, report)).collect();
            node.with(Value::Sequence(Rc::new(items)))
        }
        Value::Mapping(mapping) => {
            let entries = mapping.iter().map(|(name, entry)| {
                let value = interpolate(&entry.value, environment, report);
                (Rc::clone(name), Entry { key: entry.key, value })
            });
            node.with(Value::Mapping(Rc::new(entries.collect())))
        }
        _ => node.clone(),
    }
}

fn fill_text(
    text: &str,
    span: Span,
    environment: &Environment,
    report: &mut Report,
) -> Option<String> {
    match fill(text, &|name| environment.get(name).map(str::to_owned)) {
        Ok(filled) => {
            for one in filled.uses {
                let at = locate(&one.expression, span, report);
                if !one.is_set && !one.has_operator {
                    report.unset_variable(&one.name, at);
                }
                report.variables.add(one, at);
            }
            Some(filled.text)
        }
        Err(Failed::TooLong) => {
            report.error(Code::TooLarge, span, "its variables make this text too long");
            None
        }
        Err(Failed::Required { name, message, expression }) => {
            let at = locate(&expression, span, report);
            let why = if message.is_empty() { String::new() } else { format!(": {message}") };
            report
                .error(Code::VariableRequired, at, format!("`{name}` must have a value{why}"))
                .hint(format!("set {name} in .env or in the environment"));
            None
        }
        Err(Failed::Syntax { .. }) => {
            report
                .error(Code::VariableSyntax, span, "this `$` expression cannot be understood")
                .hint("write `${NAME}` or `${NAME:-default}`, and `$$` for a dollar sign");
            None
        }
    }
}

/// The place of an expression within the scalar that holds it.
fn locate(expression: &str, scalar: Span, report: &Report) -> Span {
    let source = report.sources.span_text(scalar);
    source.find(expression).map_or(scalar, |at| {
        let start = scalar.start + clamp(at);
        Span { start, end: start + clamp(expression.len()), ..scalar }
    })
}
