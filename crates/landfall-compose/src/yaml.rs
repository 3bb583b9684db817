//! YAML as Compose reads it: one document becomes a tree of [`Node`]s, every node with its place.
//!
//! Scalars resolve as go-yaml does it, anchors are shared nodes, merge keys are applied. Knows
//! nothing of Compose but the two tags `!reset` and `!override`. Next: [`read`].

mod anchor;
mod complaint;
mod mapping;
mod node;
mod read;
mod scalar;

pub(crate) use mapping::Mapping;
pub(crate) use node::{Directive, Entry, Node, Value};
pub(crate) use read::read;
