//! Sealed releases. Their content goes when nothing can be rolled back to them any more; their row,
//! which says who deployed what and when, stays.

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::release::Release;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::copies::{Copies, Sealed};
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
        self.run(move |connection| content(connection, &app, number)).await
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
        self.run_with(move |writer| {
            let transaction = writer.connection.transaction()?;
            let mut dropped = kept(&transaction, &app)?;
            dropped.retain(|number| !keep.contains(number));
            for number in &dropped {
                forget(&transaction, &app, *number)?;
            }
            transaction.commit()?;
            dropped.iter().try_for_each(|number| Ok(writer.copies.remove(&app, *number)?))
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
        self.run_with(move |writer| {
            forget(&writer.connection, &app, number)?;
            Ok(writer.copies.remove(&app, number)?)
        })
        .await
    }
}

/// One release; `None` if there is none of that number, or its content is gone.
pub(super) fn content(
    connection: &Connection,
    app: &AppName,
    number: ReleaseNumber,
) -> Result<Option<Release>, StoreError> {
    let sql = "SELECT sealed, sealed_sha256 FROM releases WHERE app = ?1 AND number = ?2";
    let row: Option<(Option<String>, String)> = connection
        .query_row(sql, params![app.as_str(), number.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Some(text), sum)) = row else { return Ok(None) };
    unseal(&text, &sum).map(Some)
}

/// Releases whose content is stored.
pub(super) fn kept(
    connection: &Connection,
    app: &AppName,
) -> Result<Vec<ReleaseNumber>, StoreError> {
    let sql = "SELECT number FROM releases WHERE app = ?1 AND sealed IS NOT NULL";
    let mut query = connection.prepare(sql)?;
    let rows = query.query_map([app.as_str()], |row| row.get(0))?;
    Ok(rows.collect::<Result<Vec<u32>, _>>()?.into_iter().map(ReleaseNumber).collect())
}

fn forget(connection: &Connection, app: &AppName, number: ReleaseNumber) -> Result<(), StoreError> {
    let sql = "UPDATE releases SET sealed = NULL WHERE app = ?1 AND number = ?2";
    connection.execute(sql, params![app.as_str(), number.0])?;
    Ok(())
}

/// Brings the copies of all stored releases to what the database says: after a crash between the
/// two, and after an older landfall that made none. A copy of a release that the database has never
/// heard of stays: the database may be the older one.
pub(super) fn complete_copies(connection: &Connection, copies: &Copies) -> Result<(), StoreError> {
    let mut query = connection.prepare(
        "SELECT app, number, created_at_ms, by, message, commit_id, sealed,
            (SELECT min(number) FROM rollouts o
             WHERE o.app = r.app AND o.release = r.number),
            EXISTS (SELECT 1 FROM rollouts o JOIN records e ON e.app = o.app AND e.rollout = o.number
             WHERE o.app = r.app AND o.release = r.number
                AND e.record LIKE '%\"record\":\"ended\"%\"verdict\":\"succeeded\"%')
         FROM releases r",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (app, number) =
            (column::app(&row.get::<_, String>(0)?)?, column::release(row.get(1)?)?);
        let (content, rollout): (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
        let (Some(content), Some(rollout)) = (content, rollout) else {
            // One that cannot be read was not removed by us, and is not ours to remove.
            if copies.is_whole(&app, number) {
                copies.remove(&app, number)?;
            }
            continue;
        };
        let sealed = Sealed {
            app,
            number,
            rollout: column::rollout(rollout)?,
            created_at_ms: column::unsigned(row.get(2)?)?,
            by: row.get(3)?,
            message: row.get(4)?,
            commit: row.get(5)?,
            sealed: content,
        };
        let served: bool = row.get(8)?;
        let written = copies
            .write(&sealed)
            .and_then(|()| if served { copies.mark_served(&sealed.app, number) } else { Ok(()) });
        if let Err(error) = written {
            // The database has it: no reason not to start.
            tracing::warn!(app = %sealed.app, release = %number, %error, "a release has no copy");
        }
    }
    Ok(())
}

/// Notes that the release of a rollout has served.
pub(super) fn mark_served(
    connection: &Connection,
    copies: &Copies,
    app: &AppName,
    rollout: RolloutNumber,
) -> Result<(), StoreError> {
    let sql = "SELECT release FROM rollouts WHERE app = ?1 AND number = ?2";
    let release: Option<i64> =
        connection.query_row(sql, params![app.as_str(), rollout.0], |row| row.get(0))?;
    let Some(release) = release else { return Ok(()) };
    Ok(copies.mark_served(app, column::release(release)?)?)
}

/// A new release as its copy.
pub(super) fn sealed(
    new: &NewRelease,
    by: &str,
    rollout: RolloutNumber,
    at_ms: u64,
) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        app: new.release.app().clone(),
        number: new.release.number,
        rollout,
        created_at_ms: at_ms,
        by: by.to_owned(),
        message: new.message.clone(),
        commit: new.commit.clone(),
        sealed: seal(&new.release)?,
    })
}

pub(super) fn insert(
    transaction: &Connection,
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

pub(super) fn seal(release: &Release) -> Result<String, StoreError> {
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
