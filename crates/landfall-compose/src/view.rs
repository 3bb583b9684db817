//! Read access to a tree with places, for code outside of this crate.

use landfall_core::diagnostic::Location;

use crate::source::{Sources, Span};
use crate::yaml::{Node, Value};

/// A value somewhere in a compose file. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    node: &'a Node,
    key: Option<Span>,
    sources: &'a Sources,
}

impl<'a> View<'a> {
    pub(crate) fn new(node: &'a Node, key: Option<Span>, sources: &'a Sources) -> Self {
        Self { node, key, sources }
    }

    /// The value of a key; `None` when this is no mapping, the key is missing or its value is null.
    pub fn get(self, key: &str) -> Option<View<'a>> {
        let entry = self.node.as_mapping()?.get(key)?;
        let view = View::new(&entry.value, Some(entry.key), self.sources);
        (!view.is_null()).then_some(view)
    }

    /// The value at the end of a path of keys: `deploy.resources.limits`.
    pub fn at_path(self, path: &str) -> Option<View<'a>> {
        path.split('.').try_fold(self, View::get)
    }

    /// Keys and values of a mapping, nulls too; nothing for anything else.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, View<'a>)> {
        self.node.as_mapping().into_iter().flatten().map(move |(name, entry)| {
            (&**name, View::new(&entry.value, Some(entry.key), self.sources))
        })
    }

    /// Items of a list; nothing for anything else.
    pub fn items(self) -> impl Iterator<Item = View<'a>> {
        let items = self.node.as_sequence().unwrap_or_default();
        items.iter().map(move |item| View::new(item, None, self.sources))
    }

    /// A text.
    pub fn text(self) -> Option<&'a str> {
        self.node.as_text()
    }

    /// A scalar as Compose prints it where it wants text; `None` for collections.
    pub fn printed(self) -> Option<String> {
        self.node.printed()
    }

    /// A boolean, also one of the words that Compose takes for one (`yes`, `"true"`).
    pub fn boolean(self) -> Option<bool> {
        match &self.node.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" | "1" => Some(true),
                "false" | "no" | "n" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A whole number, also one written as text.
    pub fn integer(self) -> Option<i64> {
        match &self.node.value {
            Value::Int(value) => Some(*value),
            Value::UInt(value) => i64::try_from(*value).ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.node.is_null()
    }

    /// Whether it is a mapping.
    pub fn is_mapping(self) -> bool {
        self.node.as_mapping().is_some()
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        self.node.as_sequence().is_some()
    }

    /// Where the value stands.
    pub fn at(self) -> Location {
        self.sources.location(self.node.span)
    }

    /// Where its key stands; the value's own place when it has none.
    pub fn key_at(self) -> Location {
        self.sources.location(self.key.unwrap_or(self.node.span))
    }

    /// The characters of the file that it was made of: quotes, variables and all.
    pub fn source(self) -> &'a str {
        self.sources.span_text(self.node.span)
    }
}
