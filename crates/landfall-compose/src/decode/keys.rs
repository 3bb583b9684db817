//! The tables: a key, and what becomes of it. The documentation of what is supported is made from
//! the same tables.

use super::Decoder;
use crate::yaml::Entry;

/// Reads one key into a draft.
pub(crate) type Take<T> = fn(&mut Decoder<'_>, &Entry, &mut T);

/// What becomes of a key.
pub(crate) enum Rule<T> {
    /// It is read.
    Take(Take<T>),
    /// Refused with this hint, for now.
    NotYet(&'static str),
    /// Refused for good: why, and what to do instead.
    Refused(&'static str, &'static str),
    /// It means nothing to landfall; said as a warning with this reason.
    Ignored(&'static str),
    /// It never changes what runs (a comment, a name for people), so there is nothing to say.
    NoEffect,
}

/// The keys of one kind of mapping.
pub(crate) struct Keys<T: 'static> {
    /// What the mapping is, for messages: `a service`.
    pub(crate) owner: &'static str,
    pub(crate) rules: &'static [(&'static str, Rule<T>)],
}

impl<T> Keys<T> {
    pub(crate) fn find(&self, name: &str) -> Option<&'static Rule<T>> {
        self.rules.iter().find(|(key, _)| *key == name).map(|(_, rule)| rule)
    }
}
