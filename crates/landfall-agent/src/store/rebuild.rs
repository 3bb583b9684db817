//! Rows of a store that was lost, written anew from what was found. Built beside the old one and put
//! in its place as a whole; the old one is kept.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::plan::Plan;
use landfall_core::record::{Record, Verdict};
use rusqlite::{Connection, params};

use super::copies::Found;
use super::journal::{Journal, Opening, append, open, sum};
use super::{StoreError, column, now_ms, schema};

/// Old stores that are kept at most; then a person has to look first.
const ASIDE_MAX: u32 = 99;

/// How the database is.
#[derive(Debug)]
pub(crate) enum StoreState {
    /// It can be opened; these are its apps.
    Whole(Vec<AppName>),
    /// There is none.
    Missing,
    /// It cannot be read, and why.
    Damaged(String),
}

impl StoreState {
    /// Looks. One of a newer landfall, or a stranger's, is an error: that is not lost.
    pub(crate) fn of(state_dir: &Path) -> Result<Self, StoreError> {
        let dir = state_dir.join("store");
        if !schema::is_there(&dir) {
            return Ok(Self::Missing);
        }
        match schema::open(&dir).and_then(|connection| super::journal::apps(&connection)) {
            Ok(apps) => Ok(Self::Whole(apps)),
            Err(StoreError::Damaged(why)) => Ok(Self::Damaged(why)),
            Err(other) => Err(other),
        }
    }
}

impl fmt::Display for StoreState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(apps) => write!(f, "whole, {} apps", apps.len()),
            Self::Missing => f.write_str("missing"),
            Self::Damaged(why) => write!(f, "damaged: {why}"),
        }
    }
}

/// All that a store holds, checked.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) journals: Vec<Journal>,
    /// Releases whose content is stored.
    pub(crate) kept: Vec<(AppName, ReleaseNumber)>,
}

impl Stored {
    /// Opens it as an agent would, and reads everything.
    pub(crate) fn read(state_dir: &Path) -> Result<Self, StoreError> {
        let connection = schema::open(&state_dir.join("store"))?;
        let (mut journals, mut kept) = (Vec::new(), Vec::new());
        for app in super::journal::apps(&connection)? {
            let sql = "SELECT number FROM rollouts WHERE app = ?1 ORDER BY number";
            let mut query = connection.prepare(sql)?;
            let numbers = query.query_map([app.as_str()], |row| row.get(0))?;
            for number in numbers {
                let rollout = column::rollout(number?)?;
                journals.extend(super::journal::read(&connection, &app, rollout)?);
            }
            for number in super::releases::kept(&connection, &app)? {
                super::releases::content(&connection, &app, number)?;
                kept.push((app.clone(), number));
            }
        }
        Ok(Self { journals, kept })
    }
}

/// A store in the making.
#[derive(Debug)]
pub(crate) struct Rebuild {
    connection: Connection,
    state_dir: PathBuf,
    /// Takes the place of the present store in the end.
    anew: bool,
}

impl Rebuild {
    /// Adds to the present store.
    pub(crate) fn within(state_dir: &Path) -> Result<Self, StoreError> {
        let connection = schema::open(&state_dir.join("store"))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self { connection, state_dir: state_dir.to_owned(), anew: false })
    }

    /// Begins a new one beside it.
    pub(crate) fn anew(state_dir: &Path) -> Result<Self, StoreError> {
        let draft = state_dir.join("store.new");
        if draft.exists() {
            // Ours, of a recovery that was cut off.
            fs::remove_dir_all(&draft)?;
        }
        let connection = schema::open(&draft)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self { connection, state_dir: state_dir.to_owned(), anew: true })
    }

    /// An app and the number that its next rollout will have.
    pub(crate) fn app(&mut self, app: &AppName, next: RolloutNumber) -> Result<(), StoreError> {
        let sql = "INSERT INTO apps (app, next_rollout) VALUES (?1, ?2)
            ON CONFLICT (app) DO UPDATE SET next_rollout = max(next_rollout, excluded.next_rollout)";
        self.connection.execute(sql, params![app.as_str(), next.0])?;
        Ok(())
    }

    /// A release; without a copy only its number is known.
    pub(crate) fn release(
        &mut self,
        app: &AppName,
        number: ReleaseNumber,
        copy: Option<&Found>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO releases
            (app, number, hash, sealed, sealed_sha256, created_at_ms, by, message, commit_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let sealed = copy.map(|copy| &copy.sealed);
        self.connection.execute(
            sql,
            params![
                app.as_str(),
                number.0,
                copy.map_or("", |copy| copy.release.hash.as_str()),
                sealed.map(|sealed| sealed.sealed.as_str()),
                sealed.map_or(String::new(), |sealed| sum(&sealed.sealed)),
                column::signed(sealed.map_or(0, |sealed| sealed.created_at_ms)),
                sealed.map_or("unknown", |sealed| sealed.by.as_str()),
                sealed.and_then(|sealed| sealed.message.as_deref()),
                sealed.and_then(|sealed| sealed.commit.as_deref()),
            ],
        )?;
        Ok(())
    }

    /// A rollout as it was found, ended.
    pub(crate) fn rollout(&mut self, plan: Plan, verdict: Verdict) -> Result<(), StoreError> {
        let at_ms = now_ms();
        let (app, rollout) = (plan.app.clone(), plan.rollout);
        let by = "landfall recover".to_owned();
        let opening = Opening { by, opened_at_ms: at_ms, plan, release: None };
        open(&self.connection, opening, at_ms)?;
        append(&self.connection, &app, rollout, Record::Ended { verdict }, at_ms)?;
        Ok(())
    }

    /// Makes all of it durable; says where the old store is kept, if it was replaced.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, StoreError> {
        let Self { connection, state_dir, anew } = self;
        connection.execute_batch("COMMIT")?;
        connection.close().map_err(|(_, error)| error)?;
        if !anew {
            return Ok(None);
        }
        let (store, draft) = (state_dir.join("store"), state_dir.join("store.new"));
        let aside = if store.exists() { Some(set_aside(&state_dir, &store)?) } else { None };
        fs::rename(&draft, &store)?;
        File::open(&state_dir)?.sync_all()?;
        Ok(aside)
    }
}

fn set_aside(state_dir: &Path, store: &Path) -> Result<PathBuf, StoreError> {
    let names = (1..=ASIDE_MAX).map(|n| state_dir.join(format!("store.aside-{n}")));
    let Some(aside) = names.into_iter().find(|path| !path.exists()) else {
        let message = "too many stores were set aside: look at them first";
        return Err(StoreError::Foreign(message.to_owned()));
    };
    fs::rename(store, &aside)?;
    File::open(state_dir)?.sync_all()?;
    Ok(aside)
}
