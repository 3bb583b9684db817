//! Several files become one: [`canonical`] brings short forms to one shape, [`merge_trees`] puts a
//! later file over an earlier one, [`unique`] keeps the last of entries that mean the same thing.
//!
//! The rules are compose-go's (`override/`); they stand as tables of paths in each file. Works on
//! trees only: what a key means is decided in `decode`.

mod canonical;
mod extends;
mod over;
mod path;
mod unique;

pub(crate) use canonical::canonical;
pub(crate) use extends::{Extender, extend_services};
pub(crate) use over::{merge_trees, strip};
pub(crate) use unique::unique;
