//! What landfall does with each key of Compose: one table, from which `landfall check` makes its
//! report and `docs/compose-support.md` is written.
//!
//! The tables in `support/` are prose about the rest of the crate; tests hold them to the schema
//! and to the tables of `decode`.

mod build;
mod data;
mod deploy;
mod differences;
mod limits;
mod markdown;
mod network;
mod row;
mod service;
#[cfg(test)]
mod tie;
mod top;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::LazyLock;

use landfall_core::diagnostic::Location;
use serde::Serialize;

use crate::model::Model;
use crate::schema::{FILE, Kind, Shape};
use crate::view::View;
use row::{Here, Row};

/// What becomes of one key that a file uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fidelity {
    /// Whose key it is.
    pub owner: Owner,
    /// The key below its owner: `deploy.update_config.order`.
    pub key: String,
    /// Where the key stands.
    pub at: Location,
    /// What becomes of it.
    pub verdict: Verdict,
    /// How it is honoured, or what happens instead; none when it is honoured as Compose does.
    pub explanation: Option<&'static str>,
    /// What the key is for.
    pub meaning: &'static str,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Owner {
    /// The app: a key at the top of the file.
    App,
    /// A service.
    Service(String),
    /// A network.
    Network(String),
    /// A volume.
    Volume(String),
    /// A config.
    Config(String),
    /// A secret.
    Secret(String),
    /// A model.
    Model(String),
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It means what it means to Compose.
    Honoured,
    /// It is honoured in another way.
    HonouredDifferently,
    /// It is left aside; the deploy goes on.
    Ignored,
    /// It stops a deploy.
    Refused,
}

impl Verdict {
    /// In words, as the report says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::HonouredDifferently => "honoured differently",
            Self::Ignored => "not honoured: ignored",
            Self::Refused => "not honoured: refused",
        }
    }
}

/// What becomes of every key that a file uses, in the order of the file.
///
/// A key inside of another is listed when something else becomes of it than of the outer one; a key
/// that stands in several entries of a list is listed once. Services whose profile is not enabled are
/// left out: what is not deployed need not be deployable.
pub fn fidelity(model: &Model) -> Vec<Fidelity> {
    let mut walk = Walk {
        disabled: &model.normal.disabled,
        owner: Owner::App,
        path: String::new(),
        said: HashSet::new(),
        found: Vec::new(),
    };
    let root = View::new(&model.merged, None, &model.sources);
    walk.inside(root, &FILE, None);
    walk.found
}

struct Walk<'m> {
    /// Services that do not take part.
    disabled: &'m BTreeSet<Rc<str>>,
    owner: Owner,
    /// Pattern of where this is: `services.*.ports`.
    path: String,
    /// Rows that were listed for this owner.
    said: HashSet<*const Row>,
    found: Vec<Fidelity>,
}

impl Walk<'_> {
    fn inside(&mut self, view: View<'_>, shape: &'static Shape, outer: Option<Here>) {
        for kind in shape.kinds {
            match kind {
                Kind::Map(table) => {
                    for (key, value) in view.entries() {
                        if let Some(shape) = table.find(key).filter(|_| !value.is_null()) {
                            self.step(key, value, shape, outer);
                        }
                    }
                }
                Kind::Names(names) => {
                    for (name, value) in view.entries() {
                        if self.path == "services" && self.disabled.contains(name) {
                            continue;
                        }
                        let outer = if self.enter(name) { None } else { outer };
                        self.step("*", value, names.shape, outer);
                    }
                }
                Kind::List(items, _) => {
                    for item in view.items() {
                        self.step("*", item, items, outer);
                    }
                }
                _ => {}
            }
        }
    }

    /// A name at the top of the file is the owner of what is in it; whether this is one.
    fn enter(&mut self, name: &str) -> bool {
        let Some(owner) = owner_in(&self.path) else { return false };
        self.owner = owner(name.to_owned());
        self.said.clear();
        true
    }

    fn step(&mut self, segment: &str, value: View<'_>, shape: &'static Shape, outer: Option<Here>) {
        let length = self.path.len();
        if length == 0 {
            self.owner = Owner::App;
        } else {
            self.path.push('.');
        }
        self.path.push_str(segment);
        let row = row_of(&self.path, &value.printed().unwrap_or_default());
        let says_more = |row: &&Row| match outer {
            Some(outer) => row.landfall != outer && row.landfall != Here::Yes,
            // That a file has services goes without saying.
            None => row.landfall != Here::Yes || owner_in(&self.path).is_none(),
        };
        if let Some(row) = row.filter(says_more)
            && self.said.insert(row)
        {
            self.found.push(Fidelity::new(self.owner.clone(), &self.path, value, row));
        }
        // What is refused or ignored is so as a whole.
        let here = row.map(|row| row.landfall).or(outer);
        if !matches!(here, Some(Here::Ignored(_) | Here::Refused(_))) {
            self.inside(value, shape, here);
        }
        self.path.truncate(length);
    }
}

/// What the names below a key at the top of a file are names of.
fn owner_in(path: &str) -> Option<fn(String) -> Owner> {
    Some(match path {
        "services" => Owner::Service,
        "networks" => Owner::Network,
        "volumes" => Owner::Volume,
        "configs" => Owner::Config,
        "secrets" => Owner::Secret,
        "models" => Owner::Model,
        _ => return None,
    })
}

impl Fidelity {
    fn new(owner: Owner, path: &str, value: View<'_>, row: &'static Row) -> Self {
        let (verdict, explanation) = match row.landfall {
            Here::Yes => (Verdict::Honoured, None),
            Here::Differently(how) => (Verdict::HonouredDifferently, Some(how)),
            Here::Ignored(instead) => (Verdict::Ignored, Some(instead)),
            Here::Refused(instead) => (Verdict::Refused, Some(instead)),
            Here::Outer => (Verdict::Ignored, None),
        };
        let owned = if owner == Owner::App { 0 } else { 2 };
        let keys = path.split('.').skip(owned).filter(|segment| *segment != "*");
        Self {
            owner,
            key: keys.collect::<Vec<_>>().join("."),
            at: value.key_at(),
            verdict,
            explanation,
            meaning: row.meaning,
        }
    }
}

/// The row of a path: the one that speaks of this value, else the one that speaks of all.
fn row_of(path: &str, text: &str) -> Option<&'static Row> {
    static BY_PATH: LazyLock<HashMap<&'static str, Vec<&'static Row>>> = LazyLock::new(|| {
        let mut by_path: HashMap<&'static str, Vec<&'static Row>> = HashMap::new();
        for row in rows() {
            by_path.entry(row.path).or_default().push(row);
        }
        by_path
    });
    let here = BY_PATH.get(path)?;
    let of_value = here.iter().find(|row| row.value.is_some_and(|_| row.speaks_of(text)));
    of_value.or_else(|| here.iter().find(|row| row.value.is_none())).copied()
}

/// A part of the table, under one heading of the documentation.
struct Section {
    title: &'static str,
    /// What all of its paths begin with.
    prefix: &'static str,
    rows: &'static [Row],
}

const SECTIONS: &[Section] = &[
    Section { title: "Services: what runs", prefix: "services.*", rows: service::ROWS },
    Section { title: "Services: rights and limits", prefix: "services.*", rows: limits::ROWS },
    Section { title: "Services: ports and networks", prefix: "services.*", rows: network::SERVICE },
    Section { title: "Services: files and data", prefix: "services.*", rows: data::SERVICE },
    Section { title: "Services: `deploy`", prefix: "services.*", rows: deploy::ROWS },
    Section { title: "Services: `build`", prefix: "services.*", rows: build::ROWS },
    Section { title: "Networks", prefix: "", rows: network::TOP },
    Section { title: "Volumes, configs and secrets", prefix: "", rows: data::TOP },
    Section { title: "The file itself", prefix: "", rows: top::ROWS },
];

/// `docs/compose-support.md`: every key, what landfall does with it, and what Swarm does.
pub fn support_markdown() -> String {
    markdown::markdown()
}

fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|section| section.rows)
}
