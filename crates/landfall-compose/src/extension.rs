//! `x-landfall`: every key that landfall adds to Compose, in one table. From it come the check of a
//! file, the JSON Schema for editors and `docs/x-landfall.md`.
//!
//! What the keys do is decided in `decode`; a test holds both to the same names.

mod check;
mod docs;
mod json;
mod table;

pub(crate) use check::check;
pub use docs::x_landfall_markdown;
pub use json::x_landfall_schema;
pub(crate) use table::{APP, SERVICE, VOLUME};

/// One place where `x-landfall` may stand.
#[derive(Debug)]
pub(crate) struct Place {
    /// For messages and headings.
    pub(crate) owner: &'static str,
    /// Where it stands, as a user writes it.
    pub(crate) path: &'static str,
    pub(crate) settings: &'static [Setting],
}

/// One key.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What holds when it is not written.
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
}

/// What may stand behind a key.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `30s`
    Duration,
    /// A whole number within limits.
    Count(u32, u32),
    /// A port.
    Port,
    /// `true` or `false`.
    Switch,
    /// `/healthz`
    UrlPath,
    /// `shop.example.com`
    Host,
    /// `80`, `:80`, `127.0.0.1:80` or `[::1]:80`.
    Listen,
    /// One of these words, each with its meaning.
    OneOf(&'static [(&'static str, &'static str)]),
    /// A list of names of rules.
    Rules,
    /// Keys of their own.
    Group(&'static Group),
    /// A list of mappings with keys of their own.
    Groups(&'static Group),
}

/// Keys inside of a key.
#[derive(Debug)]
pub(crate) struct Group {
    /// For messages: `a route`.
    pub(crate) owner: &'static str,
    pub(crate) settings: &'static [Setting],
    pub(crate) required: &'static [&'static str],
}
