//! The whole app, and the way to files around it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use landfall_compose::{LoadOptions, Model, View, read};
use landfall_core::diagnostic::Location;

use super::service::allowed;
use super::{DotEnv, Service};
use crate::folder::Kind;
use crate::know;
use crate::surroundings::{EngineFacts, Purpose, Surroundings};

/// Services that rules look at: some compare each with each.
const SERVICES_MAX: usize = 2000;
/// Folders that a shown path climbs; what is farther away is shown from the root.
const UP_MAX: usize = 4;
/// Compose files beside ours that are read.
const SIBLINGS_MAX: usize = 8;

/// An app with what is around it.
pub(crate) struct App<'a> {
    pub(crate) model: &'a Model,
    around: &'a Surroundings,
    services: Vec<Service<'a>>,
    index: BTreeMap<&'a str, usize>,
    /// Services beyond those that are looked at.
    pub(crate) more: usize,
    allowed: BTreeSet<String>,
    dotenv: OnceCell<Option<DotEnv>>,
    uses: OnceCell<BTreeMap<String, Used>>,
    siblings: OnceCell<Vec<(String, Model)>>,
}

/// How the files use a variable.
#[derive(Default)]
struct Used {
    is_set: bool,
    is_needed: bool,
}

/// A place in a file that is no compose file.
pub(crate) fn place(file: &str, line: u32, column: u32) -> Location {
    Location { file: file.to_owned(), line, column, end: None }
}

impl<'a> App<'a> {
    pub(crate) fn new(model: &'a Model, around: &'a Surroundings) -> Self {
        let directory = model.directory();
        let services = model.services().map(|(name, view)| Service::new(name, view, directory));
        let mut services: Vec<Service<'a>> = services.take(SERVICES_MAX).collect();
        let more = model.services().count().saturating_sub(SERVICES_MAX);
        let awaited: BTreeSet<String> = services
            .iter()
            .filter_map(|service| service.view.get("depends_on"))
            .flat_map(View::entries)
            .filter(|(_, on)| {
                let condition = on.get("condition").and_then(View::text);
                condition == Some("service_completed_successfully")
            })
            .map(|(name, _)| name.to_owned())
            .collect();
        for service in &mut services {
            service.is_one_off |= awaited.contains(service.name);
        }
        Self {
            model,
            around,
            index: services.iter().enumerate().map(|(at, s)| (s.name, at)).collect(),
            services,
            more,
            allowed: allowed(model.root()),
            dotenv: OnceCell::new(),
            uses: OnceCell::new(),
            siblings: OnceCell::new(),
        }
    }

    /// Services that run in production; all of them when the app is checked for development.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Service<'a>> {
        let everything = self.is_for_development();
        self.services.iter().filter(move |service| everything || !service.is_for_development())
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Service<'a>> {
        self.index.get(name).map(|at| &self.services[*at])
    }

    pub(crate) fn allows(&self, rule: &str) -> bool {
        self.allowed.contains(rule)
    }

    pub(crate) fn is_for_development(&self) -> bool {
        self.around.purpose == Purpose::Development
    }

    pub(crate) fn directory(&self) -> &'a Path {
        self.model.directory()
    }

    pub(crate) fn engine(&self) -> Option<&'a EngineFacts> {
        self.around.engine.as_ref()
    }

    pub(crate) fn text(&self, path: &Path) -> Option<String> {
        self.around.folder.text(path)
    }

    pub(crate) fn head(&self, path: &Path, bytes: usize) -> Option<Vec<u8>> {
        self.around.folder.head(path, bytes)
    }

    pub(crate) fn kind(&self, path: &Path) -> Option<Kind> {
        self.around.folder.kind(path)
    }

    pub(crate) fn names(&self, path: &Path) -> Vec<String> {
        self.around.folder.names(path)
    }

    pub(crate) fn tracked(&self, path: &Path) -> Vec<PathBuf> {
        self.around.folder.tracked(path)
    }

    /// A path as it is shown: relative to where the user stands.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let from = self.around.shown_from.as_deref().unwrap_or(self.directory());
        let mut up = String::new();
        for parent in from.ancestors().take(UP_MAX).filter(|folder| folder.parent().is_some()) {
            if let Ok(rest) = path.strip_prefix(parent) {
                return format!("{up}{}", rest.display());
            }
            up.push_str("../");
        }
        path.to_string_lossy().into_owned()
    }

    /// `.env` of the project.
    pub(crate) fn dotenv(&self) -> Option<&DotEnv> {
        let read = || {
            let path = self.directory().join(".env");
            Some(DotEnv::parse(&path, &self.text(&path)?))
        };
        self.dotenv.get_or_init(read).as_ref()
    }

    /// The raw services of every document: its index, their name and what is written.
    pub(crate) fn written(&self) -> impl Iterator<Item = (usize, &'a str, View<'a>)> {
        self.model.documents().enumerate().flat_map(|(index, document)| {
            let services = document.get("services").into_iter().flat_map(View::entries);
            services.map(move |(name, view)| (index, name, view))
        })
    }

    /// Whether a variable of compose files has a value; `None` when the files do not use it.
    pub(crate) fn is_set(&self, name: &str) -> Option<bool> {
        self.uses().get(name).map(|used| used.is_set)
    }

    /// Whether the files use a variable without saying what to do when it has no value.
    pub(crate) fn needs(&self, name: &str) -> bool {
        self.uses().get(name).is_some_and(|used| used.is_needed)
    }

    fn uses(&self) -> &BTreeMap<String, Used> {
        self.uses.get_or_init(|| {
            let mut uses: BTreeMap<String, Used> = BTreeMap::new();
            for used in self.model.variables() {
                let known = uses.entry(used.name.clone()).or_default();
                known.is_set |= used.is_set;
                known.is_needed |= !used.has_operator;
            }
            uses
        })
    }

    /// Whether Compose has a value for a variable, of the files or of the environment.
    pub(crate) fn has_value(&self, name: &str) -> bool {
        self.is_set(name).unwrap_or_else(|| {
            self.around.environment.contains_key(name)
                || self.dotenv().is_some_and(|dotenv| dotenv.get(name).is_some())
        })
    }

    /// A path of the files, absolute.
    pub(crate) fn resolve(&self, path: &str) -> Option<PathBuf> {
        super::mount::absolute(path, self.directory())
    }

    /// Every compose file that was read, by name.
    pub(crate) fn file_names(&self) -> BTreeSet<PathBuf> {
        let from = self.around.shown_from.as_deref().unwrap_or(self.directory());
        self.model.sources.names().map(|name| from.join(name)).collect()
    }

    /// Compose files beside ours that are apps of their own: each service of them has an image or a
    /// build, so they are no overlays.
    pub(crate) fn siblings(&self) -> &[(String, Model)] {
        self.siblings.get_or_init(|| self.read_siblings())
    }

    fn read_siblings(&self) -> Vec<(String, Model)> {
        let ours = self.file_names();
        let is_compose = |name: &String| {
            know::is_compose_file(name) && !ours.contains(&self.directory().join(name))
        };
        let names = self.names(self.directory()).into_iter().filter(is_compose);
        let read = |name: String| {
            let options = LoadOptions {
                files: vec![self.directory().join(&name)],
                directory: self.directory().to_owned(),
                environment: self.around.environment.clone(),
                ..LoadOptions::default()
            };
            let model = read(&options).ok()?;
            let whole = |view: View<'_>| view.get("image").is_some() || view.get("build").is_some();
            let complete = model.services().all(|(_, view)| whole(view));
            (complete && model.services().next().is_some()).then_some((name, model))
        };
        names.take(SIBLINGS_MAX).filter_map(read).collect()
    }

    /// Names under which services can reach each other: services, aliases, container names.
    pub(crate) fn host_names(&self) -> BTreeMap<String, &'a str> {
        let mut names = BTreeMap::new();
        for service in &self.services {
            names.insert(service.name.to_owned(), service.name);
            let single = ["container_name", "hostname"].into_iter();
            let texts = single.filter_map(|key| service.view.get(key).and_then(View::printed));
            names.extend(texts.map(|text| (text, service.name)));
            let networks = service.view.get("networks").into_iter().flat_map(View::entries);
            let aliases = networks.filter_map(|(_, network)| network.get("aliases"));
            let aliases = aliases.flat_map(View::items).filter_map(View::printed);
            names.extend(aliases.map(|alias| (alias, service.name)));
            let links = service.view.get("links").into_iter().flat_map(View::items);
            for link in links.filter_map(View::printed) {
                let Some((to, alias)) = link.split_once(':') else { continue };
                if let Some(to) = self.service(to) {
                    names.insert(alias.to_owned(), to.name);
                }
            }
        }
        names
    }
}

/// Questions to what may stand at a path.
pub(crate) trait Kinded {
    fn is_file(&self) -> bool;
    fn is_folder(&self) -> bool;
}

impl Kinded for Option<Kind> {
    fn is_file(&self) -> bool {
        matches!(self, Some(Kind::File { .. }))
    }

    fn is_folder(&self) -> bool {
        *self == Some(Kind::Folder)
    }
}
