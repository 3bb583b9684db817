//! Single values: texts, switches, numbers, durations, sizes, lists and pairs of them.
//!
//! A number or switch that stands in quotes is accepted, because a variable always gives a text.

use std::collections::BTreeMap;

use super::Decoder;
use crate::report::Code;
use crate::short::quantity;
use crate::yaml::{Node, Value};

impl Decoder<'_> {
    /// A text, and nothing that only looks like one.
    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.to_string()),
            Value::Sequence(_) | Value::Mapping(_) => {
                self.wrong_type(node, "a text");
                None
            }
            _ => {
                self.wrong_type(node, "a text").hint("put it in quotes");
                None
            }
        }
    }

    /// A scalar as Compose prints it; empty is the empty text.
    pub(super) fn printed(&mut self, node: &Node) -> Option<String> {
        let printed = node.printed();
        match (&printed, &node.value) {
            (None, Value::Timestamp) => {
                self.wrong_type(node, "a text").hint("put it in quotes");
            }
            (None, _) => {
                self.wrong_type(node, "a text, a number or a boolean");
            }
            (Some(printed), Value::Int(_) | Value::UInt(_) | Value::Float(_)) => {
                self.surprising(node, printed);
            }
            _ => {}
        }
        printed
    }

    /// `1.10` is 1.1 and `0777` is 511: nobody means that in an environment.
    fn surprising(&mut self, node: &Node, printed: &str) {
        let written = self.report.sources.span_text(node.span);
        let written = written.trim();
        if written != printed && !written.is_empty() && !written.starts_with(['!', '*', '&']) {
            let message = format!("`{}` is read as a number and changes by that", self.here());
            self.report
                .warning(Code::Surprising, node.span, message)
                .hint("put it in quotes to keep it as it is written");
        }
    }

    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) => match text.to_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                old @ ("y" | "yes" | "on" | "n" | "no" | "off") => {
                    let value = matches!(old, "y" | "yes" | "on");
                    let message = format!("`{}`: write `{value}` instead", self.here());
                    self.report.warning(Code::Surprising, node.span, message);
                    Some(value)
                }
                _ => {
                    self.invalid(node, "must be `true` or `false`");
                    None
                }
            },
            _ => {
                self.wrong_type(node, "a boolean");
                None
            }
        }
    }

    pub(super) fn integer(&mut self, node: &Node) -> Option<i64> {
        match &node.value {
            Value::Int(value) => Some(*value),
            Value::Text(text) => text.trim().parse().ok().or_else(|| {
                self.invalid(node, "must be a whole number");
                None
            }),
            _ => {
                self.wrong_type(node, "a whole number");
                None
            }
        }
    }

    /// A whole number within limits.
    pub(super) fn count(&mut self, node: &Node, min: u32, max: u32) -> Option<u32> {
        let value = self.integer(node)?;
        let count = u32::try_from(value).ok().filter(|count| (min..=max).contains(count));
        if count.is_none() {
            self.invalid(node, &format!("must be from {min} to {max}"));
        }
        count
    }

    pub(super) fn port_number(&mut self, node: &Node) -> Option<u16> {
        let port = self.count(node, 1, u32::from(u16::MAX))?;
        u16::try_from(port).ok()
    }

    pub(super) fn number(&mut self, node: &Node) -> Option<f64> {
        let value = match &node.value {
            Value::Float(value) => Some(*value),
            Value::Int(value) => value.to_string().parse().ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => {
                self.wrong_type(node, "a number");
                return None;
            }
        };
        let value = value.filter(|value: &f64| value.is_finite());
        if value.is_none() {
            self.invalid(node, "must be a number");
        }
        value
    }

    pub(super) fn duration_ms(&mut self, node: &Node) -> Option<u64> {
        let text = match &node.value {
            Value::Text(text) => text.to_string(),
            Value::Int(0) => return Some(0),
            _ => {
                self.wrong_type(node, "a duration").hint("write it with a unit, such as `30s`");
                return None;
            }
        };
        let duration = quantity::duration_ms(text.trim());
        if duration.is_none() {
            self.invalid(node, "is no duration").hint("write it as `30s`, `1m30s` or `500ms`");
        }
        duration
    }

    pub(super) fn size_bytes(&mut self, node: &Node) -> Option<u64> {
        let size = match &node.value {
            Value::Int(value) => u64::try_from(*value).ok(),
            Value::Text(text) => quantity::size_bytes(text.trim()),
            Value::Float(_) => None,
            _ => {
                self.wrong_type(node, "a size");
                return None;
            }
        };
        if size.is_none() {
            self.invalid(node, "is no size").hint("write it as `512m`, `2g` or a number of bytes");
        }
        size
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, node: &Node) -> Vec<String> {
        let mut texts = Vec::new();
        self.each(node, |d, item| texts.extend(d.text(item)));
        texts
    }

    /// A list of texts without empty ones, as unset variables give them.
    pub(super) fn filled_texts(&mut self, node: &Node) -> Vec<String> {
        self.texts(node).into_iter().filter(|text| !text.is_empty()).collect()
    }

    /// A list of texts and numbers.
    pub(super) fn printed_list(&mut self, node: &Node) -> Vec<String> {
        let mut texts = Vec::new();
        self.each(node, |d, item| texts.extend(d.printed(item)));
        texts
    }

    /// A mapping of scalars.
    pub(super) fn pairs(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        for (name, entry) in self.mapping(node).into_iter().flatten() {
            let value = self.within(&**name, |d| d.printed(&entry.value));
            pairs.extend(value.map(|value| (name.to_string(), value)));
        }
        pairs
    }

    /// A mapping of scalars, or a list of `NAME=value`. A name alone takes its value from the
    /// environment.
    pub(super) fn loose_pairs(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        if node.as_sequence().is_some() {
            for text in self.texts(node) {
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (text.as_str(), self.environment.get(&text).map(str::to_owned)),
                };
                pairs.extend(value.map(|value| (name.to_owned(), value)));
            }
            return pairs;
        }
        let variables = self.variables(node).into_iter();
        variables.filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// A mapping of scalars in which an empty value means "from the environment".
    pub(super) fn variables(&mut self, node: &Node) -> BTreeMap<String, Option<String>> {
        let mut variables = BTreeMap::new();
        for (name, entry) in self.mapping(node).into_iter().flatten() {
            let value = if entry.value.is_null() {
                Some(self.environment.get(name).map(str::to_owned))
            } else {
                self.within(&**name, |d| d.printed(&entry.value)).map(Some)
            };
            variables.extend(value.map(|value| (name.to_string(), value)));
        }
        variables
    }
}
