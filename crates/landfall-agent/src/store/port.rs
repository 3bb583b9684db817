//! The `Store` port over the file.

use landfall_api::{AuditEntry, AuditFact, AuditQuery};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::record::Record;
use landfall_core::release::Release;
use landfall_deploy::ports::Entry;

use super::{Began, Journal, Opening, ReleaseRow, SqliteStore, StoreError, Verified};
use crate::ground::Store;

impl Store for SqliteStore {
    async fn next_rollout(&self, app: &AppName) -> Result<RolloutNumber, StoreError> {
        Self::next_rollout(self, app).await
    }

    async fn peek_rollout(&self, app: &AppName) -> Result<RolloutNumber, StoreError> {
        Self::peek_rollout(self, app).await
    }

    async fn begin(&self, opening: Opening) -> Result<Entry, StoreError> {
        Self::begin(self, opening).await
    }

    async fn append(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        record: Record,
    ) -> Result<Entry, StoreError> {
        Self::append(self, app, rollout, record).await
    }

    async fn journal(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
    ) -> Result<Option<Journal>, StoreError> {
        Self::journal(self, app, rollout).await
    }

    async fn rollouts(&self, app: &AppName) -> Result<Vec<Began>, StoreError> {
        Self::rollouts(self, app).await
    }

    async fn apps(&self) -> Result<Vec<AppName>, StoreError> {
        Self::apps(self).await
    }

    async fn next_release(&self, app: &AppName) -> Result<ReleaseNumber, StoreError> {
        Self::next_release(self, app).await
    }

    async fn release(
        &self,
        app: &AppName,
        number: ReleaseNumber,
    ) -> Result<Option<Release>, StoreError> {
        Self::release(self, app, number).await
    }

    async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseRow>, StoreError> {
        Self::releases(self, app).await
    }

    async fn keep_only(&self, app: &AppName, keep: &[ReleaseNumber]) -> Result<(), StoreError> {
        Self::keep_only(self, app, keep).await
    }

    async fn audit(&self, at_ms: u64, fact: AuditFact) -> Result<(), StoreError> {
        Self::audit(self, at_ms, fact).await
    }

    async fn audited(&self, query: AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        Self::audited(self, query).await
    }

    async fn verify(&self) -> Result<Verified, StoreError> {
        Self::verify(self).await
    }

    async fn forget(&self, app: &AppName, number: ReleaseNumber) -> Result<(), StoreError> {
        Self::forget(self, app, number).await
    }

    async fn room(&self) -> Result<(), StoreError> {
        Self::room(self).await
    }
}
