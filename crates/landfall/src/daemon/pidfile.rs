//! A pid file that is locked for the life of its process.
//!
//! The lock decides whether anybody runs; the number only says whom to signal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::process::Pid;

use super::{DaemonError, Role, make_run_dir};
use crate::settings::Paths;

/// Held for as long as the process runs; the kernel lets go of it when the process ends.
#[derive(Debug)]
pub(crate) struct PidFile {
    file: File,
}

impl PidFile {
    /// Takes the lock for this process and writes its pid.
    pub(crate) fn take(role: Role, paths: &Paths) -> Result<Self, DaemonError> {
        make_run_dir(paths)?;
        let path = role.pid_file(paths);
        let failed = |source| DaemonError::PidFile { path: path.clone(), source };
        let mut file = open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let pid = read_pid(&mut file).map_err(failed)?.map_or(0, raw);
                return Err(DaemonError::Held { role: role.as_str(), pid });
            }
            Err(error) => return Err(failed(error.into())),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { file })
    }

    /// The locked file itself, for who hands it on to a successor.
    pub(crate) fn into_file(self) -> File {
        self.file
    }

    /// The pid of the process that holds the lock; `None` when nobody does.
    pub(crate) fn holder(role: Role, paths: &Paths) -> Result<Option<Pid>, DaemonError> {
        let path = role.pid_file(paths);
        let failed = |source| DaemonError::PidFile { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(rustix::io::Errno::WOULDBLOCK) => read_pid(&mut file).map_err(failed),
            Err(error) => Err(failed(error.into())),
        }
    }
}

/// A pid as a plain number.
pub(super) fn raw(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn read_pid(file: &mut File) -> io::Result<Option<Pid>> {
    let mut text = String::new();
    file.rewind()?;
    file.take(32).read_to_string(&mut text)?;
    // More may follow for the moment in which another process writes its own.
    let line = text.lines().next().unwrap_or_default();
    Ok(line.trim().parse().ok().and_then(Pid::from_raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(dir: &Path) -> Paths {
        let agent_socket = dir.join("agent.sock");
        Paths { run_dir: dir.to_owned(), state_dir: dir.to_owned(), agent_socket }
    }

    #[test]
    fn a_held_lock_names_its_process_and_keeps_others_out() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        assert_eq!(PidFile::holder(Role::Agent, &paths).unwrap(), None);
        let held = PidFile::take(Role::Agent, &paths).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(PidFile::holder(Role::Agent, &paths).unwrap().map(raw), Some(own));
        let second = PidFile::take(Role::Agent, &paths);
        assert!(matches!(second, Err(DaemonError::Held { pid, .. }) if pid == own));
        assert!(PidFile::take(Role::Edge, &paths).is_ok());
        drop(held);
    }

    #[test]
    fn a_pid_without_its_lock_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        // A stranger may have got this pid since.
        std::fs::write(Role::Agent.pid_file(&paths), "1\n").unwrap();
        assert_eq!(PidFile::holder(Role::Agent, &paths).unwrap(), None);
        assert!(PidFile::take(Role::Agent, &paths).is_ok());
    }
}
