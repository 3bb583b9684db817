//! `extends`: a service over another one, of the same file or of a second file.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::over::merge_trees;
use crate::normal::{Base, resolve};
use crate::report::{Code, Report};
use crate::source::Span;
use crate::yaml::{Entry, Mapping, Node, Value};

/// Chains of `extends` may be this long.
const CHAIN_MAX: usize = 32;

/// Nodes that the services of one document may come to by extending others.
const EXTENDED_MAX: usize = 1_000_000;

/// Loads another compose file for `extends`: its tree, interpolated and canonical.
pub(crate) trait Extender {
    fn open(&mut self, path: &Path, wanted_by: Span, report: &mut Report) -> Option<Node>;

    /// What `~` stands for.
    fn home(&self) -> Option<&str>;
}

/// The document with every `extends` carried out. `folder` is where its paths start.
pub(crate) fn extend_services(
    document: Node,
    folder: &Path,
    files: &mut dyn Extender,
    report: &mut Report,
) -> Node {
    let Some(root) = document.as_mapping() else { return document };
    let Some(services) = root.get("services").and_then(|e| e.value.as_mapping()) else {
        return document;
    };
    if !services.values().any(|entry| entry.value.get("extends").is_some()) {
        return document;
    }
    let mut extended = Mapping::with_capacity(services.len());
    let mut budget = EXTENDED_MAX;
    for (name, entry) in services {
        if entry.value.get("extends").is_none() {
            extended.insert(Rc::clone(name), entry.clone());
            continue;
        }
        let home =
            Home { document: document.clone(), folder: folder.to_path_buf(), file: PathBuf::new() };
        let mut walk = Walk { files, report, chain: Vec::new() };
        let value = walk.service(name, &entry.value, &home);
        budget = budget.saturating_sub(value.count(budget + 1));
        if budget == 0 {
            let message = "services that extend others make this app too large";
            report.error(Code::TooLarge, entry.key, message);
            break;
        }
        extended.insert(Rc::clone(name), Entry { key: entry.key, value });
    }
    let mut root = root.clone();
    if let Some(entry) = root.get_mut("services") {
        entry.value = entry.value.with(Value::Mapping(Rc::new(extended)));
    }
    document.with(Value::Mapping(Rc::new(root)))
}

/// The document a service was found in.
struct Home {
    document: Node,
    folder: PathBuf,
    /// Tells documents apart; empty for the one that is being loaded.
    file: PathBuf,
}

struct Walk<'a> {
    files: &'a mut dyn Extender,
    report: &'a mut Report,
    chain: Vec<(PathBuf, String)>,
}

impl Walk<'_> {
    fn service(&mut self, name: &str, service: &Node, home: &Home) -> Node {
        let Some(mapping) = service.as_mapping() else { return service.clone() };
        let Some(extends) = mapping.get("extends").filter(|e| !e.value.is_null()) else {
            return service.clone();
        };
        let mut own = mapping.clone();
        own.shift_remove("extends");
        let own = service.with(Value::Mapping(Rc::new(own)));
        let base = self.base(&extends.value, home);
        match base {
            Some(base) => merge_trees(&base, &own, &mut vec!["services", name], self.report),
            // `extends` stays as the mark of a service that is not whole.
            None => service.clone(),
        }
    }

    fn base(&mut self, extends: &Node, home: &Home) -> Option<Node> {
        let Some(wanted) = extends.get("service").filter(|node| node.as_text().is_some()) else {
            self.report
                .error(Code::KeyMissing, extends.span, "`extends` must name a `service`")
                .hint("write `extends: {service: NAME, file: FILE}`");
            return None;
        };
        let name = wanted.as_text()?.to_owned();
        let other = match extends.get("file") {
            Some(file) => {
                let path = crate::locate::clean(&home.folder.join(file.as_text()?));
                let document = self.files.open(&path, file.span, self.report)?;
                let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
                Home { document, folder, file: path }
            }
            None => Home {
                document: home.document.clone(),
                folder: home.folder.clone(),
                file: home.file.clone(),
            },
        };
        let link = (other.file.clone(), name.clone());
        if self.chain.contains(&link) || self.chain.len() >= CHAIN_MAX {
            let message = format!("`{name}` extends itself in the end");
            self.report.error(Code::Cycle, extends.span, message);
            return None;
        }
        let found = self.find(&name, wanted.span, &other)?;
        self.chain.push(link);
        let base = self.service(&name, &found, &other);
        self.chain.pop();
        Some(if other.folder == home.folder { base } else { self.rebase(&base, &other.folder) })
    }

    /// The service with its paths resolved against the folder it was written in.
    fn rebase(&mut self, service: &Node, folder: &Path) -> Node {
        let wrap = |name: &str, value: Node| {
            let mut entries = Mapping::new();
            entries.insert(name.into(), Entry { key: service.span, value });
            service.with(Value::Mapping(Rc::new(entries)))
        };
        let mut document = wrap("services", wrap("x", service.clone()));
        resolve(&mut document, &Base { folder, home: self.files.home() }, self.report);
        let rebased = document.get("services").and_then(|services| services.get("x"));
        rebased.cloned().unwrap_or_else(|| service.clone())
    }

    fn find(&mut self, name: &str, at: Span, home: &Home) -> Option<Node> {
        let services = home.document.get("services").and_then(Node::as_mapping);
        if let Some(entry) = services.and_then(|services| services.get(name)) {
            return Some(entry.value.clone());
        }
        let known = services.into_iter().flat_map(Mapping::keys).map(|name| &**name);
        self.report
            .error(Code::Undefined, at, format!("there is no service `{name}` to extend"))
            .suggest(name, known);
        None
    }
}
