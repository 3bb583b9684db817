//! From paths to one merged tree: reads documents, fills in variables, follows `include` and
//! `extends`, merges.
//!
//! A file that is named twice is read once for each time it is named, because its variables may
//! differ; [`LOADS_MAX`] keeps files that include each other in many ways from growing without end.

use std::path::Path;
use std::rc::Rc;

use crate::env::Environment;
use crate::include;
use crate::interpolate::interpolate;
use crate::locate;
use crate::merge::{Extender, canonical, extend_services, merge_trees, strip, unique};
use crate::normal::{Base, build_contexts, resolve};
use crate::report::{Code, Report};
use crate::secrecy;
use crate::source::Span;
use crate::text::read_text;
use crate::yaml::{self, Node};

/// Files that one app may be made of, counted each time they are loaded.
const LOADS_MAX: usize = 1_000;

/// Documents of one file.
const DOCUMENTS_MAX: usize = 200;

/// Where the files of one part of an app stand.
pub(crate) struct Place<'a> {
    /// Where relative paths start; absolute.
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a Environment,
    /// The files that led here by `include`, the first one first.
    pub(crate) chain: &'a [Rc<Path>],
}

/// One document and the file it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) node: Node,
    pub(crate) path: Rc<Path>,
}

/// Reads files and remembers their documents.
pub(crate) struct Files<'a> {
    /// Where the user stands, for showing paths.
    pub(crate) directory: &'a Path,
    /// Every document as written.
    pub(crate) documents: Vec<Node>,
    loads: usize,
}

impl<'a> Files<'a> {
    pub(crate) fn new(directory: &'a Path) -> Self {
        Self { directory, documents: Vec::new(), loads: 0 }
    }

    /// The documents of a file that hold anything; `None` when it cannot be read.
    pub(crate) fn documents_of(
        &mut self,
        path: &Path,
        name: &str,
        wanted_by: Option<Span>,
        report: &mut Report,
    ) -> Option<Vec<Written>> {
        self.loads += 1;
        if self.loads > LOADS_MAX {
            let message = format!("more than {LOADS_MAX} files are loaded");
            report.error(Code::YamlLimit, wanted_by, message);
            return None;
        }
        let file = read_text(path, name, wanted_by, report)?;
        let documents = yaml::read(file, report)?;
        for document in &documents {
            secrecy::mark(document, &mut report.sources);
        }
        if documents.len() > 1
            && let Some(node) = documents.iter().find(|node| node.is_null())
        {
            let message = "a document of this file is empty";
            report.error(Code::Empty, node.span, message).hint("leave out the `---`");
            return None;
        }
        let documents: Vec<Node> = documents.into_iter().filter(|node| !node.is_null()).collect();
        let shapeless = documents.iter().find(|node| node.as_mapping().is_none());
        if let Some(node) = shapeless {
            let message = format!("a compose file must be a mapping, not {}", node.value.kind());
            report.error(Code::WrongType, node.span, message);
            return None;
        }
        if let Some(node) = documents.get(DOCUMENTS_MAX) {
            let message = format!("a file may hold at most {DOCUMENTS_MAX} documents");
            report.error(Code::YamlLimit, node.span, message);
            return None;
        }
        self.documents.extend(documents.iter().cloned());
        let path: Rc<Path> = path.into();
        let written = |node| Written { node, path: Rc::clone(&path) };
        Some(documents.into_iter().map(written).collect())
    }

    /// Documents in their order as one tree, canonical.
    pub(crate) fn merge(
        &mut self,
        documents: &[Written],
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<Node> {
        let mut merged: Option<Node> = None;
        for document in documents {
            let filled = filled(&document.node, place.environment, report);
            let chain: Vec<Rc<Path>> =
                place.chain.iter().chain([&document.path]).cloned().collect();
            let here = Place { chain: &chain, ..*place };
            let whole = include::resolve(filled, &here, self, report);
            let mut others = Others { files: self, place };
            let extended = extend_services(whole, place.folder, &mut others, report);
            merged = Some(match merged {
                Some(base) => unique(&merge_trees(&base, &extended, &mut Vec::new(), report)),
                None => unique(&extended),
            });
        }
        merged.map(|merged| unique(&strip(&merged)))
    }

    /// A part of an app that stands in another folder: merged, with absolute paths.
    pub(crate) fn part(
        &mut self,
        documents: &[Written],
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<Node> {
        let mut part = self.merge(documents, place, report)?;
        build_contexts(&mut part);
        let base = Base { folder: place.folder, home: place.environment.filled("HOME") };
        resolve(&mut part, &base, report);
        Some(part)
    }
}

/// A document with its variables filled in, canonical.
fn filled(document: &Node, environment: &Environment, report: &mut Report) -> Node {
    canonical(&interpolate(document, environment, report), report)
}

/// Opens the files that `extends` names.
struct Others<'f, 'a, 'p> {
    files: &'f mut Files<'a>,
    place: &'p Place<'p>,
}

impl Extender for Others<'_, '_, '_> {
    fn open(&mut self, path: &Path, wanted_by: Span, report: &mut Report) -> Option<Node> {
        let name = locate::shown(path, self.files.directory);
        let documents = self.files.documents_of(path, &name, Some(wanted_by), report)?;
        let mut merged: Option<Node> = None;
        for document in &documents {
            let filled = filled(&document.node, self.place.environment, report);
            merged = Some(match merged {
                Some(base) => merge_trees(&base, &filled, &mut Vec::new(), report),
                None => filled,
            });
        }
        if merged.is_none() {
            let message = format!("there is nothing to extend in `{name}`");
            report.error(Code::Undefined, wanted_by, message);
        }
        merged
    }

    fn home(&self) -> Option<&str> {
        self.place.environment.filled("HOME")
    }
}
