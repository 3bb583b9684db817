//! A build's context: found, measured, then written as one tar.
//!
//! [`Context::open`] walks the folder and reports everything that is wrong before a byte travels;
//! [`Context::write`] streams it. Same folder, same bytes: entries are in order, owners are root's.
//! Knows neither agent nor engine. Next: [`ignore`] for the rules, [`pattern`] for one of them.

mod ignore;
mod pattern;
mod tar;
mod walk;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use landfall_api::CONTEXT_MAX_BYTES;

use ignore::{BadRule, IgnoreRules};

/// Most entries that one context may have.
const CONTEXT_ENTRIES_MAX: usize = 500_000;
/// Largest ignore file or Dockerfile that is read.
const TEXT_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Where the Dockerfile comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// A file, relative to the context or absolute.
    File(PathBuf),
    /// Its text, from the compose file.
    Inline(String),
}

/// A context that was walked and can be sent.
#[derive(Debug)]
pub(crate) struct Context {
    root: PathBuf,
    entries: Vec<Entry>,
    /// A Dockerfile that is not part of the folder: its name in the tar, and its text.
    extra: Option<(String, String)>,
    dockerfile: String,
    bytes: u64,
}

/// One thing in a context.
#[derive(Debug)]
struct Entry {
    /// Relative, `/` separated.
    path: String,
    kind: EntryKind,
    mode: u32,
    modified_s: u64,
}

#[derive(Debug)]
enum EntryKind {
    Folder,
    File { size_bytes: u64 },
    Link { target: PathBuf },
}

/// Why a context cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContextError {
    #[error("the build context {} does not exist", .0.display())]
    Missing(PathBuf),
    #[error("the build context {} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    #[error("the Dockerfile {} does not exist", .0.display())]
    NoDockerfile(PathBuf),
    #[error("{} cannot be used", file.display())]
    Ignore { file: PathBuf, source: BadRule },
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is larger than {max_bytes} bytes", path.display())]
    Text { path: PathBuf, max_bytes: u64 },
    #[error("the name of {} is not UTF-8", .0.display())]
    Name(PathBuf),
    #[error("the build context {} is too large: more than {limit}", root.display())]
    TooLarge {
        root: PathBuf,
        limit: String,
        /// Its heaviest top-level entries, heaviest first, in bytes.
        heaviest: Vec<(String, u64)>,
    },
    #[error("{} changed while it was packed", .0.display())]
    Changed(PathBuf),
    #[error("the build context cannot be sent")]
    Write(#[source] io::Error),
}

/// Limits of a walk.
#[derive(Debug, Clone, Copy)]
struct Limits {
    bytes: u64,
    entries: usize,
}

impl Context {
    /// Walks a context.
    pub(crate) fn open(root: &Path, recipe: &Recipe) -> Result<Self, ContextError> {
        let limits = Limits { bytes: CONTEXT_MAX_BYTES, entries: CONTEXT_ENTRIES_MAX };
        Self::open_within(root, recipe, limits)
    }

    fn open_within(root: &Path, recipe: &Recipe, limits: Limits) -> Result<Self, ContextError> {
        let shown = root;
        let root = root.canonicalize().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ContextError::Missing(shown.to_owned()),
            _ => ContextError::Read { path: shown.to_owned(), source },
        })?;
        if !root.is_dir() {
            return Err(ContextError::NotAFolder(shown.to_owned()));
        }
        let (dockerfile, extra) = resolve_recipe(&root, recipe)?;
        let inside = extra.is_none().then_some(dockerfile.as_str());
        let rules = read_rules(&root, inside)?;
        let walked = walk::walk(&root, &rules, limits)?;
        Ok(Self { root, entries: walked.entries, extra, dockerfile, bytes: walked.bytes })
    }

    /// Name of the Dockerfile in the tar.
    pub(crate) fn dockerfile(&self) -> &str {
        &self.dockerfile
    }

    /// Content of all files, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The Dockerfile's name in the tar, and its text when the folder does not have it.
fn resolve_recipe(
    root: &Path,
    recipe: &Recipe,
) -> Result<(String, Option<(String, String)>), ContextError> {
    let text = match recipe {
        Recipe::Inline(text) => text.clone(),
        Recipe::File(path) => {
            let full = root.join(path);
            let found = full.canonicalize().map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => ContextError::NoDockerfile(full.clone()),
                _ => ContextError::Read { path: full.clone(), source },
            })?;
            // By the name it was given, so that a link inside the folder stays a link.
            let inside = pattern::clean(&full.to_string_lossy());
            if let Ok(relative) = Path::new(&inside).strip_prefix(root)
                && found.starts_with(root)
            {
                return Ok((relative.to_string_lossy().into_owned(), None));
            }
            read_text(&found)?
        }
    };
    // A name that no folder has by chance, the same for the same text.
    let hash = landfall_core::hash::sha256_hex(text.as_bytes());
    let name = format!(".landfall-{}.Dockerfile", &hash[..16]);
    Ok((name.clone(), Some((name, text))))
}

/// `<Dockerfile>.dockerignore` where there is one, else `.dockerignore`, else no rules.
fn read_rules(root: &Path, dockerfile: Option<&str>) -> Result<IgnoreRules, ContextError> {
    let own = dockerfile.map(|name| format!("{name}.dockerignore"));
    let names = own.iter().map(String::as_str).chain([".dockerignore"]);
    for name in names {
        let file = root.join(name);
        if !file.is_file() {
            continue;
        }
        let text = read_text(&file)?;
        let mut rules =
            IgnoreRules::parse(&text).map_err(|source| ContextError::Ignore { file, source })?;
        // As docker does: the builder needs both, and takes them out of COPY's sight itself.
        rules.keep(".dockerignore");
        if let Some(dockerfile) = dockerfile {
            rules.keep(dockerfile);
        }
        return Ok(rules);
    }
    Ok(IgnoreRules::default())
}

fn read_text(path: &Path) -> Result<String, ContextError> {
    let read = |source| ContextError::Read { path: path.to_owned(), source };
    if path.metadata().map_err(read)?.len() > TEXT_MAX_BYTES {
        return Err(ContextError::Text { path: path.to_owned(), max_bytes: TEXT_MAX_BYTES });
    }
    std::fs::read_to_string(path).map_err(read)
}

/// The heaviest top-level entries, for the message that it is too much.
fn heaviest(weights: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut all: Vec<_> = weights.iter().map(|(name, bytes)| (name.clone(), *bytes)).collect();
    all.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    all.truncate(3);
    all
}

#[cfg(test)]
mod tests;
