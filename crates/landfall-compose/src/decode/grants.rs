//! Configs and secrets: where their content comes from, and where services want it.

use super::keys::Rule::{self, Ignored, Refused, Take};
use super::{Decoder, Keys};
use crate::report::Code;
use crate::source::Spanned;
use crate::yaml::{Entry, Node};

/// Where configs go when the file does not say.
pub(super) const CONFIG_FOLDER: &str = "/";
/// Where secrets go when the file does not say.
pub(super) const SECRET_FOLDER: &str = "/run/secrets/";

/// A config or secret that a service wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Grant {
    pub(crate) source: String,
    /// Absolute path inside.
    pub(crate) target: String,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mode: Option<u32>,
}

/// A config or secret as defined at the top of the file.
#[derive(Debug)]
pub(crate) struct Material {
    pub(crate) from: Option<MaterialSource>,
}

/// Where its content comes from.
#[derive(Debug, Clone)]
pub(crate) enum MaterialSource {
    /// A file.
    File(Spanned<String>),
    /// A variable.
    Environment(Spanned<String>),
    /// The compose file itself.
    Content(String),
}

pub(super) fn grants(d: &mut Decoder<'_>, node: &Node, folder: &str) -> Vec<Spanned<Grant>> {
    let mut grants = Vec::new();
    d.each(node, |d, item| {
        let mut grant = Grant::default();
        if let Some(source) = item.as_text() {
            source.clone_into(&mut grant.source);
        } else {
            d.keys(item, &GRANT, &mut grant);
            if item.as_mapping().is_none() {
                return;
            }
        }
        if grant.source.is_empty() {
            d.report.error(Code::KeyMissing, item.span, "it needs a `source`");
            return;
        }
        let target = if grant.target.is_empty() { &grant.source } else { &grant.target };
        if !target.starts_with('/') {
            grant.target = format!("{folder}{target}");
        }
        grants.push(Spanned::new(grant, item.span));
    });
    grants
}

const GRANT: Keys<Grant> = Keys { owner: "the config or secret of a service", rules: GRANT_RULES };
const GRANT_RULES: &[(&str, Rule<Grant>)] = &[
    ("gid", Take(|d, e, g| g.gid = id(d, &e.value))),
    ("mode", Take(|d, e, g| g.mode = d.file_mode(&e.value))),
    ("source", Take(|d, e, g| g.source = d.text(&e.value).unwrap_or_default())),
    ("target", Take(|d, e, g| g.target = d.text(&e.value).unwrap_or_default())),
    ("uid", Take(|d, e, g| g.uid = id(d, &e.value))),
];

fn id(d: &mut Decoder<'_>, node: &Node) -> Option<u32> {
    d.count(node, 0, u32::MAX)
}

#[derive(Default)]
struct Draft {
    file: Option<MaterialSource>,
    environment: Option<MaterialSource>,
    content: Option<MaterialSource>,
    unsupported: bool,
}

/// A definition. A config has `content`, a secret has not.
pub(super) fn material(d: &mut Decoder<'_>, entry: &Entry, is_config: bool) -> Material {
    let errors = d.report.errors_met();
    let mut draft = Draft::default();
    let (keys, what) = if is_config { (&CONFIG, "config") } else { (&SECRET, "secret") };
    if entry.value.is_null() {
        draft.unsupported = false;
    } else {
        d.keys(&entry.value, keys, &mut draft);
    }
    let given: Vec<MaterialSource> =
        [draft.file, draft.environment, draft.content].into_iter().flatten().collect();
    if given.len() > 1 {
        let message = format!("the {what} `{}` has several contents", d.here());
        d.report.error(Code::Conflict, entry.key, message);
    }
    if given.is_empty() && !draft.unsupported && d.report.errors_met() == errors {
        let message = format!("the {what} needs a `file` or an `environment`");
        d.report.error(Code::KeyMissing, entry.key, message);
    }
    Material { from: given.into_iter().next() }
}

const CONFIG: Keys<Draft> = Keys {
    owner: "a config",
    rules: &[
        ("content", Take(|d, e, m| m.content = d.text(&e.value).map(MaterialSource::Content))),
        ("environment", Take(environment)),
        ("external", Take(external)),
        ("file", Take(file)),
        ("labels", Ignored(SWARM)),
        ("name", Ignored(SWARM)),
        ("template_driver", Refused(SWARM, WRITTEN_OUT)),
    ],
};

const SECRET: Keys<Draft> = Keys {
    owner: "a secret",
    rules: &[
        ("driver", Refused(SWARM, "give its content by `file` or `environment`")),
        ("driver_opts", Refused(SWARM, "give its content by `file` or `environment`")),
        ("environment", Take(environment)),
        ("external", Take(external)),
        ("file", Take(file)),
        ("labels", Ignored(SWARM)),
        ("name", Ignored(SWARM)),
        ("template_driver", Refused(SWARM, WRITTEN_OUT)),
    ],
};

const SWARM: &str = "it means something to Docker Swarm only";
const WRITTEN_OUT: &str =
    "write the text as it shall be; variables of the compose file work in `content`";

fn file(d: &mut Decoder<'_>, entry: &Entry, draft: &mut Draft) {
    let path = d.text(&entry.value);
    draft.file = path.map(|path| MaterialSource::File(Spanned::new(path, entry.value.span)));
}

fn environment(d: &mut Decoder<'_>, entry: &Entry, draft: &mut Draft) {
    let name = d.text(&entry.value);
    draft.environment =
        name.map(|name| MaterialSource::Environment(Spanned::new(name, entry.value.span)));
}

fn external(d: &mut Decoder<'_>, entry: &Entry, draft: &mut Draft) {
    if entry.value.as_mapping().is_some() || d.boolean(&entry.value) == Some(true) {
        draft.unsupported = true;
        let why = "Docker Swarm keeps it, and landfall works without Swarm";
        d.refused("`external`", entry.key, why, "give its content by `file` or `environment`");
    }
}
