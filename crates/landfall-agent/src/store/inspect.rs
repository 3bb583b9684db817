//! Whether this landfall understands all that a store holds. Only looks: for who is about to put
//! another version in its place.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, chain, releases, schema};

/// Looks at the store below an agent's state folder, which a running agent may use meanwhile. A store
/// that is not there yet is fine.
pub fn inspect(state_dir: &Path) -> Result<(), StoreError> {
    let path = state_dir.join("store/landfall.db");
    if !path.exists() {
        return Ok(());
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    schema::check_owner(&connection)?;
    if connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == 0 {
        return Ok(());
    }
    let mut records = connection.prepare("SELECT record FROM records")?;
    let mut rows = records.query([])?;
    while let Some(row) = rows.next()? {
        chain::decode(&row.get::<_, String>(0)?)?;
    }
    let sealed = "SELECT sealed, sealed_sha256 FROM releases WHERE sealed IS NOT NULL";
    let mut sealed = connection.prepare(sealed)?;
    let mut rows = sealed.query([])?;
    while let Some(row) = rows.next()? {
        releases::unseal(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_ours_is_understood_and_a_newer_one_is_not_and_neither_changes() {
        let dir = tempfile::tempdir().unwrap();
        inspect(dir.path()).unwrap();
        let store = dir.path().join("store");
        let connection = schema::open(&store).unwrap();
        inspect(dir.path()).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = inspect(dir.path()).unwrap_err().to_string();
        assert!(error.contains("schema 99"), "{error}");
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        assert_eq!(version, Ok(99_i64));
    }
}
