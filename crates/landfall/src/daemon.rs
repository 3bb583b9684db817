//! Agent and edge as background processes: start, ask, stop.
//!
//! A running process holds a lock on its pid file, so a pid that was given to a stranger is never
//! taken for ours. Where systemd supervises, its units run the same commands in the foreground.

mod fd_store;
pub(crate) mod notify;
mod pidfile;
mod process;
mod start;
mod stop;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub(crate) use fd_store::FdStore;
pub(crate) use pidfile::PidFile;
pub(crate) use process::{asked_to_end, begin};
pub(crate) use start::{Launch, Started, launch, succeed};
pub(crate) use stop::{Stopped, stop};

use crate::settings::Paths;

/// The two processes of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Agent,
    Edge,
}

impl Role {
    /// Its verb on the command line and its word in messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Edge => "edge",
        }
    }

    /// Where its pid is written.
    pub(crate) fn pid_file(self, paths: &Paths) -> PathBuf {
        paths.run_dir.join(format!("{}.pid", self.as_str()))
    }

    /// Where its output goes in the background.
    pub(crate) fn log_file(self, paths: &Paths) -> PathBuf {
        paths.state_dir.join(format!("{}.log", self.as_str()))
    }
}

/// Why a background process could not be handled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    #[error("the folder {} cannot be made", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} cannot be used", path.display())]
    PidFile { path: PathBuf, source: io::Error },
    #[error("the {role} runs already, with pid {pid}")]
    Held { role: &'static str, pid: i32 },
    #[error("the terminal's session cannot be left")]
    Session { source: io::Error },
    #[error("the {role} cannot be started")]
    Spawn { role: &'static str, source: io::Error },
    #[error("the {role} ended while it started ({status})")]
    Ended { role: &'static str, status: String, log: PathBuf, tail: Vec<String> },
    #[error("the {role} did not answer within {after_s} s")]
    Silent { role: &'static str, after_s: u64, log: PathBuf, tail: Vec<String> },
    #[error("the {role} (pid {pid}) cannot be signalled")]
    Signal { role: &'static str, pid: i32, source: io::Error },
    #[error("the {role} (pid {pid}) is still busy after {after_s} s")]
    Stays { role: &'static str, pid: i32, after_s: u64 },
}

/// Makes the folder of sockets and pid files; the sockets themselves say who may use them.
pub(crate) fn make_run_dir(paths: &Paths) -> Result<(), DaemonError> {
    make_folder(&paths.run_dir, 0o755)
}

/// Makes the folder of everything that must outlive a process. It can be passed through, since the
/// engine mounts sealed files from below it, but not listed.
pub(crate) fn make_state_dir(paths: &Paths) -> Result<(), DaemonError> {
    make_folder(&paths.state_dir, 0o711)
}

fn make_folder(path: &Path, mode: u32) -> Result<(), DaemonError> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(mode).create(path);
    made.map_err(|source| DaemonError::Folder { path: path.to_owned(), source })
}
