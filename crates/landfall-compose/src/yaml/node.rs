//! The tree. Cloning a node is cheap: collections and texts are shared.

use std::rc::Rc;

use super::mapping::Mapping;
use crate::source::Span;

/// One value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Span,
    pub(crate) directive: Option<Directive>,
}

/// Compose's tags that steer merging of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Directive {
    /// `!reset`: forget what earlier files say here.
    Reset,
    /// `!override`: replace instead of merging.
    Override,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// A date or a time: Compose accepts it nowhere, but it must be told from text.
    Timestamp,
    Text(Rc<str>),
    Sequence(Rc<Vec<Node>>),
    Mapping(Rc<Mapping>),
    /// Its variables could not be filled in, which has been said: nothing more is.
    Refused,
}

/// A value with the place of its key.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Span,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn new(value: Value, span: Span) -> Self {
        Self { value, span, directive: None }
    }

    pub(crate) fn text(text: &str, span: Span) -> Self {
        Self::new(Value::Text(text.into()), span)
    }

    /// The same place and tag with another value.
    pub(crate) fn with(&self, value: Value) -> Self {
        Self { value, span: self.span, directive: self.directive }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.value, Value::Refused)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The entries of a mapping, to change them; what is shared is copied first.
    pub(crate) fn entries_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Mapping(mapping) => Some(Rc::make_mut(mapping)),
            _ => None,
        }
    }

    /// The items of a list, to change them; what is shared is copied first.
    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.value {
            Value::Sequence(items) => Some(Rc::make_mut(items)),
            _ => None,
        }
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        Some(&mut self.entries_mut()?.get_mut(key)?.value)
    }

    /// Sets a key of a mapping; the key keeps its place.
    pub(crate) fn put(&mut self, key: &str, value: Node) {
        let span = self.span;
        if let Some(entries) = self.entries_mut() {
            match entries.get_mut(key) {
                Some(entry) => entry.value = value,
                None => {
                    entries.insert(key.into(), Entry { key: span, value });
                }
            }
        }
    }

    /// The node with some children changed; `None` when none was, so that what stays is shared.
    pub(crate) fn map_children<'a>(
        &'a self,
        mut change: impl FnMut(&'a str, &'a Self) -> Option<Self>,
    ) -> Option<Self> {
        match &self.value {
            Value::Mapping(mapping) => {
                let mut changed: Option<Mapping> = None;
                for (index, (name, entry)) in mapping.iter().enumerate() {
                    let Some(value) = change(name, &entry.value) else { continue };
                    let changed = changed.get_or_insert_with(|| Mapping::clone(mapping));
                    if let Some(entry) = changed.at_mut(index) {
                        entry.value = value;
                    }
                }
                changed.map(|changed| self.with(Value::Mapping(Rc::new(changed))))
            }
            Value::Sequence(items) => {
                let mut changed: Option<Vec<Self>> = None;
                for (index, item) in items.iter().enumerate() {
                    let Some(value) = change("", item) else { continue };
                    changed.get_or_insert_with(|| Vec::clone(items))[index] = value;
                }
                changed.map(|changed| self.with(Value::Sequence(Rc::new(changed))))
            }
            _ => None,
        }
    }

    /// Whether it is the very same node or a copy that shares everything with it.
    fn is(&self, other: &Self) -> bool {
        let value = match (&self.value, &other.value) {
            (Value::Text(a), Value::Text(b)) => Rc::ptr_eq(a, b),
            (Value::Sequence(a), Value::Sequence(b)) => Rc::ptr_eq(a, b),
            (Value::Mapping(a), Value::Mapping(b)) => Rc::ptr_eq(a, b),
            (Value::Sequence(_) | Value::Mapping(_), _) => false,
            _ => self.same_as(other),
        };
        value && self.span == other.span && self.directive == other.directive
    }

    /// The node with these items: itself, shared, when they are what it holds already.
    pub(crate) fn with_items(&self, items: Vec<Self>) -> Self {
        let same = self.as_sequence().is_some_and(|own| {
            own.len() == items.len() && own.iter().zip(&items).all(|(a, b)| a.is(b))
        });
        if same { self.clone() } else { self.with(Value::Sequence(Rc::new(items))) }
    }

    /// The node with these entries: itself, shared, when they are what it holds already.
    pub(crate) fn with_entries(&self, entries: Mapping) -> Self {
        let same = self.as_mapping().is_some_and(|own| {
            own.len() == entries.len()
                && own.iter().zip(&entries).all(|(a, b)| a.0 == b.0 && a.1.value.is(&b.1.value))
        });
        if same { self.clone() } else { self.with(Value::Mapping(Rc::new(entries))) }
    }

    /// How many nodes it stands for, aliases followed; counting stops at the limit.
    pub(crate) fn count(&self, limit: usize) -> usize {
        let mut total = 1;
        let mut add = |child: &Self| {
            if total < limit {
                total += child.count(limit - total);
            }
        };
        match &self.value {
            Value::Mapping(mapping) => mapping.values().for_each(|entry| add(&entry.value)),
            Value::Sequence(items) => items.iter().for_each(add),
            _ => {}
        }
        total
    }

    /// The same value, wherever it stands.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) | (Value::Timestamp, Value::Timestamp) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::UInt(a), Value::UInt(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Sequence(a), Value::Sequence(b)) => {
                Rc::ptr_eq(a, b)
                    || (a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same_as(b)))
            }
            (Value::Mapping(a), Value::Mapping(b)) => {
                let same = |(name, entry): (&Rc<str>, &Entry)| {
                    b.get(name).is_some_and(|other| entry.value.same_as(&other.value))
                };
                Rc::ptr_eq(a, b) || (a.len() == b.len() && a.iter().all(same))
            }
            _ => false,
        }
    }

    pub(crate) fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key).map(|entry| &entry.value)
    }

    /// A scalar as Go's `%v` prints it, which is what Compose makes of one in `environment` and
    /// `labels`. `None` for dates and collections.
    pub(crate) fn printed(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some(String::new()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::UInt(value) => Some(value.to_string()),
            Value::Float(value) => Some(super::scalar::print_float(*value)),
            Value::Text(text) => Some(text.to_string()),
            Value::Timestamp | Value::Sequence(_) | Value::Mapping(_) | Value::Refused => None,
        }
    }
}

impl Value {
    /// The kind in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null | Self::Refused => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::UInt(_) => "a number",
            Self::Float(_) => "a decimal number",
            Self::Timestamp => "a date",
            Self::Text(_) => "a text",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}
