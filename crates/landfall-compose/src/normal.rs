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
use crate::yaml::{Entry, Mapping, Node, Value};
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
    let base = Base { folder: around.project_dir, home: around.environment.filled("HOME") };
    paths::resources(&mut root, &base);
    validation::resources(&root, report);
    let mut stage = Stage { around, base, report, default_network: false };
    let services = stage.services(&mut root);
    if stage.default_network {
        defaults::network(&mut root);
    }
    names::resources(&mut root, around.name);
    let root = typed(&root, services, report);
    let disabled = profiles::disabled(&root, around.profiles);
    let mut normal = Normal { root, disabled };
    let errors = report.errors_met();
    consistency::check(&normal.root, &normal.disabled, report);
    if report.errors_met() == errors {
        graph::refuse_cycles(&normal.root, &normal.disabled, report);
    }
    environment::fill(&mut normal.root, &normal.disabled, around, report);
    normal
}

/// Services one by one, so that of what lies between the merged and the typed form there is never
/// more than one.
struct Stage<'a, 'r> {
    around: &'a Around<'a>,
    base: Base<'a>,
    report: &'r mut Report,
    default_network: bool,
}

impl Stage<'_, '_> {
    /// Takes the services out of the tree and gives them typed.
    fn services(&mut self, root: &mut Node) -> Option<Entry> {
        let entry = root.entries_mut()?.shift_remove("services")?;
        let services = entry.value.as_mapping();
        let mut out = Mapping::with_capacity(services.map_or(0, Mapping::len));
        if services.is_none() && !entry.value.is_null() {
            Typing::new(self.report).wrong(&entry.value, "a mapping");
        }
        let key: Rc<str> = "services".into();
        let mut ports_left = typed::PORTS_MAX;
        for (name, written) in services.into_iter().flatten() {
            let mut service = written.value.clone();
            if service.as_mapping().is_some() {
                self.complete(&mut service);
            }
            let mut typing = Typing::new(self.report);
            typing.ports_left = ports_left;
            let kind = Kind::Object(tables::SERVICE);
            let value = typing.within(&key, |t| t.within(name, |t| t.value(&kind, &service)));
            ports_left = typing.ports_left;
            let mut value = value.unwrap_or_else(|| Node::new(Value::Null, written.value.span));
            names::secrets(&mut value);
            out.insert(Rc::clone(name), Entry { key: written.key, value });
        }
        let value = entry.value.with(Value::Mapping(Rc::new(out)));
        Some(Entry { key: entry.key, value })
    }

    /// Everything that Compose adds before it looks at types.
    fn complete(&mut self, service: &mut Node) {
        defaults::build_context(service);
        defaults::device_counts(service);
        validation::service(service, self.report);
        self.base.service(service, self.report);
        self.default_network |= defaults::implicit(service, self.around.environment);
    }
}

const SECTIONS: &[(&str, Kind)] = &[
    ("networks", Kind::Map(&Kind::Object(tables::NETWORK))),
    ("volumes", Kind::Map(&Kind::Object(tables::TOP_VOLUME))),
    ("secrets", Kind::Map(&Kind::Object(tables::SECRET))),
    ("configs", Kind::Map(&Kind::Object(tables::CONFIG))),
    ("models", Kind::Map(&Kind::Object(tables::MODEL))),
];

/// All values with their types. Keys of the top that mean nothing to Compose go away.
fn typed(root: &Node, services: Option<Entry>, report: &mut Report) -> Node {
    let nothing = |span| Node::new(Value::Mapping(Rc::default()), span);
    let mut out = Mapping::new();
    let services = services.unwrap_or(Entry { key: root.span, value: nothing(root.span) });
    out.insert("services".into(), services);
    for (name, entry) in root.as_mapping().into_iter().flatten() {
        let section = SECTIONS.iter().find(|(section, _)| *section == &**name);
        let value = match section {
            Some((_, kind)) => {
                let mut typing = Typing::new(report);
                let section = typing.within(name, |t| t.value(kind, &entry.value));
                section.unwrap_or_else(|| nothing(entry.key))
            }
            None if name.starts_with("x-") => entry.value.clone(),
            None => continue,
        };
        out.insert(Rc::clone(name), Entry { key: entry.key, value });
    }
    root.with(Value::Mapping(Rc::new(out)))
}
