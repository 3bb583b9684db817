//! Sealed releases once more, as files beside the database: what `landfall recover` rebuilds from when
//! the database is lost.
//!
//! `<app>/r<N>.json` is written before the rollout begins that brings it, `<app>/r<N>.served` when
//! that rollout has succeeded, and both go with the release's content. Format: a line
//! `landfall-release 1 <sha256 of the rest, hex> <length of the rest>`, then one JSON object. A file
//! is written beside its place, synced, renamed, and its folder is synced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use landfall_core::hash::sha256_hex;
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::release::Release;
use serde::{Deserialize, Serialize};

use super::{StoreError, releases};

const MAGIC: &str = "landfall-release";
const VERSION: &str = "1";

/// The folder of all copies.
#[derive(Debug)]
pub(crate) struct Copies {
    root: PathBuf,
}

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the column and the key on disk are called so")]
pub(crate) struct Sealed {
    /// Whose.
    pub app: AppName,
    /// Its number.
    pub number: ReleaseNumber,
    /// The rollout that first brought it.
    pub rollout: RolloutNumber,
    /// When it was sealed; milliseconds since 1970.
    pub created_at_ms: u64,
    /// Who asked.
    pub by: String,
    /// Why.
    pub message: Option<String>,
    /// Commit of the source.
    pub commit: Option<String>,
    /// The release, as the database has it.
    pub sealed: String,
}

/// A copy that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) sealed: Sealed,
    pub(crate) release: Release,
    /// It is known to have served.
    pub(crate) served: bool,
}

impl Copies {
    /// In the state folder.
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { root: state_dir.join("sealed") }
    }

    fn path(&self, app: &AppName, number: ReleaseNumber, kind: &str) -> PathBuf {
        self.root.join(app.as_str()).join(format!("{number}.{kind}"))
    }

    /// Whether any app has one.
    pub(crate) fn are_there(&self) -> io::Result<bool> {
        Ok(!self.paths()?.is_empty())
    }

    /// Writes a copy; durable when it returns. One that is right already is left alone.
    pub(crate) fn write(&self, sealed: &Sealed) -> io::Result<()> {
        let path = self.path(&sealed.app, sealed.number, "json");
        if read(&path).is_ok_and(|found| found.sealed == *sealed) {
            return Ok(());
        }
        self.forget_served(&sealed.app, sealed.number)?;
        self.put(&path, &encode(sealed))
    }

    /// Notes that a release has served.
    pub(crate) fn mark_served(&self, app: &AppName, number: ReleaseNumber) -> io::Result<()> {
        let path = self.path(app, number, "served");
        if path.exists() || !self.path(app, number, "json").exists() {
            return Ok(());
        }
        self.put(&path, b"")
    }

    /// Removes a copy; a missing one is fine.
    pub(crate) fn remove(&self, app: &AppName, number: ReleaseNumber) -> io::Result<()> {
        gone(fs::remove_file(self.path(app, number, "json")))?;
        self.forget_served(app, number)
    }

    /// Whether a copy is there and can be read.
    pub(crate) fn is_whole(&self, app: &AppName, number: ReleaseNumber) -> bool {
        read(&self.path(app, number, "json")).is_ok()
    }

    fn forget_served(&self, app: &AppName, number: ReleaseNumber) -> io::Result<()> {
        gone(fs::remove_file(self.path(app, number, "served")))
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let dir = path.parent().unwrap_or(&self.root);
        for (made, above) in [(self.root.as_path(), self.root.parent()), (dir, Some(&*self.root))] {
            match DirBuilder::new().mode(0o700).create(made) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => {
                    other?;
                    above.map_or(Ok(()), sync)?;
                }
            }
        }
        let draft = path.with_extension("new");
        let write = || {
            let options = &mut OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&draft, path)
        };
        let written = write();
        if written.is_err() {
            // What is left of it would only take room.
            let _ = fs::remove_file(&draft);
        }
        written?;
        sync(dir)
    }

    /// Every copy that is there, in order; those that cannot be read with the reason.
    pub(crate) fn all(&self) -> io::Result<Vec<(PathBuf, Result<Found, StoreError>)>> {
        Ok(self.paths()?.into_iter().map(|path| (path.clone(), read(&path))).collect())
    }

    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for app in list(&self.root)? {
            let files = if app.is_dir() { list(&app)? } else { Vec::new() };
            found.extend(files.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")));
        }
        found.sort();
        Ok(found)
    }
}

fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn encode(sealed: &Sealed) -> Vec<u8> {
    let body = serde_json::to_string(sealed).expect("a copy serialises: its keys are strings");
    format!("{MAGIC} {VERSION} {} {}\n{body}", sha256_hex(body.as_bytes()), body.len()).into_bytes()
}

/// Reads one copy and checks all of it.
fn read(path: &Path) -> Result<Found, StoreError> {
    let damaged = |why: &str| StoreError::Damaged(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path)?;
    let (line, body) = text.split_once('\n').ok_or_else(|| damaged("it has no first line"))?;
    let words: Vec<_> = line.split(' ').collect();
    let [MAGIC, version, hash, length] = words[..] else {
        return Err(damaged("it does not begin as a sealed release"));
    };
    if version != VERSION {
        return Err(StoreError::newer(format!("{} has format {version}", path.display())));
    }
    if length.parse() != Ok(body.len()) || sha256_hex(body.as_bytes()) != hash {
        return Err(damaged("it is cut off or changed"));
    }
    // The parser's own message could quote a secret: only its place is told.
    let sealed: Sealed = serde_json::from_str(body)
        .map_err(|error| damaged(&format!("at column {}", error.column())))?;
    let release = releases::unseal(&sealed.sealed, &super::journal::sum(&sealed.sealed))?;
    let in_place = path.file_stem().is_some_and(|stem| stem == sealed.number.to_string().as_str())
        && path.parent().and_then(Path::file_name).is_some_and(|app| app == sealed.app.as_str());
    if !in_place || release.number != sealed.number || *release.app() != sealed.app {
        return Err(damaged("it is not what its name says"));
    }
    let served = path.with_extension("served").exists();
    Ok(Found { sealed, release, served })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn sealed(number: u32) -> Sealed {
        let release = crate::testkit::release(number);
        Sealed {
            app: release.app().clone(),
            number: release.number,
            rollout: RolloutNumber(number),
            created_at_ms: 7,
            by: "ann".to_owned(),
            message: None,
            commit: None,
            sealed: releases::seal(&release).unwrap(),
        }
    }

    #[test]
    fn a_copy_is_private_and_says_whether_it_served() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::new(dir.path());
        assert!(!copies.are_there().unwrap());
        copies.write(&sealed(1)).unwrap();
        copies.write(&sealed(2)).unwrap();
        copies.mark_served(&sealed(1).app, ReleaseNumber(1)).unwrap();
        let found: Vec<_> = copies.all().unwrap();
        let served: Vec<_> = found
            .iter()
            .map(|(_, found)| found.as_ref().unwrap())
            .map(|found| (found.sealed.number.0, found.served))
            .collect();
        assert_eq!(served, [(1, true), (2, false)]);
        let mode = fs::metadata(&found[0].0).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        copies.remove(&sealed(1).app, ReleaseNumber(1)).unwrap();
        copies.remove(&sealed(1).app, ReleaseNumber(1)).unwrap();
        assert_eq!(copies.all().unwrap().len(), 1);
    }

    #[test]
    fn a_copy_cut_or_changed_anywhere_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::new(dir.path());
        copies.write(&sealed(1)).unwrap();
        let path = copies.all().unwrap()[0].0.clone();
        let whole = fs::read(&path).unwrap();
        // Every place would take long: some hundred, spread over all of it.
        let step = whole.len() / 199;
        for at in (0..whole.len()).step_by(step) {
            fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path).is_err(), "cut at {at}");
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(read(&path).is_err(), "changed at {at}");
        }
        fs::write(path.with_file_name("r9.json"), &whole).unwrap();
        let other = copies.all().unwrap().pop().unwrap().1;
        assert!(other.unwrap_err().to_string().contains("not what its name says"));
    }
}
