//! Looks at files, bounded: rules read what is small and a regular file, and list what is near.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::git::Tracked;

/// Nothing that rules read is larger.
const FILE_BYTES_MAX: u64 = 512 * 1024;
/// Names of one folder that are looked at.
const NAMES_MAX: usize = 4096;
/// Repositories whose index is read.
const REPOSITORIES_MAX: usize = 8;

/// Reads around a project. All paths are absolute.
pub trait Folder: std::fmt::Debug {
    /// A regular file's text, at most 512 KiB of it; `None` for anything else.
    fn text(&self, path: &Path) -> Option<String>;
    /// The first bytes of a regular file.
    fn head(&self, path: &Path, bytes: usize) -> Option<Vec<u8>>;
    /// What stands at a path; links are followed.
    fn kind(&self, path: &Path) -> Option<Kind>;
    /// Names in a folder, sorted; none for anything else.
    fn names(&self, path: &Path) -> Vec<String>;
    /// Files at or below a path that git tracks, as absolute paths; at most a thousand.
    fn tracked(&self, path: &Path) -> Vec<PathBuf>;
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, with whether everybody on the host may read it.
    File {
        /// Others than its owner and group may read it.
        world_readable: bool,
    },
    /// A folder.
    Folder,
    /// A socket, a device and so on.
    Other,
}

/// The real file system. Reads git's index once per repository.
#[derive(Debug, Default)]
pub struct Disk {
    tracked: RefCell<Vec<Tracked>>,
}

impl Folder for Disk {
    fn text(&self, path: &Path) -> Option<String> {
        let bytes = read(path, FILE_BYTES_MAX)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn head(&self, path: &Path, bytes: usize) -> Option<Vec<u8>> {
        read(path, (bytes as u64).min(FILE_BYTES_MAX))
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let metadata = fs::metadata(path).ok()?;
        Some(match metadata.file_type() {
            t if t.is_dir() => Kind::Folder,
            t if t.is_file() => Kind::File { world_readable: world_readable(&metadata) },
            _ => Kind::Other,
        })
    }

    fn names(&self, path: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
        let names = entries.take(NAMES_MAX).filter_map(|entry| {
            let name = entry.ok()?.file_name();
            Some(name.to_string_lossy().into_owned())
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn tracked(&self, path: &Path) -> Vec<PathBuf> {
        let mut known = self.tracked.borrow_mut();
        let has_room = known.len() < REPOSITORIES_MAX;
        if has_room && !known.iter().any(|tracked| path.starts_with(tracked.root())) {
            // Whatever is mounted may lie in a repository of its own.
            known.extend(Tracked::of(path));
        }
        let holder = known.iter().find(|tracked| path.starts_with(tracked.root()));
        holder.map(|tracked| tracked.below(path)).unwrap_or_default()
    }
}

fn read(path: &Path, bytes_max: u64) -> Option<Vec<u8>> {
    // A pipe would hang.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(bytes_max).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(unix)]
fn world_readable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn world_readable(_: &fs::Metadata) -> bool {
    false
}
