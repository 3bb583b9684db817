//! What the user sees: streams, colour, tables, numbers in words. Decides nothing.

pub(crate) mod confirm;
pub(crate) mod humane;
pub(crate) mod live;
pub(crate) mod printer;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod wrap;
pub(crate) mod yaml;
