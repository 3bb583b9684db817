//! From the merged tree to the tree that `docker compose config` prints: long forms, types, defaults,
//! names, absolute paths, the content of environment files.
//!
//! Every node keeps the place it was written at; what Compose adds has the place of what it was
//! added to. The order is compose-go's: [`defaults`] and [`paths`] on the merged tree, then `typed`,
//! [`names`], [`profiles`], [`consistency`], [`environment`]. [`config`] prints.

mod config;
mod consistency;
mod defaults;
mod environment;
mod graph;
mod lists;
mod names;
mod paths;
mod port;
mod profiles;
mod scalar;
mod shape;
mod tables;
mod typed;
mod validation;
mod volume;

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

pub(crate) use config::config;
pub(crate) use defaults::build_contexts;
pub(crate) use paths::{Base, resolve};

use crate::env::Environment;
use crate::report::Report;
use crate::yaml::{Entry, Node, Value};
use shape::Kind;
use typed::Typing;

/// What surrounds a tree.
pub(crate) struct Around<'a> {
    /// The app's name.
    pub(crate) name: &'a str,
    pub(crate) environment: &'a Environment,
    /// Where relative paths start; absolute.
    pub(crate) project_dir: &'a Path,
    /// Where the user stands, for showing paths.
    pub(crate) directory: &'a Path,
    /// Enabled profiles.
    pub(crate) profiles: &'a [String],
}

/// The tree and what of it takes part.
#[derive(Debug)]
pub(crate) struct Normal {
    pub(crate) root: Node,
    /// Services whose profiles are not enabled.
    pub(crate) disabled: BTreeSet<Rc<str>>,
}

/// Normalises a merged tree. The result counts only when no error was reported.
pub(crate) fn normalise(merged: &Node, around: &Around<'_>, report: &mut Report) -> Normal {
    let mut root = merged.clone();
    validation::externals(&mut root, report);
    build_contexts(&mut root);
    defaults::device_counts(&mut root);
    validation::validate(&root, report);
    let base = Base { folder: around.project_dir, home: around.environment.filled("HOME") };
    resolve(&mut root, &base, report);
    defaults::implicit(&mut root, around.environment);
    names::resources(&mut root, around.name);
    let mut root = typed(&root, report);
    names::secrets(&mut root);
    let disabled = profiles::disabled(&root, around.profiles);
    let errors = report.errors_met();
    consistency::check(&root, &disabled, report);
    if report.errors_met() == errors {
        graph::refuse_cycles(&root, &disabled, report);
    }
    environment::fill(&mut root, &disabled, around, report);
    Normal { root, disabled }
}

const SECTIONS: &[(&str, Kind)] = &[
    ("services", Kind::Map(&Kind::Object(tables::SERVICE))),
    ("networks", Kind::Map(&Kind::Object(tables::NETWORK))),
    ("volumes", Kind::Map(&Kind::Object(tables::TOP_VOLUME))),
    ("secrets", Kind::Map(&Kind::Object(tables::SECRET))),
    ("configs", Kind::Map(&Kind::Object(tables::CONFIG))),
    ("models", Kind::Map(&Kind::Object(tables::MODEL))),
];

/// All values with their types. Keys of the top that mean nothing to Compose go away.
fn typed(root: &Node, report: &mut Report) -> Node {
    let mut out = crate::yaml::Mapping::new();
    for (name, entry) in root.as_mapping().into_iter().flatten() {
        let section = SECTIONS.iter().find(|(section, _)| *section == &**name);
        let value = match section {
            Some((_, kind)) => {
                let mut typing = Typing::new(report);
                let section = typing.within(name, |t| t.value(kind, &entry.value));
                section.unwrap_or_else(|| Node::new(Value::Mapping(Rc::default()), entry.key))
            }
            None if name.starts_with("x-") => entry.value.clone(),
            None => continue,
        };
        out.insert(Rc::clone(name), Entry { key: entry.key, value });
    }
    if !out.contains_key("services") {
        let value = Node::new(Value::Mapping(Rc::default()), root.span);
        out.insert("services".into(), Entry { key: root.span, value });
    }
    root.with(Value::Mapping(Rc::new(out)))
}
