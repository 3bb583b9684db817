//! Compose files to landfall's `AppSpec`, with diagnostics.
//!
//! [`load`] reads the files that [`LoadOptions`] names and either gives a whole [`Project`] or every
//! problem at once, each with file, line and column; [`render`] shows them. The crate reads files
//! and nothing else: no process environment, no clock, no network, no engine.
//!
//! Reading order: `load` (the way), `yaml` (trees with places), `interpolate`, `merge`, `include`,
//! `schema` (what Compose allows), `normal` (what Compose makes of it), `decode` (tables of keys),
//! `assemble` (what refers to what), `render`. Beside the way stand `support` (what becomes of each
//! key), `extension` (`x-landfall`) and `codes`, from which documents are made.

mod assemble;
mod codes;
mod decode;
mod discover;
mod env;
mod extension;
mod files;
mod include;
mod interpolate;
mod load;
mod locate;
mod merge;
mod model;
mod name;
mod normal;
mod project;
mod render;
mod report;
mod schema;
mod secrecy;
mod short;
mod source;
mod suggest;
mod support;
mod text;
mod view;
mod yaml;

pub use assemble::keeps_data;
pub use codes::{CodePage, ExampleFile, codes};
pub use extension::{x_landfall_markdown, x_landfall_schema};
pub use load::{load, read};
pub use model::{Model, VariableUse};
pub use project::{BuildSpec, LoadFailed, LoadOptions, Project};
pub use render::render;
pub use source::Sources;
pub use suggest::nearest;
pub use support::{Fidelity, Owner, Verdict, fidelity, support_markdown};
pub use view::View;
