//! What Compose makes of the files, before anything of it is judged: for `landfall config`, for
//! `landfall check` and for whoever wants to look at a file that cannot be deployed.

use std::path::{Path, PathBuf};

use landfall_core::diagnostic::{Diagnostic, Location};
use landfall_core::id::AppName;

use crate::source::Sources;
use crate::view::View;
use crate::yaml::Node;

/// The files as Compose reads them.
#[derive(Debug)]
pub struct Model {
    pub(crate) name: AppName,
    pub(crate) directory: PathBuf,
    /// Everything merged, in canonical forms.
    pub(crate) merged: Node,
    /// Every document as written, in the order of reading.
    pub(crate) documents: Vec<Node>,
    pub(crate) variables: Vec<VariableUse>,
    /// What to look at: findings that do not stop Compose.
    pub warnings: Vec<Diagnostic>,
    /// The texts that places point into.
    pub sources: Sources,
}

/// One place where a compose file asks for a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableUse {
    /// Name of the variable.
    pub name: String,
    /// The expression's place.
    pub at: Location,
    /// It had a value, even an empty one.
    pub is_set: bool,
    /// The expression says what to do without a value (`:-`, `-`, `:+`, `?` and the like).
    pub has_operator: bool,
}

impl Model {
    /// Name of the app.
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Where relative paths inside the files start; absolute.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The whole tree: all files merged, variables filled in, short forms made long.
    pub fn root(&self) -> View<'_> {
        View::new(&self.merged, None, &self.sources)
    }

    /// Services in the order of the files, disabled ones too.
    pub fn services(&self) -> impl Iterator<Item = (&str, View<'_>)> {
        self.root().get("services").into_iter().flat_map(View::entries)
    }

    /// Every document as written: before variables, merging and canonical forms.
    pub fn documents(&self) -> impl Iterator<Item = View<'_>> {
        self.documents.iter().map(|node| View::new(node, None, &self.sources))
    }

    /// Every use of a variable in the files, in no particular order.
    pub fn variables(&self) -> &[VariableUse] {
        &self.variables
    }
}
