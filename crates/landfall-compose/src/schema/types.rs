//! What the tables are made of: a [`Shape`] says what a value may be, a [`Table`] which keys a
//! mapping may have.

/// What a value may be: any one of its kinds.
#[derive(Debug)]
pub(crate) struct Shape {
    /// In words, with its article: `a duration`.
    pub(crate) wanted: &'static str,
    /// How to write it; empty when the words say enough.
    pub(crate) hint: &'static str,
    pub(crate) kinds: &'static [Kind],
}

/// One kind of value.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing behind the colon.
    Null,
    Bool,
    /// A whole number within limits.
    Int(i64, i64),
    /// Any number.
    Number,
    Text(Words),
    /// A list of one shape. Where it is true, no entry may stand twice.
    List(&'static Shape, bool),
    /// Known keys.
    Map(&'static Table),
    /// Keys that the user chooses.
    Names(&'static Names),
}

/// What a text must be.
#[derive(Debug)]
pub(crate) enum Words {
    Any,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Whatever the function accepts; else the reason why not.
    Like(fn(&str) -> bool, &'static str),
}

/// A mapping of known keys.
#[derive(Debug)]
pub(crate) struct Table {
    /// What the mapping is, for messages: `a service`.
    pub(crate) owner: &'static str,
    pub(crate) keys: &'static [(&'static str, &'static Shape)],
    pub(crate) required: &'static [&'static str],
    /// What else may stand there.
    pub(crate) others: Others,
}

/// Keys that a table does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// None.
    Refused,
    /// Those that begin with `x-`.
    Extensions,
    /// Any.
    Accepted,
}

/// A mapping by names that the user chooses.
#[derive(Debug)]
pub(crate) struct Names {
    /// What a name is a name of: `a service`.
    pub(crate) of: &'static str,
    /// Which names count.
    pub(crate) fits: fn(&str) -> bool,
    /// The rule in words; empty where other names are accepted with any value.
    pub(crate) rule: &'static str,
    pub(crate) shape: &'static Shape,
}

impl Kind {
    /// The shape of a known key.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Shape> {
        match self {
            Self::Map(table) => table.find(name),
            _ => None,
        }
    }

    /// The shape of what has a name that the user chooses.
    pub(crate) fn named(&self) -> Option<&'static Shape> {
        match self {
            Self::Names(names) => Some(names.shape),
            _ => None,
        }
    }

    /// The shape of an entry of a list.
    pub(crate) fn items(&self) -> Option<&'static Shape> {
        match self {
            Self::List(items, _) => Some(items),
            _ => None,
        }
    }
}

impl Table {
    pub(crate) fn find(&self, name: &str) -> Option<&'static Shape> {
        self.keys.iter().find(|(key, _)| *key == name).map(|(_, shape)| *shape)
    }
}

/// The shape of a mapping.
pub(super) const fn mapping(kinds: &'static [Kind]) -> Shape {
    Shape { wanted: "a mapping", hint: "", kinds }
}

/// The shape of a list.
pub(super) const fn list(kinds: &'static [Kind]) -> Shape {
    Shape { wanted: "a list", hint: "", kinds }
}
