//! Loop files and mounts. They live in a mount namespace of our own, so that no other process holds
//! them, and go with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::ioctl_ficlone;

use super::judge::Of;
use crate::cmd::{cmd, read};

/// The file system that can copy a file as it stands. Sparse.
const OUTER_BYTES: u64 = 4 << 30;
/// A disk of the agent or of the edge. Sparse too.
const INNER_BYTES: u64 = 256 << 20;

impl Of {
    pub(super) const ALL: [Self; 2] = [Self::Agent, Self::Edge];

    /// The folder in a state folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Edge => "edge",
        }
    }
}

/// Both disks, mounted in the state folder, and room for copies.
pub(super) struct Disks {
    outer: PathBuf,
    state: PathBuf,
    copies: PathBuf,
}

impl Disks {
    /// Makes them new; the state folder gets a mount for each.
    pub(super) fn make(folder: &Path, state: &Path) -> Result<Self> {
        let disks = Self {
            outer: folder.join("xfs"),
            state: state.to_owned(),
            copies: folder.join("copies"),
        };
        fs::create_dir_all(&disks.outer)?;
        let outer = folder.join("xfs.img");
        File::create(&outer)?.set_len(OUTER_BYTES)?;
        read(cmd("mkfs.xfs", ["-q", "-f", "-m", "reflink=1"]).arg(&outer))?;
        mount(&outer, &disks.outer)?;
        for of in Of::ALL {
            fs::create_dir_all(disks.copies.join(of.name()))?;
            let image = disks.image(of, "disk");
            File::create(&image)?.set_len(INNER_BYTES)?;
            read(cmd("mkfs.ext4", ["-q", "-F"]).arg(&image))?;
            fs::create_dir_all(state.join(of.name()))?;
            mount(&image, &state.join(of.name()))?;
        }
        Ok(disks)
    }

    fn image(&self, of: Of, kind: &str) -> PathBuf {
        self.outer.join(format!("{}-{kind}.img", of.name()))
    }

    /// Copies what a power cut now would leave of both. Each copy is atomic; nobody may write
    /// between the two.
    pub(super) fn cut(&self) -> Result<()> {
        Of::ALL.into_iter().try_for_each(|of| self.copy(of, "disk", "cut"))
    }

    fn copy(&self, of: Of, from: &str, to: &str) -> Result<()> {
        let (from, to) = (File::open(self.image(of, from))?, File::create(self.image(of, to))?);
        ioctl_ficlone(to, from).context("copy a disk by reflink")
    }

    /// Mounts what a cut left, as the next start of the machine would, and looks at it. What was cut
    /// stays as it is: a copy of it is mounted.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Path) -> T) -> Result<T> {
        for of in Of::ALL {
            self.copy(of, "cut", "look")?;
            mount(&self.image(of, "look"), &self.copies.join(of.name()))?;
        }
        let seen = look(&self.copies);
        Of::ALL.into_iter().try_for_each(|of| unmount(&self.copies.join(of.name())))?;
        Ok(seen)
    }

    /// What the cut left takes the disks' place: the machine starts again.
    pub(super) fn start_again(&self) -> Result<()> {
        for of in Of::ALL {
            let at = self.state.join(of.name());
            unmount(&at)?;
            fs::rename(self.image(of, "cut"), self.image(of, "disk"))?;
            mount(&self.image(of, "disk"), &at)?;
        }
        Ok(())
    }
}

fn mount(image: &Path, at: &Path) -> Result<()> {
    read(cmd("mount", ["-o", "loop"]).arg(image).arg(at))
        .with_context(|| format!("mount {}", image.display()))
        .map(drop)
}

fn unmount(at: &Path) -> Result<()> {
    read(&mut cmd("umount", [at])).map(drop)
}
