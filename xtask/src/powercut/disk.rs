//! Loop files and mounts. They live in a mount namespace of our own, so that no other process holds
//! them, and go with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cmd::{cmd, read};

/// The file system that can copy a file as it stands. Sparse.
const OUTER_BYTES: u64 = 4 << 30;
/// The disk of agent and edge.
const INNER_BYTES: u64 = 192 << 20;

/// XFS with a disk file on it, and the disk mounted.
pub(super) struct Disk {
    outer: PathBuf,
    pub(super) mount: PathBuf,
    pub(super) copy_mount: PathBuf,
}

impl Disk {
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let disk = Self {
            outer: folder.join("xfs"),
            mount: folder.join("disk"),
            copy_mount: folder.join("copy"),
        };
        for dir in [&disk.outer, &disk.mount, &disk.copy_mount] {
            fs::create_dir_all(dir)?;
        }
        let outer = folder.join("xfs.img");
        File::create(&outer)?.set_len(OUTER_BYTES)?;
        read(cmd("mkfs.xfs", ["-q", "-f", "-m", "reflink=1"]).arg(&outer))?;
        mount(&outer, &disk.outer)?;
        let inner = disk.image();
        File::create(&inner)?.set_len(INNER_BYTES)?;
        read(cmd("mkfs.ext4", ["-q", "-F"]).arg(&inner))?;
        mount(&inner, &disk.mount)?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.outer.join("disk.img")
    }

    /// What a power cut now would leave.
    pub(super) fn cut(&self) -> Result<PathBuf> {
        let copy = self.outer.join("crash.img");
        read(cmd("cp", ["--reflink=always"]).arg(self.image()).arg(&copy))?;
        Ok(copy)
    }

    /// Mounts a copy, as the next start of the machine would, and looks at it.
    pub(super) fn look<T>(&self, copy: &Path, look: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        mount(copy, &self.copy_mount)?;
        let seen = look(&self.copy_mount);
        unmount(&self.copy_mount)?;
        seen
    }

    /// The copy takes the disk's place: the machine starts again.
    pub(super) fn become_copy(&self, copy: &Path) -> Result<()> {
        unmount(&self.mount)?;
        fs::rename(copy, self.image())?;
        mount(&self.image(), &self.mount)
    }

    pub(super) fn unmount_all(&self) -> Result<()> {
        unmount(&self.mount)?;
        unmount(&self.outer)
    }
}

fn mount(image: &Path, at: &Path) -> Result<()> {
    read(cmd("mount", ["-o", "loop"]).arg(image).arg(at))
        .with_context(|| format!("mount {}", image.display()))
        .map(drop)
}

fn unmount(at: &Path) -> Result<()> {
    read(cmd("umount", [at])).map(drop)
}
