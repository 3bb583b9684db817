//! Interpolates every text of a document, keeps the places, and says which variables are missing.

use super::template::{Failed, fill};
use crate::env::Environment;
use crate::report::{Code, Report};
use crate::source::{Span, clamp};
use crate::yaml::{Node, Value};

/// Bytes that texts with variables may come to, all together.
const FILLED_MAX: usize = 64 * 1024 * 1024;

/// The tree with all variables filled in; what holds none is shared with it.
pub(crate) fn interpolate(node: &Node, environment: &Environment, report: &mut Report) -> Node {
    changed(node, environment, report).unwrap_or_else(|| node.clone())
}

fn changed(node: &Node, environment: &Environment, report: &mut Report) -> Option<Node> {
    match &node.value {
        Value::Text(text) if text.contains('$') => {
            let filled = fill_text(text, node.span, environment, report);
            Some(node.with(filled.map_or(Value::Refused, |text| Value::Text(text.into()))))
        }
        _ => node.map_children(|_, child| changed(child, environment, report)),
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
            report.filled_bytes = report.filled_bytes.saturating_add(filled.text.len());
            if report.filled_bytes > FILLED_MAX {
                report.error(Code::TooLarge, span, "variables make this app too large");
                return None;
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
