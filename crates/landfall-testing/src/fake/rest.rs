//! Journal, files, clock and an observer that keeps quiet.

use std::time::Duration;

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::plan::Plan;
use landfall_core::record::Record;
use landfall_core::release::Release;
use landfall_deploy::ports::{
    Clock, Files, FilesError, JournalError, JournalStore, Observer, Progress,
};

use super::world::{Fate, World};

/// A journal that is durable when it says so.
#[derive(Debug, Clone)]
pub struct FakeJournal(pub World);

impl JournalStore for FakeJournal {
    async fn append(
        &self,
        _: &AppName,
        _: RolloutNumber,
        record: &Record,
    ) -> Result<(), JournalError> {
        match self.0.pass("journal").await {
            Fate::Go => {
                self.0.lock().journal.push(record.clone());
                Ok(())
            }
            Fate::Refuse { .. } => Err(JournalError("disk full (planted)".to_owned())),
            Fate::LoseAnswer => {
                self.0.lock().journal.push(record.clone());
                Err(JournalError("the answer was lost (planted)".to_owned()))
            }
            Fate::CrashAfter => {
                self.0.lock().journal.push(record.clone());
                self.0.die().await
            }
        }
    }
}

/// Files as a set of releases.
#[derive(Debug, Clone)]
pub struct FakeFiles(pub World);

impl FakeFiles {
    async fn call(
        &self,
        call: &str,
        effect: impl FnOnce(&mut super::Inner),
    ) -> Result<(), FilesError> {
        match self.0.pass(call).await {
            Fate::Go => self.0.change(call, effect),
            Fate::Refuse { .. } => return Err(FilesError("refused by a planted fault".to_owned())),
            Fate::LoseAnswer => {
                self.0.change(call, effect);
                return Err(FilesError("the answer was lost".to_owned()));
            }
            Fate::CrashAfter => {
                self.0.change(call, effect);
                self.0.die().await;
            }
        }
        Ok(())
    }
}

impl Files for FakeFiles {
    async fn write(&self, release: &Release) -> Result<(), FilesError> {
        let key = (release.app().clone(), release.number);
        self.call("write files", |inner| {
            inner.files.insert(key);
        })
        .await
    }

    fn path(&self, app: &AppName, release: ReleaseNumber, tree: &str) -> String {
        format!("/files/{app}/{release}/{tree}")
    }

    async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseNumber>, FilesError> {
        let mut found = Vec::new();
        self.call("list files", |inner| {
            found = inner.files.iter().filter(|(a, _)| a == app).map(|(_, r)| *r).collect();
        })
        .await?;
        Ok(found)
    }

    async fn remove(&self, app: &AppName, release: ReleaseNumber) -> Result<(), FilesError> {
        let key = (app.clone(), release);
        self.call("remove files", |inner| {
            inner.files.remove(&key);
        })
        .await
    }
}

/// Virtual time: sleeping takes none.
#[derive(Debug, Clone)]
pub struct SimClock(pub World);

impl Clock for SimClock {
    fn now(&self) -> Duration {
        self.0.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().now += duration;
    }
}

/// Watches without a word.
#[derive(Debug, Clone, Copy)]
pub struct SilentObserver;

impl Observer for SilentObserver {
    fn recorded(&self, _: &Plan, _: &Record) {}
    fn progress(&self, _: usize, _: Progress) {}
}
