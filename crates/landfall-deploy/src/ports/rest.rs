//! Journal, clock, sealed files, and whoever watches.

use std::future::Future;
use std::time::Duration;

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::plan::Plan;
use landfall_core::record::Record;
use landfall_core::release::Release;

/// Append-only records of rollouts. An append is durable when it returns.
pub trait JournalStore: Send + Sync {
    /// Appends one record.
    fn append(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        record: &Record,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// One record with its place and wall-clock time, for display only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the rollout, from 1, without gaps.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The fact.
    pub record: Record,
}

/// The journal could not be written: the driver stops at once, and recovery decides.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct JournalError(pub String);

/// Monotonic time.
pub trait Clock: Send + Sync {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Sealed files on the host's disk, by app and release.
pub trait Files: Send + Sync {
    /// Writes all files of a release; what is there already is made right.
    fn write(&self, release: &Release) -> impl Future<Output = Result<(), FilesError>> + Send;

    /// Host path of one sealed tree, to be mounted. Pure: it may not exist yet.
    fn path(&self, app: &AppName, release: ReleaseNumber, tree: &str) -> String;

    /// Releases that have files.
    fn releases(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<Vec<ReleaseNumber>, FilesError>> + Send;

    /// Paths of a release's files that are missing on disk or are not what was sealed. A store that
    /// cannot tell finds none.
    fn wrong(
        &self,
        _release: &Release,
    ) -> impl Future<Output = Result<Vec<String>, FilesError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Removes a release's files; missing ones are fine.
    fn remove(
        &self,
        app: &AppName,
        release: ReleaseNumber,
    ) -> impl Future<Output = Result<(), FilesError>> + Send;
}

/// Sealed files could not be written or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(pub String);

/// Whoever watches a rollout. Must not block; what it misses, the journal has.
pub trait Observer: Send + Sync {
    /// A record was made durable.
    fn recorded(&self, plan: &Plan, record: &Record);

    /// Something worth a line happened inside a step.
    fn progress(&self, step: usize, progress: Progress);
}

/// Inside a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A container was started.
    Started {
        /// Of which service.
        service: ServiceName,
        /// Which one.
        replica: u32,
    },
    /// Its gate is passed.
    Ready {
        /// Of which service.
        service: ServiceName,
        /// Which one.
        replica: u32,
        /// Time since its start.
        after_ms: u64,
    },
    /// A one-off ended well.
    Completed {
        /// Which service.
        service: ServiceName,
        /// Time since its start.
        after_ms: u64,
    },
    /// Requests are still in flight to the previous release.
    Draining {
        /// How many.
        in_flight: u64,
    },
    /// A failed call will be tried again.
    Retrying {
        /// What went wrong.
        message: String,
    },
}
