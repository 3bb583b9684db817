//! Room for the last words: a file that is given up when the disk is full, so that what then happens
//! can still be recorded and undone, and made again when there is room.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Size of the file: thousands of records.
pub(crate) const RESERVE_BYTES: u64 = 8 << 20;
/// With less than this free, nothing new begins.
pub(crate) const ROOM_MIN_BYTES: u64 = 32 << 20;

const CHUNK: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    pub(super) fn new(state_dir: &Path) -> Self {
        Self { path: state_dir.join("reserve") }
    }

    /// Makes the file unless it is there, whole.
    pub(super) fn make(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|there| there.len() == RESERVE_BYTES) {
            return Ok(());
        }
        // It must not take the room that it is for.
        if self.free()? < 2 * RESERVE_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let draft = self.path.with_extension("new");
        let written = write(&draft).and_then(|()| fs::rename(&draft, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// Gives it up; says whether there was one.
    pub(super) fn release(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }

    /// Room for something new.
    pub(super) fn free(&self) -> io::Result<u64> {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        let disk = rustix::fs::statvfs(dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

/// Written out and synced: a sparse file would reserve nothing.
fn write(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let chunk = vec![0; CHUNK];
    for _ in 0..RESERVE_BYTES / CHUNK as u64 {
        file.write_all(&chunk)?;
    }
    file.sync_all()
}

/// Whether an error says that the disk is full. Some of `SQLite`'s files say it as a mere failure.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_takes_its_room_and_gives_it_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(dir.path());
        reserve.make().unwrap();
        reserve.make().unwrap();
        let there = fs::metadata(dir.path().join("reserve")).unwrap();
        assert_eq!(there.len(), RESERVE_BYTES);
        assert!(reserve.release());
        assert!(!reserve.release());
        reserve.make().unwrap();
    }
}
