//! What anchors stand for, and the limits that keep aliases from exploding.
//!
//! Nodes are shared, so nine anchors of nine aliases each cost little memory, but everything that
//! walks the tree would visit 9^9 nodes. Each node therefore knows how much it stands for.

use std::collections::HashMap;

use super::node::Node;

/// Nodes that aliases and merge keys may add to one document. A real file with 400 services that
/// share one anchor needs about 50,000.
pub(super) const ALIASED_MAX: u64 = 250_000;

/// How deep a document may nest, aliases followed.
pub(super) const DEPTH_MAX: u32 = 100;

/// What walking a node costs, aliases followed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    pub(super) nodes: u64,
    pub(super) depth: u32,
}

impl Extent {
    pub(super) const LEAF: Self = Self { nodes: 1, depth: 1 };

    /// A collection's extent with one more child.
    pub(super) fn with_child(self, child: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(child.nodes),
            depth: self.depth.max(child.depth.saturating_add(1)),
        }
    }
}

/// The anchors of one document.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    known: HashMap<usize, (Node, Extent)>,
    aliased: u64,
}

/// Why an alias cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It stands inside the node it names.
    Cycle,
    /// It would add too much.
    Budget,
}

impl Anchors {
    pub(super) fn define(&mut self, id: usize, node: &Node, extent: Extent) {
        if id != 0 {
            self.known.insert(id, (node.clone(), extent));
        }
    }

    pub(super) fn follow(&mut self, id: usize) -> Result<(Node, Extent), Refused> {
        let (node, extent) = self.known.get(&id).ok_or(Refused::Cycle)?;
        self.aliased = self.aliased.saturating_add(extent.nodes);
        if self.aliased > ALIASED_MAX {
            return Err(Refused::Budget);
        }
        Ok((node.clone(), *extent))
    }
}
