//! One row of the table, and the notation that the rows are written in.

/// What becomes of one key.
#[derive(Debug)]
pub(crate) struct Row {
    /// Segments joined by dots, `*` for a name or an entry of a list.
    pub(crate) path: &'static str,
    /// Only with this value; a `*` at its end stands for anything.
    pub(crate) value: Option<&'static str>,
    pub(crate) landfall: Here,
    pub(crate) swarm: Swarm,
    /// What the key is for.
    pub(crate) meaning: &'static str,
}

/// What landfall does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// The same as Compose.
    Yes,
    /// Something else to the same end: what.
    Differently(&'static str),
    /// Nothing; the deploy goes on: what happens instead.
    Ignored(&'static str),
    /// The deploy is refused: what to do instead.
    Refused(&'static str),
    /// As the key that it is in, which is ignored or refused.
    Outer,
}

/// What `docker stack deploy` does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swarm {
    /// It is honoured.
    Yes,
    /// It is honoured in part: how far.
    Partly(&'static str),
    /// It is ignored, with or without a word.
    Ignored,
    /// The file is refused.
    Refused,
}

/// Rows: `"path" = "value": Landfall("how"), Swarm("how far"), "meaning";`
macro_rules! rows {
    ($($path:literal $(= $value:literal)? :
        $here:ident $(($how:expr))?, $swarm:ident $(($far:expr))?, $meaning:literal;)*) => {
        &[$($crate::support::row::Row {
            path: $path,
            value: rows!(@value $($value)?),
            landfall: $crate::support::row::Here::$here $(($how))?,
            swarm: $crate::support::row::Swarm::$swarm $(($far))?,
            meaning: $meaning,
        },)*]
    };
    (@value) => { None };
    (@value $value:literal) => { Some($value) };
}
pub(crate) use rows;

impl Row {
    /// Whether it speaks about this value.
    pub(crate) fn speaks_of(&self, text: &str) -> bool {
        match self.value {
            None => true,
            Some(wanted) => match wanted.strip_suffix('*') {
                Some(start) => text.starts_with(start),
                None => text == wanted,
            },
        }
    }
}
