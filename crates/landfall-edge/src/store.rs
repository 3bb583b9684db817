//! The table on disk: two files that take turns, so that one whole table survives whatever happens
//! to the write of the next.
//!
//! Format, version 1: one line `landfall-routes 1 <sha256 of the rest, hex> <length of the rest>`,
//! then the table as JSON. A table is written beside its file, synced, renamed over the older one,
//! and the folder is synced. On start the newest intact file wins. A file of an unknown version is
//! never passed over: it may be the newer one.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use landfall_core::hash::sha256_hex;
use landfall_core::route::RouteTable;

use crate::error::EdgeError;
use crate::routing;

const NAMES: [&str; 2] = ["table-a", "table-b"];
const LOCK: &str = "lock";
const MAGIC: &str = "landfall-routes";
const VERSION: &str = "1";
/// Given up when the disk is full: room for some more tables.
const RESERVE: &str = "reserve";
const RESERVE_BYTES: usize = 1 << 20;

/// The state folder, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    /// Index of the file that holds the table that serves.
    newest: usize,
    lock: File,
}

/// Why a file holds no table.
#[derive(Debug, PartialEq, Eq)]
enum Unusable {
    Missing,
    /// Torn or tampered with.
    Broken(String),
    /// Intact for all we know, but not for us to read.
    Foreign(String),
}

impl Store {
    /// Opens the folder and loads the newest table; an empty one if there never was any.
    pub(crate) fn open(dir: &Path) -> Result<(Self, RouteTable), EdgeError> {
        let unusable = |source| EdgeError::StateDir { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(EdgeError::Locked { path: dir.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        Self::adopt(dir, lock)
    }

    /// Opens the folder with a lock that was passed on, and loads the newest table.
    pub(crate) fn adopt(dir: &Path, lock: File) -> Result<(Self, RouteTable), EdgeError> {
        let read = NAMES.map(|name| read(&dir.join(name)));
        let (newest, table) =
            choose(read).map_err(|reasons| EdgeError::Corrupt { path: dir.to_owned(), reasons })?;
        let store = Self { dir: dir.to_owned(), newest, lock };
        store.make_reserve();
        Ok((store, table))
    }

    /// Belongs to whoever may write here.
    pub(crate) fn lock(&self) -> &File {
        &self.lock
    }

    /// Persists a table. When it returns, the table survives a loss of power; when it fails, the
    /// older one does. On a full disk the reserve makes room for it.
    pub(crate) fn save(&mut self, table: &RouteTable) -> io::Result<()> {
        let older = 1 - self.newest;
        let path = self.dir.join(NAMES[older]);
        let draft = path.with_extension("new");
        let attempt = || {
            write(&draft, &encode(table))
                .and_then(|()| fs::rename(&draft, &path))
                .and_then(|()| sync(&File::open(&self.dir)?))
        };
        let result = match attempt() {
            Err(error) if is_full(&error) && self.release_reserve() => attempt(),
            result => result,
        };
        match result {
            Ok(()) => {
                self.newest = older;
                self.make_reserve();
            }
            // The table was refused, so it must not come back after a restart.
            Err(_) => [draft, path].iter().for_each(|path| drop(fs::remove_file(path))),
        }
        result
    }

    /// A full disk must not keep a host from cutting over or going back.
    fn make_reserve(&self) {
        let path = self.dir.join(RESERVE);
        if fs::metadata(&path).is_ok_and(|there| there.len() == RESERVE_BYTES as u64) {
            return;
        }
        let draft = path.with_extension("new");
        let made = write(&draft, &vec![0; RESERVE_BYTES]).and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = made {
            tracing::warn!(%error, "no room for the reserve");
            drop(fs::remove_file(draft));
        }
    }

    fn release_reserve(&self) -> bool {
        tracing::warn!("the disk is full: goes on with the reserve");
        fs::remove_file(self.dir.join(RESERVE)).is_ok()
    }
}

/// The table that a state folder holds which no edge uses.
pub fn stored_table(dir: &Path) -> Result<RouteTable, EdgeError> {
    Store::open(dir).map(|(_, table)| table)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    sync(&file)
}

/// Makes a file or a folder durable, unless a test of power cuts wants one to take something.
fn sync(file: &File) -> io::Result<()> {
    #[cfg(feature = "crash-points")]
    if std::env::var_os("LANDFALL_UNSYNCED").is_some() {
        return Ok(());
    }
    file.sync_all()
}

fn read(path: &Path) -> Result<RouteTable, Unusable> {
    match fs::read(path) {
        Ok(bytes) => decode(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Unusable::Missing),
        Err(error) => Err(Unusable::Broken(error.to_string())),
    }
}

fn encode(table: &RouteTable) -> Vec<u8> {
    let mut body = serde_json::to_vec(table).expect("a table serialises: its keys are strings");
    body.push(b'\n');
    let mut bytes =
        format!("{MAGIC} {VERSION} {} {}\n", sha256_hex(&body), body.len()).into_bytes();
    bytes.append(&mut body);
    bytes
}

fn decode(bytes: &[u8]) -> Result<RouteTable, Unusable> {
    let broken = |why: &str| Unusable::Broken(why.to_owned());
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(broken("it has no first line"))?;
    let (line, body) = (&bytes[..end], &bytes[end + 1..]);
    let line = std::str::from_utf8(line).map_err(|_| broken("its first line is no text"))?;
    let words: Vec<_> = line.split(' ').collect();
    let [MAGIC, version, hash, length] = words[..] else {
        return Err(broken("it does not begin as a route table"));
    };
    if version != VERSION {
        return Err(Unusable::Foreign(format!("its format {version} is not known here")));
    }
    if length.parse() != Ok(body.len()) {
        return Err(broken("it is cut off"));
    }
    if sha256_hex(body) != hash {
        return Err(broken("its checksum does not match"));
    }
    let table: RouteTable =
        serde_json::from_slice(body).map_err(|error| Unusable::Foreign(error.to_string()))?;
    routing::check(&table).map_err(Unusable::Foreign)?;
    Ok(table)
}

/// The newest table and where it stood, or why there is none to be trusted.
fn choose(read: [Result<RouteTable, Unusable>; 2]) -> Result<(usize, RouteTable), String> {
    let all_missing = read.iter().all(|read| matches!(read, Err(Unusable::Missing)));
    let mut newest: Option<(usize, RouteTable)> = None;
    let mut reasons = Vec::new();
    let mut foreign = false;
    for (index, read) in read.into_iter().enumerate() {
        match read {
            Ok(table) => {
                if newest.as_ref().is_none_or(|(_, best)| best.generation < table.generation) {
                    newest = Some((index, table));
                }
            }
            Err(Unusable::Missing) => {}
            Err(Unusable::Broken(why)) => reasons.push(format!("{}: {why}", NAMES[index])),
            Err(Unusable::Foreign(why)) => {
                foreign = true;
                reasons.push(format!("{}: {why}", NAMES[index]));
            }
        }
    }
    let reasons = reasons.join("; ");
    match newest {
        Some(found) if !foreign => {
            if !reasons.is_empty() {
                tracing::warn!(reasons, "passes over a damaged table");
            }
            Ok(found)
        }
        None if all_missing => Ok((0, RouteTable::default())),
        _ => Err(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../tests/golden/table-v1");

    fn table(generation: u64) -> RouteTable {
        let mut table = decode(GOLDEN.as_bytes()).unwrap();
        table.generation = generation;
        table
    }

    #[test]
    fn version_1_reads_and_writes_as_ever() {
        let table = decode(GOLDEN.as_bytes()).unwrap();
        assert_eq!(table.generation, 7);
        assert_eq!(table.listeners().len(), 2);
        assert_eq!(String::from_utf8(encode(&table)).unwrap(), GOLDEN);
    }

    #[test]
    fn a_file_cut_anywhere_or_with_any_byte_changed_is_not_believed() {
        let whole = GOLDEN.as_bytes();
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "cut at {length}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn the_newest_table_is_chosen_and_nothing_unreadable_passed_over() {
        let broken = || Err(Unusable::Broken("torn".into()));
        let foreign = || Err(Unusable::Foreign("newer".into()));
        let missing = || Err(Unusable::Missing);
        let chosen = |a, b| choose([a, b]).map(|(index, table)| (index, table.generation));
        assert_eq!(chosen(Ok(table(3)), Ok(table(4))), Ok((1, 4)));
        assert_eq!(chosen(Ok(table(5)), Ok(table(4))), Ok((0, 5)));
        assert_eq!(chosen(broken(), Ok(table(4))), Ok((1, 4)));
        assert_eq!(chosen(Ok(table(3)), missing()), Ok((0, 3)));
        assert_eq!(chosen(missing(), missing()), Ok((0, 0)));
        assert!(chosen(broken(), broken()).unwrap_err().contains("table-b: torn"));
        assert!(chosen(broken(), missing()).is_err());
        assert!(chosen(foreign(), Ok(table(4))).is_err());
    }

    #[test]
    fn tables_take_turns_and_only_one_edge_uses_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, empty) = Store::open(dir.path()).unwrap();
        assert_eq!(empty, RouteTable::default());
        for generation in 1..=5 {
            store.save(&table(generation)).unwrap();
            let mut found: Vec<_> = NAMES
                .iter()
                .filter_map(|name| read(&dir.path().join(name)).ok())
                .map(|table| table.generation)
                .collect();
            found.sort_unstable();
            let expected: Vec<_> = (generation.saturating_sub(1).max(1)..=generation).collect();
            assert_eq!(found, expected);
        }
        assert!(matches!(Store::open(dir.path()), Err(EdgeError::Locked { .. })));
        drop(store);
        assert_eq!(Store::open(dir.path()).unwrap().1.generation, 5);
    }

    #[test]
    fn a_table_that_could_not_be_written_leaves_the_older_one() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(dir.path()).unwrap();
        store.save(&table(1)).unwrap();
        // A folder in the draft's place: the write fails whoever we are.
        fs::create_dir(dir.path().join("table-a.new")).unwrap();
        assert!(store.save(&table(2)).is_err());
        drop(store);
        assert_eq!(Store::open(dir.path()).unwrap().1.generation, 1);
    }
}
