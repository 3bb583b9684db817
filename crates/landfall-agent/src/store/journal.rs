//! Journals: opened with their plan in one transaction, appended to, read back and checked.

use landfall_core::hash::sha256_hex;
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::record::{Record, Verdict};
use landfall_core::release::Release;
use landfall_deploy::ports::Entry;
use rusqlite::{Connection, OptionalExtension, params};

use super::reserve::RESERVE_BYTES;
use super::{SqliteStore, StoreError, Writer, chain, column, now_ms, releases};
use crate::crash::{self, When};

/// A rollout's own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whose.
    pub app: AppName,
    /// Its number.
    pub rollout: RolloutNumber,
    /// What it is for.
    pub kind: RolloutKind,
    /// The release it leads to.
    pub release: Option<ReleaseNumber>,
    /// Who asked.
    pub by: String,
    /// When it was asked for; milliseconds since 1970.
    pub opened_at_ms: u64,
}

/// A rollout with all its records, checked against their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Its row.
    pub header: Header,
    /// All records.
    pub entries: Vec<Entry>,
}

/// A rollout with its newest record only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Began {
    /// Its row.
    pub header: Header,
    /// The newest record.
    pub last: Entry,
}

/// What opens a rollout.
#[derive(Debug)]
pub struct Opening {
    /// Who asked.
    pub by: String,
    /// When; milliseconds since 1970.
    pub opened_at_ms: u64,
    /// What will be done; names app, rollout and release.
    pub plan: Plan,
    /// The release, if it is new.
    pub release: Option<NewRelease>,
}

/// A release that is stored with its first rollout.
#[derive(Debug)]
pub struct NewRelease {
    /// All of it.
    pub release: Release,
    /// Why, in the person's words.
    pub message: Option<String>,
    /// Commit of the source.
    pub commit: Option<String>,
}

impl SqliteStore {
    /// A rollout number that no rollout of this app ever had, and none will have again: it names
    /// containers.
    pub(crate) async fn next_rollout(&self, app: &AppName) -> Result<RolloutNumber, StoreError> {
        let app = app.clone();
        self.run(move |connection| {
            let sql = "INSERT INTO apps (app, next_rollout) VALUES (?1, 2)
                ON CONFLICT (app) DO UPDATE SET next_rollout = next_rollout + 1
                RETURNING next_rollout - 1";
            column::rollout(connection.query_row(sql, [app.as_str()], |row| row.get(0))?)
        })
        .await
    }

    /// The number that [`Self::next_rollout`] would give.
    pub(crate) async fn peek_rollout(&self, app: &AppName) -> Result<RolloutNumber, StoreError> {
        let app = app.clone();
        self.run(move |connection| {
            let sql = "SELECT next_rollout FROM apps WHERE app = ?1";
            let next: Option<i64> =
                connection.query_row(sql, [app.as_str()], |row| row.get(0)).optional()?;
            next.map_or(Ok(RolloutNumber(1)), column::rollout)
        })
        .await
    }

    /// Makes a rollout durable, its release if new and the record `began`, all or nothing. The
    /// release's copy comes before it.
    pub(crate) async fn begin(&self, opening: Opening) -> Result<Entry, StoreError> {
        self.run_with(move |writer| {
            let at_ms = now_ms();
            if let Some(new) = &opening.release {
                let sealed = releases::sealed(new, &opening.by, opening.plan.rollout, at_ms)?;
                writer.copies.write(&sealed)?;
            }
            if opening.release.is_none() && writer.reserve.free()? < RESERVE_BYTES {
                // It brings nothing new, and may make room.
                writer.reserve.release();
            }
            let transaction = writer.connection.transaction()?;
            let entry = open(&transaction, opening, at_ms)?;
            transaction.commit()?;
            crash::point(entry.seq, &entry.record, When::After);
            Ok(entry)
        })
        .await
    }

    /// Appends one record; durable when it returns. On a full disk the reserve makes room for it.
    pub(crate) async fn append(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        record: Record,
    ) -> Result<Entry, StoreError> {
        let app = app.clone();
        self.run_with(move |writer| {
            let entry = match append_one(&mut writer.connection, &app, rollout, record.clone()) {
                Err(error) if error.is_full() && writer.reserve.release() => {
                    tracing::warn!(%app, %rollout, "the disk is full: goes on with the reserve");
                    append_one(&mut writer.connection, &app, rollout, record)?
                }
                appended => appended?,
            };
            crash::point(entry.seq, &entry.record, When::After);
            if let Record::Ended { verdict } = &entry.record {
                writer.at_the_end(&app, rollout, verdict);
            }
            Ok(entry)
        })
        .await
    }

    /// One rollout with all its records; `None` if there is none.
    pub(crate) async fn journal(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
    ) -> Result<Option<Journal>, StoreError> {
        let app = app.clone();
        self.run(move |connection| read(connection, &app, rollout)).await
    }

    /// All rollouts of an app that began, newest first, each with its newest record.
    pub(crate) async fn rollouts(&self, app: &AppName) -> Result<Vec<Began>, StoreError> {
        let app = app.clone();
        self.run(move |connection| began(connection, &app)).await
    }

    /// Apps that ever had a rollout, by name.
    pub(crate) async fn apps(&self) -> Result<Vec<AppName>, StoreError> {
        self.run(|connection| apps(connection)).await
    }
}

pub(super) fn apps(connection: &Connection) -> Result<Vec<AppName>, StoreError> {
    let mut query = connection.prepare("SELECT DISTINCT app FROM rollouts ORDER BY app")?;
    let names = query.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| column::app(&name?)).collect()
}

impl Writer {
    /// What follows from an end. It can wait: the next start sees to it otherwise.
    fn at_the_end(&self, app: &AppName, rollout: RolloutNumber, verdict: &Verdict) {
        let marked = match verdict {
            Verdict::Succeeded => {
                releases::mark_served(&self.connection, &self.copies, app, rollout)
            }
            // It had cut over before it got stuck: its release serves.
            Verdict::Abandoned { serving: Some(serving), .. } if serving.rollout == rollout => {
                releases::mark_served(&self.connection, &self.copies, app, rollout)
            }
            Verdict::RolledBack { .. } | Verdict::Abandoned { .. } => Ok(()),
        };
        if let Err(error) = marked {
            tracing::warn!(%app, %rollout, %error, "a release's copy cannot be marked");
        }
        if let Err(error) = self.reserve.make() {
            tracing::warn!(%error, "no room for the reserve");
        }
    }
}

fn append_one(
    connection: &mut Connection,
    app: &AppName,
    rollout: RolloutNumber,
    record: Record,
) -> Result<Entry, StoreError> {
    let transaction = connection.transaction()?;
    let entry = append(&transaction, app, rollout, record, now_ms())?;
    transaction.commit()?;
    Ok(entry)
}

/// A rollout's rows: its release if new, its own, and the record `began`.
pub(super) fn open(
    transaction: &Connection,
    opening: Opening,
    at_ms: u64,
) -> Result<Entry, StoreError> {
    let plan = opening.plan;
    if let Some(new) = &opening.release {
        releases::insert(transaction, new, &opening.by, at_ms)?;
    }
    let sql = "INSERT INTO rollouts (app, number, kind, release, by, opened_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    transaction.execute(
        sql,
        params![
            plan.app.as_str(),
            plan.rollout.0,
            column::kind_text(plan.kind),
            plan.release.map(|number| number.0),
            opening.by,
            column::signed(opening.opened_at_ms),
        ],
    )?;
    let (app, rollout) = (plan.app.clone(), plan.rollout);
    append(transaction, &app, rollout, Record::Began { plan: Box::new(plan) }, at_ms)
}

pub(super) fn append(
    transaction: &Connection,
    app: &AppName,
    rollout: RolloutNumber,
    record: Record,
    at_ms: u64,
) -> Result<Entry, StoreError> {
    let sql = "SELECT seq, hash FROM records WHERE app = ?1 AND rollout = ?2
        ORDER BY seq DESC LIMIT 1";
    let last: Option<(i64, String)> = transaction
        .query_row(sql, params![app.as_str(), rollout.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (seq, previous) = match last {
        Some((seq, hash)) => (column::unsigned(seq)? + 1, hash),
        None => (1, chain::origin(app, rollout)),
    };
    let text = chain::encode(&record)?;
    crash::point(seq, &record, When::Before);
    let hash = chain::link(&previous, seq, at_ms, &text);
    let sql = "INSERT INTO records (app, rollout, seq, at_ms, record, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (seq_column, at_column) = (column::signed(seq), column::signed(at_ms));
    transaction
        .execute(sql, params![app.as_str(), rollout.0, seq_column, at_column, text, hash])?;
    Ok(Entry { seq, at_ms, record })
}

const HEADER: &str = "kind, release, by, opened_at_ms";

struct HeaderRow(String, Option<i64>, String, i64);

impl HeaderRow {
    fn at(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self(row.get(first)?, row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?))
    }

    fn into_header(self, app: &AppName, rollout: RolloutNumber) -> Result<Header, StoreError> {
        Ok(Header {
            app: app.clone(),
            rollout,
            kind: column::kind(&self.0)?,
            release: self.1.map(column::release).transpose()?,
            by: self.2,
            opened_at_ms: column::unsigned(self.3)?,
        })
    }
}

pub(super) fn read(
    connection: &Connection,
    app: &AppName,
    rollout: RolloutNumber,
) -> Result<Option<Journal>, StoreError> {
    let sql = format!("SELECT {HEADER} FROM rollouts WHERE app = ?1 AND number = ?2");
    let key = params![app.as_str(), rollout.0];
    let row = connection.query_row(&sql, key, |row| HeaderRow::at(row, 0)).optional()?;
    let Some(row) = row else { return Ok(None) };
    let header = row.into_header(app, rollout)?;
    let mut query = connection.prepare(
        "SELECT seq, at_ms, record, hash FROM records WHERE app = ?1 AND rollout = ?2 ORDER BY seq",
    )?;
    let mut rows = query.query(params![app.as_str(), rollout.0])?;
    let mut previous = chain::origin(app, rollout);
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = column::unsigned(row.get(0)?)?;
        let at_ms = column::unsigned(row.get(1)?)?;
        let (text, hash): (String, String) = (row.get(2)?, row.get(3)?);
        let expected = u64::try_from(entries.len()).unwrap_or(u64::MAX) + 1;
        if seq != expected || hash != chain::link(&previous, seq, at_ms, &text) {
            return Err(StoreError::Damaged(format!(
                "record {expected} of {app} {rollout} is not what was written"
            )));
        }
        entries.push(Entry { seq, at_ms, record: chain::decode(&text)? });
        previous = hash;
    }
    if entries.is_empty() {
        return Err(StoreError::Damaged(format!("{app} {rollout} has no records")));
    }
    Ok(Some(Journal { header, entries }))
}

fn began(connection: &Connection, app: &AppName) -> Result<Vec<Began>, StoreError> {
    let sql = format!(
        "SELECT o.number, r.seq, r.at_ms, r.record, {HEADER} FROM rollouts o
         JOIN records r ON r.app = o.app AND r.rollout = o.number AND r.seq =
            (SELECT max(seq) FROM records WHERE app = o.app AND rollout = o.number)
         WHERE o.app = ?1 ORDER BY o.number DESC"
    );
    let mut query = connection.prepare(&sql)?;
    let mut rows = query.query([app.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let header = HeaderRow::at(row, 4)?.into_header(app, column::rollout(row.get(0)?)?)?;
        let last = Entry {
            seq: column::unsigned(row.get(1)?)?,
            at_ms: column::unsigned(row.get(2)?)?,
            record: chain::decode(&row.get::<_, String>(3)?)?,
        };
        found.push(Began { header, last });
    }
    Ok(found)
}

/// What a sealed release is checked against.
pub(super) fn sum(text: &str) -> String {
    sha256_hex(text.as_bytes())
}

#[cfg(test)]
mod tests;
