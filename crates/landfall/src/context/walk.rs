//! Walks a context's folder in a fixed order and leaves out what the rules exclude.
//!
//! Symbolic links are kept as links and never followed. Sockets, pipes and devices do not travel.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ignore::{IgnoreRules, Judgement};
use super::{ContextError, Entry, EntryKind, Limits, heaviest};

/// What a walk found.
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: u64,
}

/// All entries below `root` that travel, folders before what is in them, names in byte order.
pub(super) fn walk(
    root: &Path,
    rules: &IgnoreRules,
    limits: Limits,
) -> Result<Walked, ContextError> {
    let mut walk = Walk {
        root,
        rules,
        limits,
        entries: Vec::new(),
        pending: Vec::new(),
        bytes: 0,
        weights: BTreeMap::new(),
    };
    walk.folder("", &Judgement::default())?;
    Ok(Walked { entries: walk.entries, bytes: walk.bytes })
}

struct Walk<'a> {
    root: &'a Path,
    rules: &'a IgnoreRules,
    limits: Limits,
    entries: Vec<Entry>,
    /// Excluded folders on the way down: they travel only if something in them does.
    pending: Vec<Entry>,
    bytes: u64,
    weights: BTreeMap<String, u64>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &str, judged: &Judgement) -> Result<(), ContextError> {
        let full = self.root.join(path);
        let read = |source| ContextError::Read { path: full.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&full).map_err(read)? {
            let entry = entry.map_err(read)?;
            names.push(entry.file_name().into_string());
        }
        names.sort();
        for name in names {
            match name {
                Ok(name) if path.is_empty() => self.entry(name, judged)?,
                Ok(name) => self.entry(format!("{path}/{name}"), judged)?,
                Err(name) => {
                    let shown = format!("{path}/{}", name.to_string_lossy());
                    if !self.rules.judge(shown.trim_start_matches('/'), judged).excluded {
                        return Err(ContextError::Name(full.join(name)));
                    }
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: String, folder: &Judgement) -> Result<(), ContextError> {
        let judged = self.rules.judge(&path, folder);
        let excluded = judged.excluded;
        let full = self.root.join(&path);
        let read = |source| ContextError::Read { path: full.clone(), source };
        if excluded && !self.rules.may_return_below(&path) {
            return Ok(());
        }
        let meta = fs::symlink_metadata(&full).map_err(read)?;
        if meta.is_dir() {
            let folder = entry(path.clone(), EntryKind::Folder, &meta);
            if !excluded {
                self.add(folder)?;
                return self.folder(&path, &judged);
            }
            self.pending.push(folder);
            let depth = self.pending.len();
            self.folder(&path, &judged)?;
            // Still there: nothing in it travelled.
            if self.pending.len() == depth {
                self.pending.pop();
            }
            return Ok(());
        }
        if excluded {
            return Ok(());
        }
        if meta.is_symlink() {
            let target = fs::read_link(&full).map_err(read)?;
            self.add(entry(path, EntryKind::Link { target }, &meta))
        } else if meta.is_file() {
            self.weigh(&path, meta.len())?;
            self.add(entry(path, EntryKind::File { size_bytes: meta.len() }, &meta))
        } else {
            Ok(())
        }
    }

    fn add(&mut self, entry: Entry) -> Result<(), ContextError> {
        self.entries.append(&mut self.pending);
        self.entries.push(entry);
        if self.entries.len() > self.limits.entries {
            return Err(self.too_large(format!("{} files", self.limits.entries)));
        }
        Ok(())
    }

    fn weigh(&mut self, path: &str, size_bytes: u64) -> Result<(), ContextError> {
        self.bytes = self.bytes.saturating_add(size_bytes);
        let top = path.split('/').next().unwrap_or(path);
        let weight = self.weights.entry(top.to_owned()).or_default();
        *weight = weight.saturating_add(size_bytes);
        if self.bytes > self.limits.bytes {
            return Err(self.too_large(crate::output::humane::bytes(self.limits.bytes)));
        }
        Ok(())
    }

    fn too_large(&self, limit: String) -> ContextError {
        let root = self.root.to_owned();
        ContextError::TooLarge { root, limit, heaviest: heaviest(&self.weights) }
    }
}

fn entry(path: String, kind: EntryKind, meta: &Metadata) -> Entry {
    let modified_s = u64::try_from(meta.mtime()).unwrap_or(0);
    Entry { path, kind, mode: meta.mode() & 0o7777, modified_s }
}
