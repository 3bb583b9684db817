//! The audit record on disk: appended to, chained by hash, cut at its old end only.

use landfall_api::{AUDIT_MAX, AuditEntry, AuditFact, AuditQuery};
use landfall_core::hash::sha256_hex;
use rusqlite::{Connection, OptionalExtension, params};

use super::{SqliteStore, StoreError, column, schema};

/// The table, and what may become of it. Only what is older than the newest `AUDIT_MAX` may go.
pub(super) const MIGRATION: &str = "
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    app TEXT,
    fact TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_app ON audit (app, seq);
CREATE TRIGGER audit_stays_as_written BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is never changed'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
WHEN OLD.seq > (SELECT max(seq) FROM audit) - 10000
BEGIN SELECT RAISE(ABORT, 'the audit record is cut at its old end only'); END;
";

/// What of a store was found to be as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    /// Rollouts, all their records followed.
    pub rollouts: usize,
    /// Records of all of them.
    pub records: usize,
    /// Entries of the audit record.
    pub audit: usize,
}

impl SqliteStore {
    /// Appends one fact; durable when it returns.
    pub(crate) async fn audit(&self, at_ms: u64, fact: AuditFact) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            append(&transaction, at_ms, &fact)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Entries, newest first.
    pub(crate) async fn audited(&self, query: AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.run(move |connection| read(connection, &query)).await
    }

    /// Checks the file's pages, every journal's chain and the audit record's.
    pub(crate) async fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = self
            .run(|connection| {
                schema::check_pages(connection)?;
                Ok(Verified { audit: check(connection)?, ..Verified::default() })
            })
            .await?;
        // App by app and rollout by rollout, so that a rollout that runs need not wait for all.
        for app in self.apps().await? {
            for began in self.rollouts(&app).await? {
                let journal = self.journal(&app, began.header.rollout).await?;
                verified.rollouts += 1;
                verified.records += journal.map_or(0, |journal| journal.entries.len());
            }
        }
        Ok(verified)
    }
}

/// The hash of one entry, over its predecessor's and its own content.
fn link(previous: &str, seq: u64, at_ms: u64, text: &str) -> String {
    sha256_hex(format!("{previous}\n{seq}\n{at_ms}\n{text}").as_bytes())
}

fn append(connection: &Connection, at_ms: u64, fact: &AuditFact) -> Result<(), StoreError> {
    let sql = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
    let last: Option<(i64, String)> =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (seq, previous) = match last {
        Some((seq, hash)) => (column::unsigned(seq)? + 1, hash),
        None => (1, sha256_hex(b"landfall audit")),
    };
    let text = serde_json::to_string(fact)
        .map_err(|error| StoreError::Damaged(format!("an audit entry: {error}")))?;
    let hash = link(&previous, seq, at_ms, &text);
    let sql = "INSERT INTO audit (seq, at_ms, app, fact, previous, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let app = fact.app.as_ref().map(ToString::to_string);
    let (seq, at_ms) = (column::signed(seq), column::signed(at_ms));
    connection.execute(sql, params![seq, at_ms, app, text, previous, hash])?;
    let kept = i64::try_from(AUDIT_MAX).unwrap_or(i64::MAX);
    connection.execute("DELETE FROM audit WHERE seq <= ?1", [seq - kept])?;
    Ok(())
}

fn read(connection: &Connection, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
    let sql = "SELECT seq, at_ms, fact FROM audit
        WHERE (?1 IS NULL OR app = ?1) AND at_ms >= ?2 ORDER BY seq DESC LIMIT ?3";
    let app = query.app.as_ref().map(ToString::to_string);
    let since = column::signed(query.since_ms.unwrap_or(0));
    let max = i64::try_from(query.max.unwrap_or(AUDIT_MAX).min(AUDIT_MAX)).unwrap_or(i64::MAX);
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params![app, since, max])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(2)?;
        let fact = serde_json::from_str(&text)
            .map_err(|error| StoreError::Damaged(format!("an audit entry: {error}")))?;
        let (seq, at_ms) = (column::unsigned(row.get(0)?)?, column::unsigned(row.get(1)?)?);
        found.push(AuditEntry { seq, at_ms, fact });
    }
    Ok(found)
}

fn check(connection: &Connection) -> Result<usize, StoreError> {
    let sql = "SELECT seq, at_ms, fact, previous, hash FROM audit ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut last: Option<(u64, String)> = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (seq, at_ms) = (column::unsigned(row.get(0)?)?, column::unsigned(row.get(1)?)?);
        let (text, previous, hash): (String, String, String) =
            (row.get(2)?, row.get(3)?, row.get(4)?);
        let follows = last.as_ref().is_none_or(|(n, hash)| seq == n + 1 && previous == *hash);
        if !follows || hash != link(&previous, seq, at_ms, &text) {
            return Err(StoreError::Damaged(format!("audit entry {seq} is not what was written")));
        }
        last = Some((seq, hash));
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_api::{AuditAction, AuditResult, Who};

    fn fact(app: &str, number: u32) -> AuditFact {
        let who = Who::Peer {
            uid: 1000,
            gid: 1000,
            pid: Some(7),
            user: Some("ann".to_owned()),
            claimed: Some("root@everywhere".to_owned()),
        };
        AuditFact {
            who,
            action: AuditAction::Deploy,
            app: Some(app.parse().unwrap()),
            rollout: Some(landfall_core::id::RolloutNumber(number)),
            release: None,
            message: None,
            commit: None,
            result: AuditResult::Accepted,
        }
    }

    #[tokio::test]
    async fn entries_come_back_newest_first_by_app_and_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        for (number, app) in (1..).zip(["shop", "blog", "shop"]) {
            store.audit(u64::from(number) * 10, fact(app, number)).await.unwrap();
        }
        let seqs = async |query: AuditQuery| {
            let found = store.audited(query).await.unwrap();
            found.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(AuditQuery::default()).await, [3, 2, 1]);
        let app = Some("shop".parse().unwrap());
        assert_eq!(seqs(AuditQuery { app, ..AuditQuery::default() }).await, [3, 1]);
        let (since_ms, max) = (Some(20), Some(1));
        assert_eq!(seqs(AuditQuery { since_ms, max, ..AuditQuery::default() }).await, [3]);
        assert_eq!(store.verify().await.unwrap().audit, 3);
    }

    #[tokio::test]
    async fn what_is_written_cannot_be_changed_and_a_forgery_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        for number in 1..=3 {
            store.audit(1, fact("shop", number)).await.unwrap();
        }
        let vandal = rusqlite::Connection::open(dir.path().join("store/landfall.db")).unwrap();
        for sql in ["UPDATE audit SET at_ms = 7", "DELETE FROM audit WHERE seq = 2"] {
            let error = vandal.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains("the audit record is"), "{error}");
        }
        vandal.execute_batch("DROP TRIGGER audit_stays_as_written").unwrap();
        vandal.execute("UPDATE audit SET at_ms = 7 WHERE seq = 2", []).unwrap();
        let error = store.verify().await.unwrap_err().to_string();
        assert!(error.contains("audit entry 2 is not what was written"), "{error}");
    }

    #[test]
    fn only_the_old_end_goes_and_the_chain_still_holds() {
        let dir = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(dir.path()).unwrap();
        let transaction = connection.unchecked_transaction().unwrap();
        let surplus = 5;
        for number in 1..=u32::try_from(AUDIT_MAX).unwrap() + surplus {
            append(&transaction, 1, &fact("shop", number)).unwrap();
        }
        transaction.commit().unwrap();
        assert_eq!(check(&connection).unwrap(), AUDIT_MAX);
        let query = AuditQuery { max: Some(1), ..AuditQuery::default() };
        let newest = read(&connection, &query).unwrap();
        assert_eq!(newest[0].seq, AUDIT_MAX as u64 + u64::from(surplus));
    }
}
