//! The agent's store: releases, rollouts and their journals in one `SQLite` file.
//!
//! WAL with `synchronous=FULL`: what is acknowledged survives a power cut (measured). One thread owns
//! the connection; everybody else sends it jobs. Records are never changed or removed, which triggers
//! enforce, and are chained by hash. What serves is never stored: it is read off the journals.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::plan::RolloutKind;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use reserve::{ROOM_MIN_BYTES, Reserve};

mod audit;
mod chain;
mod copies;
mod inspect;
mod journal;
mod port;
mod rebuild;
mod releases;
mod reserve;
mod schema;

pub use audit::Verified;
pub(crate) use copies::{Copies, Found as FoundCopy};
pub use inspect::inspect;
pub use journal::{Began, Header, Journal, NewRelease, Opening};
pub(crate) use rebuild::{Rebuild, StoreState, Stored};
pub use releases::ReleaseRow;

/// Jobs that may wait for the writer.
const QUEUE_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// What only the writer's thread touches.
struct Writer {
    connection: Connection,
    copies: Copies,
    reserve: Reserve,
}

/// The store. Cheap to clone; the file is closed with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    jobs: mpsc::Sender<Job>,
}

/// The store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` says no.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Folder or file cannot be made.
    #[error("cannot open the store: {0}")]
    Io(#[from] std::io::Error),
    /// Made by a newer landfall, or not ours. Nothing is changed.
    #[error("{0}")]
    Foreign(String),
    /// What was written is not what is read.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The database is gone, and it was not the first start.
    #[error("the store is lost: {0}")]
    Lost(String),
    /// No room for anything new.
    #[error("{0}")]
    Full(String),
    /// The writer is gone. A bug.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether a full disk may be behind it.
    fn is_full(&self) -> bool {
        match self {
            Self::Sqlite(error) => reserve::is_full(error),
            Self::Io(error) => error.kind() == std::io::ErrorKind::StorageFull,
            Self::Full(_) => true,
            Self::Foreign(_) | Self::Damaged(_) | Self::Lost(_) | Self::Closed => false,
        }
    }

    /// Something that this landfall has no word for: it is left as it is.
    fn newer(what: impl std::fmt::Display) -> Self {
        Self::Foreign(format!("{what}: it was made by a newer landfall, use that one"))
    }
}

impl SqliteStore {
    /// Opens the store in a state folder, makes it if there is none, and checks it. A database that
    /// is gone while sealed releases are there is not made anew.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let (dir, copies) = (state_dir.join("store"), Copies::new(state_dir));
        let reserve = Reserve::new(state_dir);
        if copies.are_there()? && !schema::is_there(&dir) {
            let message = "the database is gone, and sealed releases are there";
            return Err(StoreError::Lost(message.to_owned()));
        }
        let connection = match schema::open(&dir) {
            Err(error) if error.is_full() && reserve.release() => {
                tracing::warn!("the disk is full: starts on the reserve");
                schema::open(&dir)?
            }
            opened => opened?,
        };
        if let Err(error) = reserve.make() {
            tracing::warn!(%error, "no room for the reserve: nothing new will begin");
        }
        releases::complete_copies(&connection, &copies)?;
        let mut writer = Writer { connection, copies, reserve };
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE_MAX);
        let writer = move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut writer);
            }
        };
        std::thread::Builder::new().name("store".to_owned()).spawn(writer)?;
        Ok(Self { jobs })
    }

    /// Whether there is room for a new rollout: for its records, and for those of its undoing.
    pub(crate) async fn room(&self) -> Result<(), StoreError> {
        self.run_with(|writer| {
            let free = writer.reserve.free()?;
            if free < ROOM_MIN_BYTES {
                let (free, least) = (free >> 20, ROOM_MIN_BYTES >> 20);
                return Err(StoreError::Full(format!(
                    "the disk of the state folder is full: {free} MiB are free, {least} are needed"
                )));
            }
            Ok(writer.reserve.make()?)
        })
        .await
    }

    /// Runs one job over the database on the writer's thread.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_with(move |writer| job(&mut writer.connection)).await
    }

    /// Runs one job over all that the writer has.
    async fn run_with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            // Nobody waits any more: the caller was dropped, and the work is done all the same.
            let _ = answer.send(job(writer));
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

/// Milliseconds since 1970, for display; decisions never depend on it.
pub(crate) fn now_ms() -> u64 {
    #[cfg(feature = "simulation")]
    if let Some(simulated) = crate::simulation::wall_clock_ms() {
        return simulated;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Columns as our types; a value that does not fit is damage.
mod column {
    use super::{AppName, ReleaseNumber, RolloutKind, RolloutNumber, StoreError};

    pub(super) fn app(text: &str) -> Result<AppName, StoreError> {
        text.parse().map_err(|error| StoreError::Damaged(format!("{error}")))
    }

    pub(super) fn number(value: i64) -> Result<u32, StoreError> {
        u32::try_from(value).map_err(|_| StoreError::Damaged(format!("{value} as a number")))
    }

    pub(super) fn release(value: i64) -> Result<ReleaseNumber, StoreError> {
        number(value).map(ReleaseNumber)
    }

    pub(super) fn rollout(value: i64) -> Result<RolloutNumber, StoreError> {
        number(value).map(RolloutNumber)
    }

    pub(super) fn unsigned(value: i64) -> Result<u64, StoreError> {
        u64::try_from(value).map_err(|_| StoreError::Damaged(format!("{value} as a count")))
    }

    pub(super) fn signed(value: u64) -> i64 {
        i64::try_from(value).unwrap_or(i64::MAX)
    }

    pub(super) fn kind_text(kind: RolloutKind) -> &'static str {
        match kind {
            RolloutKind::Deploy => "deploy",
            RolloutKind::RollBack => "roll_back",
            RolloutKind::Down => "down",
            RolloutKind::Recovered => "recovered",
        }
    }

    pub(super) fn kind(text: &str) -> Result<RolloutKind, StoreError> {
        match text {
            "deploy" => Ok(RolloutKind::Deploy),
            "roll_back" => Ok(RolloutKind::RollBack),
            "down" => Ok(RolloutKind::Down),
            "recovered" => Ok(RolloutKind::Recovered),
            other => Err(StoreError::newer(format!("a rollout is of the kind `{other}`"))),
        }
    }
}
