//! Single values: texts, switches, numbers, sizes, durations.
//!
//! The conversions are those of compose-go: where it takes a number for a text, so does this.

use super::typed::Typing;
use crate::short::quantity;
use crate::yaml::{Node, Value};

pub(super) fn text(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    match &node.value {
        Value::Text(_) => Some(node.clone()),
        Value::Int(_) | Value::UInt(_) => printed(t, node),
        _ => {
            t.wrong(node, "a text");
            None
        }
    }
}

/// Any scalar as text.
pub(super) fn printed(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    if node.as_text().is_some() {
        return Some(node.clone());
    }
    let Some(text) = node.printed() else {
        t.wrong(node, "a text, a number or a boolean");
        return None;
    };
    Some(node.with(Value::Text(text.into())))
}

pub(super) fn flag(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let value = match &node.value {
        Value::Bool(value) => *value,
        Value::Text(text) => match text.to_lowercase().as_str() {
            "true" | "y" | "yes" | "on" => true,
            "false" | "n" | "no" | "off" => false,
            _ => {
                t.invalid(node, "must be `true` or `false`");
                return None;
            }
        },
        _ => {
            t.wrong(node, "a boolean");
            return None;
        }
    };
    Some(node.with(Value::Bool(value)))
}

#[expect(clippy::cast_possible_truncation, reason = "Compose drops fractions, and `as` saturates")]
pub(super) fn int(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    match &node.value {
        Value::Int(_) | Value::UInt(_) => Some(node.clone()),
        Value::Float(value) => Some(node.with(Value::Int(*value as i64))),
        Value::Text(text) => {
            let Ok(value) = text.parse() else {
                t.invalid(node, "must be a whole number");
                return None;
            };
            Some(node.with(Value::Int(value)))
        }
        _ => {
            t.wrong(node, "a whole number");
            None
        }
    }
}

/// A number with the precision of 32 bits, whose shortest text is what is printed.
pub(super) fn float(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let text = match &node.value {
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => node.printed()?,
        Value::Text(text) => text.to_string(),
        _ => {
            t.wrong(node, "a number");
            return None;
        }
    };
    let short = text.parse::<f32>().ok().filter(|value| value.is_finite());
    let Some(value) = short.and_then(|value| value.to_string().parse().ok()) else {
        t.invalid(node, "must be a number");
        return None;
    };
    Some(node.with(Value::Float(value)))
}

pub(super) fn bytes(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let bytes = match &node.value {
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::Text(text) => {
            let Some(bytes) = quantity::ram_bytes(text) else {
                t.invalid(node, "is no size").hint("write it as `512m`, `2g` or a number of bytes");
                return None;
            };
            bytes.to_string()
        }
        // Compose takes a fraction for nothing.
        Value::Float(_) => "0".to_owned(),
        _ => {
            t.wrong(node, "a size");
            return None;
        }
    };
    Some(node.with(Value::Text(bytes.into())))
}

pub(super) fn duration(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let nanoseconds = node.printed().and_then(|text| quantity::duration_ns(&text));
    let Some(nanoseconds) = nanoseconds else {
        t.invalid(node, "is no duration").hint("write it as `30s`, `1m30s` or `500ms`");
        return None;
    };
    Some(node.with(Value::Text(quantity::print_duration(nanoseconds).into())))
}

pub(super) fn mode(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let mode = match &node.value {
        Value::Int(value) => Some(*value),
        Value::Text(text) => i64::from_str_radix(text, 8).ok(),
        _ => None,
    };
    let Some(mode) = mode else {
        t.invalid(node, "is no file mode").hint("write it as `0444`");
        return None;
    };
    Some(node.with(Value::Text(format!("0{mode:o}").into())))
}

pub(super) fn count(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let count = match &node.value {
        Value::Int(value) => Some(*value),
        Value::Text(text) if text.eq_ignore_ascii_case("all") => Some(-1),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let Some(count) = count else {
        t.invalid(node, "must be `all` or a number");
        return None;
    };
    Some(node.with(Value::Int(count)))
}
