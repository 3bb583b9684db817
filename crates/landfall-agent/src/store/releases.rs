//! Sealed releases. Their content goes when nothing can be rolled back to them any more; their row,
//! which says who deployed what and when, stays.

use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::release::Release;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::journal::{NewRelease, sum};
use super::{SqliteStore, StoreError, column};

/// Newest version of the sealed format that is known here. The rule is that of records.
const FORMAT: u32 = 1;

/// A release's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRow {
    /// Its number.
    pub number: ReleaseNumber,
    /// Its hash.
    pub hash: String,
    /// When it was sealed; milliseconds since 1970.
    pub created_at_ms: u64,
    /// Who asked.
    pub by: String,
    /// Why.
    pub message: Option<String>,
    /// Commit of the source.
    pub commit: Option<String>,
    /// All of it, while it is kept.
    pub release: Option<Release>,
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    release: &'a Release,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Read {
    release: Release,
}

impl SqliteStore {
    /// The number that the app's next release will have.
    pub(crate) async fn next_release(&self, app: &AppName) -> Result<ReleaseNumber, StoreError> {
        let app = app.clone();
        self.run(move |connection| {
            let sql = "SELECT coalesce(max(number), 0) + 1 FROM releases WHERE app = ?1";
            column::release(connection.query_row(sql, [app.as_str()], |row| row.get(0))?)
        })
        .await
    }

    /// One release; `None` if there is none of that number, or its content is gone.
    pub(crate) async fn release(
        &self,
        app: &AppName,
        number: ReleaseNumber,
    ) -> Result<Option<Release>, StoreError> {
        let app = app.clone();
        self.run(move |connection| {
            let sql = "SELECT sealed, sealed_sha256 FROM releases WHERE app = ?1 AND number = ?2";
            let row: Option<(Option<String>, String)> = connection
                .query_row(sql, params![app.as_str(), number.0], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((Some(text), sum)) = row else { return Ok(None) };
            unseal(&text, &sum).map(Some)
        })
        .await
    }

    /// All releases of an app, newest first.
    pub(crate) async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseRow>, StoreError> {
        let app = app.clone();
        self.run(move |connection| {
            let mut query = connection.prepare(
                "SELECT number, hash, created_at_ms, by, message, commit_id, sealed, sealed_sha256
                 FROM releases WHERE app = ?1 ORDER BY number DESC",
            )?;
            let mut rows = query.query([app.as_str()])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let (text, sum): (Option<String>, String) = (row.get(6)?, row.get(7)?);
                found.push(ReleaseRow {
                    number: column::release(row.get(0)?)?,
                    hash: row.get(1)?,
                    created_at_ms: column::unsigned(row.get(2)?)?,
                    by: row.get(3)?,
                    message: row.get(4)?,
                    commit: row.get(5)?,
                    release: text.map(|text| unseal(&text, &sum)).transpose()?,
                });
            }
            Ok(found)
        })
        .await
    }

    /// Drops the content of all releases of an app but these.
    pub(crate) async fn keep_only(
        &self,
        app: &AppName,
        keep: &[ReleaseNumber],
    ) -> Result<(), StoreError> {
        let (app, keep) = (app.clone(), keep.to_vec());
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let numbers: Vec<u32> = {
                let sql = "SELECT number FROM releases WHERE app = ?1 AND sealed IS NOT NULL";
                let mut query = transaction.prepare(sql)?;
                let rows = query.query_map([app.as_str()], |row| row.get(0))?;
                rows.collect::<Result<_, _>>()?
            };
            for number in numbers.into_iter().map(ReleaseNumber) {
                if !keep.contains(&number) {
                    forget(&transaction, &app, number)?;
                }
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Drops the content of one release.
    pub(crate) async fn forget(
        &self,
        app: &AppName,
        number: ReleaseNumber,
    ) -> Result<(), StoreError> {
        let app = app.clone();
        self.run(move |connection| forget(connection, &app, number)).await
    }
}

fn forget(connection: &Connection, app: &AppName, number: ReleaseNumber) -> Result<(), StoreError> {
    let sql = "UPDATE releases SET sealed = NULL WHERE app = ?1 AND number = ?2";
    connection.execute(sql, params![app.as_str(), number.0])?;
    Ok(())
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    new: &NewRelease,
    by: &str,
    at_ms: u64,
) -> Result<(), StoreError> {
    let text = seal(&new.release)?;
    let sql = "INSERT INTO releases
        (app, number, hash, sealed, sealed_sha256, created_at_ms, by, message, commit_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    transaction.execute(
        sql,
        params![
            new.release.app().as_str(),
            new.release.number.0,
            new.release.hash,
            text,
            sum(&text),
            column::signed(at_ms),
            by,
            new.message,
            new.commit,
        ],
    )?;
    Ok(())
}

fn seal(release: &Release) -> Result<String, StoreError> {
    serde_json::to_string(&Written { v: FORMAT, release })
        .map_err(|error| StoreError::Damaged(format!("a release cannot be written: {error}")))
}

pub(super) fn unseal(text: &str, expected: &str) -> Result<Release, StoreError> {
    // The parser's own message could quote a secret: only its place is told.
    let damaged = |error: serde_json::Error| {
        StoreError::Damaged(format!("a release, at column {}", error.column()))
    };
    if sum(text) != expected {
        return Err(StoreError::Damaged("a release is not what was written".to_owned()));
    }
    let Version { v } = serde_json::from_str(text).map_err(damaged)?;
    if v > FORMAT {
        let what = format!("a release has format {v}, and this landfall knows {FORMAT}");
        return Err(StoreError::newer(what));
    }
    let Read { release } = serde_json::from_str(text).map_err(damaged)?;
    if seal(&release)? != text {
        return Err(StoreError::newer("a release says more than this landfall understands"));
    }
    Ok(release)
}
