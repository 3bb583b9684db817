//! Seals files and folders into the release by content.
//!
//! Regular files only. A link inside a folder is followed as long as it stays inside. There are
//! limits, because a release is kept and travels: 16 MiB in all, 4,000 files in one folder.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use landfall_core::secret::Secret;
use landfall_core::spec::{SealedFile, SealedKind, SealedTree};

use super::Scene;
use crate::locate::shown;
use crate::report::Code;
use crate::source::Span;
use crate::text::describe;

/// Content of all sealed files of one app.
const TOTAL_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Files of one folder.
const FILES_MAX: usize = 4_000;
/// Folders within folders.
const DEPTH_MAX: usize = 64;

/// Mode and owner of a sealed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dress {
    pub(super) mode: u32,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

/// Collects sealed trees; what is sealed twice is kept once.
#[derive(Default)]
pub(super) struct Sealer {
    pub(super) trees: BTreeMap<String, SealedTree>,
    known: BTreeMap<(String, Option<Dress>), Option<String>>,
    total_bytes: u64,
    too_large: bool,
}

impl Sealer {
    /// Seals a file or folder of a bind; returns its id.
    pub(super) fn path(
        &mut self,
        scene: &mut Scene<'_>,
        path: &Path,
        written: &str,
        at: Span,
    ) -> Option<String> {
        let origin = (path.to_string_lossy().into_owned(), None);
        if let Some(known) = self.known.get(&origin) {
            return known.clone();
        }
        // It was there a moment ago.
        let root = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let mut walk = Walk { scene, at, root: root.clone(), entries: BTreeMap::new() };
        let sealed = if root.is_dir() {
            self.folder(&mut walk, &root, "", 0).map(|()| SealedKind::Folder)
        } else {
            let dress = None;
            let file = self.read(walk.scene, path, at, dress);
            file.map(|file| walk.entries.insert(String::new(), file)).map(|_| SealedKind::File)
        };
        let entries = walk.entries;
        let label = format!("bind-{}", written.trim_start_matches(['.', '/', '~']));
        let id = sealed.map(|kind| self.keep(&label, SealedTree { kind, entries }));
        self.known.insert(origin, id.clone());
        id
    }

    /// Seals the file of a config or secret; returns its id.
    pub(super) fn file(
        &mut self,
        scene: &mut Scene<'_>,
        label: &str,
        path: &Path,
        dress: Dress,
        at: Span,
    ) -> Option<String> {
        let origin = (path.to_string_lossy().into_owned(), Some(dress));
        if let Some(known) = self.known.get(&origin) {
            return known.clone();
        }
        let id = if path.is_file() {
            self.read(scene, path, at, Some(dress)).map(|file| self.keep(label, single(file)))
        } else {
            let message = format!("there is no file `{}`", shown(path, scene.around.directory));
            scene.report.error(Code::SourceMissing, at, message);
            None
        };
        self.known.insert(origin, id.clone());
        id
    }

    /// Seals a given content; returns its id.
    pub(super) fn content(
        &mut self,
        scene: &mut Scene<'_>,
        label: &str,
        content: &[u8],
        dress: Dress,
        at: Span,
    ) -> Option<String> {
        let origin = (format!("\0{label}"), Some(dress));
        if let Some(known) = self.known.get(&origin) {
            return known.clone();
        }
        let fits = self.count(scene, content.len() as u64, at);
        let id = fits.then(|| self.keep(label, single(sealed(content, dress))));
        self.known.insert(origin, id.clone());
        id
    }

    fn folder(
        &mut self,
        walk: &mut Walk<'_, '_>,
        folder: &Path,
        prefix: &str,
        depth: usize,
    ) -> Option<()> {
        let listed =
            std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut listed = match listed {
            Ok(listed) => listed,
            Err(error) => return walk.refuse(folder, &describe(&error)),
        };
        if depth > DEPTH_MAX {
            return walk.refuse(folder, "it is nested too deep");
        }
        listed.sort_by_key(std::fs::DirEntry::file_name);
        for entry in listed {
            let path = entry.path();
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str() else {
                return walk.refuse(&path, "its name is not UTF-8");
            };
            let relative =
                if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let real = walk.inside(&path)?;
            if real.is_dir() {
                self.folder(walk, &real, &relative, depth + 1)?;
            } else if real.is_file() {
                if walk.entries.len() >= FILES_MAX {
                    return walk.too_many();
                }
                let file = self.read(walk.scene, &real, walk.at, None)?;
                walk.entries.insert(relative, file);
            } else {
                return walk.refuse(&path, "it is neither a file nor a folder");
            }
        }
        Some(())
    }

    fn read(
        &mut self,
        scene: &mut Scene<'_>,
        path: &Path,
        at: Span,
        dress: Option<Dress>,
    ) -> Option<SealedFile> {
        let found = std::fs::metadata(path);
        let size = found.as_ref().map_or(0, std::fs::Metadata::len);
        if !self.count(scene, size, at) {
            return None;
        }
        match found.and_then(|found| Ok((found, std::fs::read(path)?))) {
            Ok((found, content)) => {
                let own = Dress { mode: found.permissions().mode() & 0o7777, uid: None, gid: None };
                Some(sealed(&content, dress.unwrap_or(own)))
            }
            Err(error) => {
                let name = shown(path, scene.around.directory);
                let message = format!("cannot read `{name}`: {}", describe(&error));
                scene.report.error(Code::FileUnreadable, at, message);
                None
            }
        }
    }

    /// Counts content against the limit; says once that there is too much.
    fn count(&mut self, scene: &mut Scene<'_>, bytes: u64, at: Span) -> bool {
        self.total_bytes = self.total_bytes.saturating_add(bytes);
        let fits = self.total_bytes <= TOTAL_BYTES_MAX;
        if !fits && !self.too_large {
            self.too_large = true;
            let limit = TOTAL_BYTES_MAX / 1024 / 1024;
            let message =
                format!("read-only binds, configs and secrets hold more than {limit} MiB");
            scene.report.error(Code::TooLarge, at, message).hint(
                "put large content into the image, or leave out `:ro` to mount it where it is",
            );
        }
        fits
    }

    fn keep(&mut self, label: &str, tree: SealedTree) -> String {
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
        let label: String = label.chars().map(plain).take(60).collect();
        let label = label.trim_end_matches('-');
        let mut id = label.to_owned();
        let mut number = 1;
        while self.trees.contains_key(&id) {
            number += 1;
            id = format!("{label}-{number}");
        }
        self.trees.insert(id.clone(), tree);
        id
    }
}

fn single(file: SealedFile) -> SealedTree {
    SealedTree { kind: SealedKind::File, entries: BTreeMap::from([(String::new(), file)]) }
}

fn sealed(content: &[u8], dress: Dress) -> SealedFile {
    let content = base64::engine::general_purpose::STANDARD.encode(content);
    SealedFile { mode: dress.mode, uid: dress.uid, gid: dress.gid, content: Secret::new(content) }
}

struct Walk<'a, 'b> {
    scene: &'a mut Scene<'b>,
    at: Span,
    root: PathBuf,
    entries: BTreeMap<String, SealedFile>,
}

impl Walk<'_, '_> {
    /// Where an entry really is.
    fn inside(&mut self, path: &Path) -> Option<PathBuf> {
        match path.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => Some(real),
            Ok(_) => self.refuse(path, "it is a link that leads out of the folder"),
            Err(_) => self.refuse(path, "it is a link that leads nowhere"),
        }
    }

    fn refuse<T>(&mut self, path: &Path, why: &str) -> Option<T> {
        let name = shown(path, self.scene.around.directory);
        let message = format!("`{name}` cannot be sealed into a release: {why}");
        self.scene
            .report
            .error(Code::NotSealable, self.at, message)
            .hint("leave out `:ro` to mount the folder where it is");
        None
    }

    fn too_many<T>(&mut self) -> Option<T> {
        let message = format!("this folder holds more than {FILES_MAX} files");
        self.scene
            .report
            .error(Code::TooLarge, self.at, message)
            .hint("put it into the image, or leave out `:ro` to mount it where it is");
        None
    }
}
