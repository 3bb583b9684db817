//! The entries of a mapping in the order of the file; keys are unique.
//!
//! Most mappings of a compose file are small, and there are many of them: they are looked through,
//! and only large ones have an index.

use std::collections::HashMap;
use std::rc::Rc;

use super::node::Entry;

/// Mappings up to this size are looked through.
const SMALL_MAX: usize = 16;

/// Entries by key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mapping {
    entries: Vec<(Rc<str>, Entry)>,
    /// Positions by key, when there are many.
    #[expect(clippy::box_collection, reason = "most mappings have none, and there are many")]
    index: Option<Box<HashMap<Rc<str>, usize>>>,
}

impl Mapping {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity), index: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.position(key).map(|at| &mut self.entries[at].1)
    }

    /// The value at a position.
    pub(crate) fn at_mut(&mut self, position: usize) -> Option<&mut Entry> {
        self.entries.get_mut(position).map(|(_, entry)| entry)
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Puts an entry where its key stands already, or at the end; what was there before.
    pub(crate) fn insert(&mut self, key: Rc<str>, entry: Entry) -> Option<Entry> {
        if let Some(at) = self.position(&key) {
            return Some(std::mem::replace(&mut self.entries[at].1, entry));
        }
        if let Some(index) = &mut self.index {
            index.insert(Rc::clone(&key), self.entries.len());
        }
        self.entries.push((key, entry));
        if self.entries.len() > SMALL_MAX && self.index.is_none() {
            self.reindex();
        }
        None
    }

    /// Puts an entry unless its key is there.
    pub(crate) fn insert_new(&mut self, key: Rc<str>, entry: impl FnOnce() -> Entry) {
        if !self.contains_key(&key) {
            self.insert(key, entry());
        }
    }

    /// Takes an entry out; the others keep their order.
    pub(crate) fn shift_remove(&mut self, key: &str) -> Option<Entry> {
        let at = self.position(key)?;
        let (_, entry) = self.entries.remove(at);
        self.reindex();
        Some(entry)
    }

    /// Keeps what the test accepts.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Rc<str>, &mut Entry) -> bool) {
        self.entries.retain_mut(|(key, entry)| keep(key, entry));
        self.reindex();
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    pub(crate) fn iter_mut(&mut self) -> IterMut<'_> {
        self.into_iter()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Rc<str>> {
        self.entries.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.entries.iter().position(|(name, _)| **name == *key),
        }
    }

    fn reindex(&mut self) {
        let large = self.entries.len() > SMALL_MAX;
        let positions = self.entries.iter().enumerate().map(|(at, (key, _))| (Rc::clone(key), at));
        self.index = large.then(|| Box::new(positions.collect()));
    }
}

/// Keys with their entries.
pub(crate) type Iter<'a> = std::iter::Map<
    std::slice::Iter<'a, (Rc<str>, Entry)>,
    fn(&'a (Rc<str>, Entry)) -> (&'a Rc<str>, &'a Entry),
>;

/// Keys with their entries, to change them.
pub(crate) type IterMut<'a> = std::iter::Map<
    std::slice::IterMut<'a, (Rc<str>, Entry)>,
    fn(&'a mut (Rc<str>, Entry)) -> (&'a Rc<str>, &'a mut Entry),
>;

impl<'a> IntoIterator for &'a Mapping {
    type Item = (&'a Rc<str>, &'a Entry);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter().map(|(key, entry)| (key, entry))
    }
}

impl<'a> IntoIterator for &'a mut Mapping {
    type Item = (&'a Rc<str>, &'a mut Entry);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter_mut().map(|(key, entry)| (&*key, entry))
    }
}

impl FromIterator<(Rc<str>, Entry)> for Mapping {
    fn from_iter<T: IntoIterator<Item = (Rc<str>, Entry)>>(entries: T) -> Self {
        let mut mapping = Self::new();
        for (key, entry) in entries {
            mapping.insert(key, entry);
        }
        mapping
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Node;
    use crate::yaml::Value;

    fn entry(number: i64) -> Entry {
        let mut report = crate::report::Report::default();
        let file = report.sources.add("a".into(), String::new());
        let span = crate::source::Span { file, start: 0, end: 0 };
        Entry { key: span, value: Node::new(Value::Int(number), span) }
    }

    #[test]
    fn small_and_large_mappings_keep_order_and_find_their_keys() {
        for size in [3, 100] {
            let named = (0..size).map(|n| (Rc::from(format!("k{n}")), entry(1)));
            let mut mapping: Mapping = named.collect();
            assert!(mapping.shift_remove("k1").is_some());
            assert!(mapping.insert("k0".into(), entry(7)).is_some());
            mapping.insert_new("k0".into(), || entry(8));
            mapping.insert_new("new".into(), || entry(9));
            let keys: Vec<&str> = mapping.keys().map(|key| &**key).collect();
            assert_eq!((keys[0], keys[1], keys.len()), ("k0", "k2", size));
            for key in &keys {
                assert!(mapping.contains_key(key), "{key}");
            }
            assert!(!mapping.contains_key("k1"));
            assert!(matches!(mapping.get("k0").map(|e| &e.value.value), Some(Value::Int(7))));
            mapping.retain(|key, _| &**key != "k2");
            assert!(mapping.get("new").is_some() && mapping.get("k2").is_none());
        }
    }
}
