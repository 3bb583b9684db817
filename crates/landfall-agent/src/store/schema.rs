//! The store's file: made private, opened durable, checked, and brought to the present schema.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::StoreError;

/// `lndf`: tells our file from any other `SQLite` database.
const APPLICATION_ID: i32 = 0x6c6e_6466;

/// Pages kept in memory; a negative number is KiB.
const CACHE_SIZE: i32 = -256;

/// One entry a schema version. Entries are never edited, only added.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE apps (
    app TEXT PRIMARY KEY,
    next_rollout INTEGER NOT NULL
) STRICT;
CREATE TABLE releases (
    app TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    sealed TEXT,
    sealed_sha256 TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    message TEXT,
    commit_id TEXT,
    PRIMARY KEY (app, number)
) STRICT;
CREATE TABLE rollouts (
    app TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    release INTEGER,
    by TEXT NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    PRIMARY KEY (app, number),
    FOREIGN KEY (app, release) REFERENCES releases (app, number)
) STRICT;
CREATE TABLE records (
    app TEXT NOT NULL,
    rollout INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    record TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (app, rollout, seq),
    FOREIGN KEY (app, rollout) REFERENCES rollouts (app, number)
) STRICT;
CREATE TRIGGER records_stay_as_written BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER records_stay BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'records are never removed'); END;
",
    super::audit::MIGRATION,
];

/// Whether there is a database. An empty file is what a start leaves that got no further.
pub(super) fn is_there(dir: &Path) -> bool {
    std::fs::metadata(dir.join("landfall.db")).is_ok_and(|file| file.len() > 0)
}

/// Opens the store's file in `dir`, making both if need be.
pub(super) fn open(dir: &Path) -> Result<Connection, StoreError> {
    open_checked(dir).map_err(|error| match error {
        StoreError::Sqlite(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ) =>
        {
            StoreError::Damaged(error.to_string())
        }
        other => other,
    })
}

fn open_checked(dir: &Path) -> Result<Connection, StoreError> {
    make_private_dir(dir)?;
    let path = dir.join("landfall.db");
    make_private_file(&path)?;
    File::open(dir)?.sync_all()?;
    let mut connection = Connection::open(&path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    check_owner(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", crate::crash::synchronous())?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Records are read seldom: a larger cache would only grow with the history.
    connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
    connection.pragma_update(None, "wal_autocheckpoint", 256)?;
    // Releases hold secrets: what is dropped is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    check_pages(&connection)?;
    migrate(&mut connection)?;
    File::open(dir)?.sync_all()?;
    Ok(connection)
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => match dir.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::set_permissions(dir, Permissions::from_mode(0o700))
        }
        Err(error) => Err(error),
    }
}

/// `SQLite` gives its other files the modes of this one.
fn make_private_file(path: &Path) -> io::Result<()> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.sync_all()
}

pub(super) fn check_owner(connection: &Connection) -> Result<(), StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (owner, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if owner != APPLICATION_ID && (owner != 0 || version != 0 || tables != 0) {
        return Err(StoreError::Foreign("the store's file is not landfall's".to_owned()));
    }
    let newest = MIGRATIONS.len();
    if usize::try_from(version).is_ok_and(|version| version <= newest) {
        return Ok(());
    }
    Err(StoreError::Foreign(format!(
        "the store has schema {version}, and this landfall knows {newest}: it was made by a newer one"
    )))
}

pub(super) fn check_pages(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let step = connection.transaction()?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        step.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_private_and_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        for _ in 0..2 {
            let connection = open(&store).unwrap();
            let mode: String =
                connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
            let cache = connection.pragma_query_value(None, "cache_size", |row| row.get(0));
            assert_eq!(cache, Ok(CACHE_SIZE));
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store), 0o700);
        assert_eq!(mode(&store.join("landfall.db")), 0o600);
    }

    #[test]
    fn a_newer_schema_and_a_strangers_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("schema 99") && error.contains("newer"), "{error}");

        let dir = tempfile::tempdir().unwrap();
        let stranger = Connection::open(dir.path().join("landfall.db")).unwrap();
        stranger.execute_batch("CREATE TABLE t (x)").unwrap();
        drop(stranger);
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not landfall's"), "{error}");
    }

    #[test]
    fn a_torn_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        let path = dir.path().join("landfall.db");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096..8192].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        assert!(open(dir.path()).is_err());
    }
}
