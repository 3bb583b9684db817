//! What Compose makes of the files, before anything of it is judged: for `landfall config`, for
//! `landfall check` and for whoever wants to look at a file that cannot be deployed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use landfall_core::diagnostic::{Diagnostic, Location};
use landfall_core::id::AppName;

use crate::env::Environment;
use crate::interpolate::template::Use;
use crate::normal::{Normal, config};
use crate::source::{Sources, Span};
use crate::view::View;
use crate::yaml::Node;

/// The files as Compose reads them.
#[derive(Debug)]
pub struct Model {
    pub(crate) name: AppName,
    pub(crate) directory: PathBuf,
    /// Everything merged, in canonical forms, with nothing added.
    pub(crate) merged: Node,
    /// Everything merged and completed.
    pub(crate) normal: Normal,
    /// Every document as written, in the order of reading.
    pub(crate) documents: Vec<Node>,
    pub(crate) variables: Vec<VariableUse>,
    pub(crate) environment: Environment,
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
    /// The expression as written: `${NAME:-default}`.
    pub expression: String,
    /// The expression's place.
    pub at: Location,
    /// It had a value, even an empty one.
    pub is_set: bool,
    /// The expression says what to do without a value (`:-`, `-`, `:+`, `?` and the like).
    pub has_operator: bool,
}

/// Uses that are kept.
const USES_MAX: usize = 20_000;

/// Uses of variables while files are read: a shared anchor counts once.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    known: HashSet<(Span, String)>,
    uses: Vec<(Span, Use)>,
}

impl Variables {
    pub(crate) fn add(&mut self, one: Use, at: Span) {
        if self.uses.len() < USES_MAX && self.known.insert((at, one.name.clone())) {
            self.uses.push((at, one));
        }
    }

    pub(crate) fn finish(self, sources: &Sources) -> Vec<VariableUse> {
        let public = self.uses.into_iter().map(|(at, one)| VariableUse {
            name: one.name,
            expression: one.expression,
            at: sources.location(at),
            is_set: one.is_set,
            has_operator: one.has_operator,
        });
        public.collect()
    }
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

    /// The whole app as `docker compose config --format json` prints it: only what takes part, and
    /// with every dollar sign doubled.
    pub fn config(&self) -> serde_json::Value {
        config(&self.normal, self.name.as_str(), &self.sources, false)
    }

    /// The same with the networks, volumes, configs and secrets that no enabled service uses.
    pub fn config_of_all(&self) -> serde_json::Value {
        config(&self.normal, self.name.as_str(), &self.sources, true)
    }

    /// The variables that the files were filled in with; their values may be secrets.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.all()
    }

    /// The whole tree: all files merged, variables filled in, short forms made long, values with
    /// their types, paths absolute. What is empty, zero or false is left out as Compose leaves it
    /// out; services that are disabled and extensions are still in it.
    pub fn root(&self) -> View<'_> {
        View::new(&self.normal.root, None, &self.sources)
    }

    /// Whether a service takes part: it has no profile, or one of its profiles is enabled.
    pub fn is_enabled(&self, service: &str) -> bool {
        let services = self.normal.root.get("services");
        services.and_then(|services| services.get(service)).is_some()
            && !self.normal.disabled.contains(service)
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
