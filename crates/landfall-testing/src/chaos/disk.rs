//! Small file systems of their own, each in a loop file, so that one of them can be full while the
//! others have room.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::host::run_ok;

const BOUND: Duration = Duration::from_mins(1);
/// The file that takes the room.
const FILLER: &str = ".filler";

/// A mounted loop file.
pub(super) struct Disk {
    mounted: PathBuf,
}

impl Disk {
    /// Mounts the image at a folder, making both where they are missing. Needs a mount namespace of
    /// our own, with which the mount ends.
    pub(super) fn mount(image: &Path, at: &Path, mib: u64) -> io::Result<Self> {
        fs::create_dir_all(at)?;
        if !image.exists() {
            File::create(image)?.set_len(mib << 20)?;
            // Nothing is kept back for root, and no journal takes a part of a small disk.
            let mut make = Command::new("mkfs.ext4");
            make.args(["-q", "-F", "-m", "0", "-O", "^has_journal"]).arg(image);
            run_ok(&mut make, BOUND)?;
        }
        run_ok(Command::new("mount").args(["-o", "loop"]).arg(image).arg(at), BOUND)?;
        Ok(Self { mounted: at.to_owned() })
    }

    /// Bytes left.
    pub(super) fn room(&self) -> io::Result<u64> {
        let stat = statvfs(&self.mounted)?;
        Ok(stat.f_bavail * stat.f_frsize)
    }

    /// Takes all room but this.
    pub(super) fn fill(&self, leave_bytes: u64) -> io::Result<()> {
        let path = self.mounted.join(FILLER);
        let filler = File::options().create(true).append(true).open(path)?;
        let mut piece = self.room()?.saturating_sub(leave_bytes);
        // What a file costs beside its own bytes is not known before: smaller and smaller pieces.
        while piece >= 1024 {
            let length = filler.metadata()?.len();
            match fallocate(&filler, FallocateFlags::empty(), length, piece) {
                Ok(()) => piece = self.room()?.saturating_sub(leave_bytes),
                Err(_) => piece /= 2,
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn free(&self) -> io::Result<()> {
        match fs::remove_file(self.mounted.join(FILLER)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
