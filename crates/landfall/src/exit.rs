//! How the program ends. Scripts rely on these numbers.

use std::process::ExitCode;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// It is not, and nothing was changed.
    NotDone = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// It was tried and undone: what served before serves.
    RolledBack = 3,
    /// It cannot go on without a person.
    Stuck = 4,
    /// Another rollout of the app is open.
    Busy = 5,
    /// A bug, or a disk that fails.
    Internal = 70,
    /// The person stopped watching.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
