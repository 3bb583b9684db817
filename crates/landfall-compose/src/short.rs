//! The short syntaxes of single values: ports, volumes, command lines, durations, sizes.
//!
//! Texts in, typed values or a reason out. Knows nothing of trees, places or diagnostics, except
//! for the identities by which repeated entries are told apart.

pub(crate) mod port;
pub(crate) mod quantity;
pub(crate) mod volume;
pub(crate) mod words;
