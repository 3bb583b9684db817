//! Asks a role to end, and waits until it has.
//!
//! Never kills: an edge lets requests in flight finish, and an agent closes its journal. To a rollout
//! that is on its way this is a crash like any other: it is taken up again.

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::pidfile::raw;
use super::{DaemonError, PidFile, Role};
use crate::settings::Paths;

/// Time a role has to end; the edge lets requests in flight finish.
const END_WITHIN: Duration = Duration::from_secs(45);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It ran and has ended.
    Now { pid: i32 },
    /// It did not run.
    Already,
}

/// Asks the process that holds the role's lock to end.
pub(crate) async fn stop(role: Role, paths: &Paths) -> Result<Stopped, DaemonError> {
    let Some(pid) = PidFile::holder(role, paths)? else {
        return Ok(Stopped::Already);
    };
    let number = raw(pid);
    match kill_process(pid, Signal::TERM) {
        // Gone between the two calls.
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => {
            let source = error.into();
            return Err(DaemonError::Signal { role: role.as_str(), pid: number, source });
        }
    }
    let deadline = Instant::now() + END_WITHIN;
    while PidFile::holder(role, paths)? == Some(pid) {
        if Instant::now() >= deadline {
            let after_s = END_WITHIN.as_secs();
            return Err(DaemonError::Stays { role: role.as_str(), pid: number, after_s });
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Stopped::Now { pid: number })
}
