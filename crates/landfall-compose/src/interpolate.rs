//! Compose's `$` expressions: [`template`] fills in one text, [`tree`] walks a document.
//!
//! Only values are interpolated, never keys. Knows nothing of what the values mean.

pub(crate) mod template;
mod tree;

pub(crate) use tree::interpolate;
