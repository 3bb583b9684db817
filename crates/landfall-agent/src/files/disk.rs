//! Trees on disk: checked, written beside their place, renamed into it.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landfall_core::spec::{SealedFile, SealedKind, SealedTree};

/// Folders inside a tree.
const DIR_MODE: u32 = 0o755;
/// Bits a sealed file may have: no set-user-id, no sticky bit.
const FILE_MODE_MASK: u32 = 0o777;

/// Writes one tree below `home`; what is right already is left as it is, what is too much goes.
pub(super) fn write_tree(home: &Path, name: &str, tree: &SealedTree) -> io::Result<()> {
    let place = home.join(name);
    // On the same file system and never part of a tree.
    let beside = home.join(".new");
    match tree.kind {
        SealedKind::File => match tree.entries.iter().next() {
            Some((path, file)) if path.is_empty() && tree.entries.len() == 1 => {
                write_file(&place, &beside, file)
            }
            _ => Err(invalid("a sealed file has exactly one entry, without a path")),
        },
        SealedKind::Folder => write_folder(&place, &beside, tree),
    }
}

fn write_folder(place: &Path, beside: &Path, tree: &SealedTree) -> io::Result<()> {
    let mut dirs = BTreeSet::from([place.to_owned()]);
    let mut files = Vec::new();
    for (path, file) in &tree.entries {
        let path = relative(path)?;
        dirs.extend(path.ancestors().skip(1).map(|parent| place.join(parent)));
        files.push((place.join(path), file));
    }
    // `a/` after joining the empty path is the same folder as `a`.
    let dirs: BTreeSet<PathBuf> = dirs.iter().map(|dir| dir.components().collect()).collect();
    for dir in &dirs {
        make_dir(dir, DIR_MODE)?;
    }
    for (path, file) in &files {
        write_file(path, beside, file).map_err(|error| about(&error, &path.to_string_lossy()))?;
    }
    let wanted = files.iter().map(|(path, _)| path.clone()).chain(dirs.iter().cloned()).collect();
    for dir in dirs.iter().rev() {
        remove_others(dir, &wanted)?;
        sync_dir(dir)?;
    }
    Ok(())
}

/// A path that stays inside: plain names only.
fn relative(path: &str) -> io::Result<PathBuf> {
    let ok = !path.is_empty()
        && !path.contains('\0')
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let shown = path.escape_debug();
    if ok { Ok(PathBuf::from(path)) } else { Err(invalid(&format!("`{shown}` leaves its tree"))) }
}

fn write_file(path: &Path, beside: &Path, file: &SealedFile) -> io::Result<()> {
    let content = BASE64_STANDARD
        .decode(file.content.expose())
        .map_err(|_| invalid("the content is not base64"))?;
    let mode = file.mode & FILE_MODE_MASK;
    if is_right(path, &content, mode, file)? {
        return Ok(());
    }
    remove(beside)?;
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    new.write_all(&content)?;
    if file.uid.is_some() || file.gid.is_some() {
        fchown(&new, file.uid, file.gid)?;
    }
    // After the owner: changing it may take bits away.
    new.set_permissions(Permissions::from_mode(mode))?;
    new.sync_all()?;
    if path.symlink_metadata().is_ok_and(|present| present.is_dir()) {
        remove(path)?;
    }
    std::fs::rename(beside, path)
}

/// Paths of a tree that are missing at its place or are not what was sealed.
pub(super) fn wrong(place: &Path, tree: &SealedTree) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (path, file) in &tree.entries {
        let content = BASE64_STANDARD
            .decode(file.content.expose())
            .map_err(|_| invalid("the content is not base64"))?;
        let at = if path.is_empty() { place.to_owned() } else { place.join(relative(path)?) };
        if !is_right(&at, &content, file.mode & FILE_MODE_MASK, file)? {
            wrong.push(path.clone());
        }
    }
    Ok(wrong)
}

fn is_right(path: &Path, content: &[u8], mode: u32, file: &SealedFile) -> io::Result<bool> {
    let Ok(present) = path.symlink_metadata() else { return Ok(false) };
    Ok(present.is_file()
        && present.mode() & 0o7777 == mode
        && file.uid.is_none_or(|uid| uid == present.uid())
        && file.gid.is_none_or(|gid| gid == present.gid())
        && std::fs::read(path)? == content)
}

/// Makes a folder with exactly this mode; its parent must exist.
pub(super) fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(present) if present.is_dir() => {}
        Ok(_) => {
            remove(path)?;
            DirBuilder::new().mode(mode).create(path)?;
        }
        Err(_) => DirBuilder::new().mode(mode).create(path)?,
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

fn remove_others(dir: &Path, wanted: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if !wanted.contains(&path) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Removes a file or a folder; a missing one is fine.
fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(present) if present.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Says what an error is about.
pub(super) fn about(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", what.escape_debug()))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
