//! The merged tree to typed drafts, by tables: every key of Compose stands in a [`Keys`] table with
//! what becomes of it, so nothing is ever dropped without a word.
//!
//! Each module owns the tables of one part of a file. Drafts keep places; what refers to what is
//! checked later, in `assemble`.

mod block;
mod build;
mod depends;
mod deploy;
mod gpus;
mod grants;
mod health;
mod hooks;
mod ipam;
mod keys;
mod landfall;
mod limits;
mod namespaces;
mod networks;
mod ports;
mod process;
mod project;
mod service;
mod top;
mod value;
mod volumes;

use std::borrow::Cow;
use std::path::Path;

use crate::env::Environment;
use crate::report::{Code, Report};
use crate::source::Span;
use crate::text::shortened;
use crate::yaml::{Entry, Mapping, Node};

pub(crate) use grants::{Grant, Material, MaterialSource};
pub(crate) use keys::{Keys, Rule};
pub(crate) use landfall::{ServiceExtension, Update};
pub(crate) use namespaces::{NetworkMode, Peer, Tie};
pub(crate) use networks::{Joined, NetworkDraft};
pub(crate) use project::{ProjectDraft, decode_project};
pub(crate) use service::{Restart, ServiceDraft};

/// Entries of one list.
const LIST_MAX: usize = 10_000;

/// Decodes nodes and reports what is wrong with them.
pub(crate) struct Decoder<'a> {
    pub(crate) report: &'a mut Report,
    pub(crate) environment: &'a Environment,
    pub(crate) project_dir: &'a Path,
    path: Vec<String>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(
        report: &'a mut Report,
        environment: &'a Environment,
        project_dir: &'a Path,
    ) -> Self {
        Self { report, environment, project_dir, path: Vec::new() }
    }

    /// Where in the document this is, for messages: `services.web.ports.0`.
    fn here(&self) -> String {
        self.path.join(".")
    }

    /// Runs one step deeper in the document.
    fn within<R>(&mut self, segment: impl Into<String>, run: impl FnOnce(&mut Self) -> R) -> R {
        let segment = segment.into();
        let short = match shortened(&segment) {
            Cow::Owned(short) => short,
            Cow::Borrowed(_) => segment,
        };
        self.path.push(short);
        let result = run(self);
        self.path.pop();
        result
    }

    /// Decodes a mapping by its table. An empty value is as good as none.
    fn keys<T>(&mut self, node: &Node, keys: &Keys<T>, into: &mut T) {
        let Some(mapping) = self.mapping(node) else { return };
        for (name, entry) in mapping {
            match keys.find(name) {
                Some(_) if entry.value.is_null() => {}
                Some(Rule::Take(take)) => self.within(&**name, |d| take(d, entry, into)),
                Some(Rule::NotYet(hint)) => self.not_yet(&format!("`{name}`"), entry.key, hint),
                Some(Rule::Refused(why, instead)) => {
                    self.refused(&format!("`{name}`"), entry.key, why, instead);
                }
                Some(Rule::Ignored(why)) => {
                    let message = format!("`{name}` is ignored: {why}");
                    self.report.warning(Code::Ignored, entry.key, message);
                }
                Some(Rule::NoEffect) => {}
                None => self.unknown_key(name, entry, keys),
            }
        }
    }

    fn unknown_key<T>(&mut self, name: &str, entry: &Entry, keys: &Keys<T>) {
        if name == "x-landfall" {
            let message = format!("`x-landfall` means nothing in {}", keys.owner);
            let hint = "it stands at the top of the file, in a service or in a volume";
            self.report.error(Code::UnknownKey, entry.key, message).hint(hint);
            return;
        }
        if name.starts_with("x-") {
            return;
        }
        if self.is_said() {
            self.report.silent();
            return;
        }
        let known = keys.rules.iter().map(|(name, _)| *name);
        let message = format!("{} has no key `{}`", keys.owner, shortened(name));
        self.report.error(Code::UnknownKey, entry.key, message).suggest(name, known);
    }

    /// Whether the schema has said what is wrong with keys and types. Of `x-landfall` it knows
    /// nothing.
    fn is_said(&self) -> bool {
        self.report.misshapen && self.path.iter().all(|segment| segment != "x-landfall")
    }

    /// Something that Compose can and landfall cannot yet.
    pub(crate) fn not_yet(&mut self, what: &str, at: Span, hint: &str) {
        let finding =
            self.report.error(Code::NotSupported, at, format!("{what} is not supported yet"));
        if !hint.is_empty() {
            finding.hint(hint);
        }
    }

    /// Something that Compose can and landfall will not: why, and what to do instead.
    pub(crate) fn refused(&mut self, what: &str, at: Span, why: &str, instead: &str) {
        let message = format!("{what} cannot be honoured: {why}");
        self.report.error(Code::NotSupported, at, message).hint(instead);
    }

    /// Something that landfall does in another way than Compose.
    pub(crate) fn differently(&mut self, what: &str, at: Span, how: &str) {
        self.report.warning(Code::Differently, at, format!("{what}: {how}"));
    }

    /// A value that has the right type but makes no sense.
    fn invalid(&mut self, node: &Node, why: &str) -> crate::report::Finding<'_> {
        let message = format!("`{}`: {why}", self.here());
        self.report.error(Code::InvalidValue, node.span, message)
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str) -> crate::report::Finding<'_> {
        if node.is_refused() || self.is_said() {
            return self.report.silent();
        }
        let message = format!("`{}` must be {wanted}, not {}", self.here(), node.value.kind());
        self.report.error(Code::WrongType, node.span, message)
    }

    fn mapping<'n>(&mut self, node: &'n Node) -> Option<&'n Mapping> {
        let mapping = node.as_mapping();
        if mapping.is_none() {
            self.wrong_type(node, "a mapping");
        }
        mapping
    }

    fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        node.as_sequence().unwrap_or_else(|| {
            self.wrong_type(node, "a list");
            &[]
        })
    }

    /// Runs for each item of a list.
    fn each(&mut self, node: &Node, mut run: impl FnMut(&mut Self, &Node)) {
        for (index, item) in self.list(node).iter().enumerate() {
            if index >= LIST_MAX {
                let message = format!("`{}` has more than {LIST_MAX} entries", self.here());
                self.report.error(Code::TooLarge, item.span, message);
                break;
            }
            self.within(index.to_string(), |d| run(d, item));
        }
    }
}
