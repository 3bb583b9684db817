//! Which files git tracks: git's index, read by hand (versions 2 to 4 of `gitformat-index`), so that
//! no process is started. Anything unexpected ends the reading, and what was read so far counts.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Indexes of larger repositories are not read.
const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Folders above the project in which a repository is looked for.
const PARENTS_MAX: usize = 32;
const BELOW_MAX: usize = 1000;
/// What the kernel takes for a path.
const PATH_BYTES_MAX: usize = 4096;

/// The tracked files of one repository.
#[derive(Debug)]
pub(crate) struct Tracked {
    root: PathBuf,
    /// Relative, with `/`, sorted as git sorts them: by bytes.
    paths: Vec<String>,
}

impl Tracked {
    /// The repository that a path lies in.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let root = path.ancestors().take(PARENTS_MAX).find(|dir| dir.join(".git").exists())?;
        let index = git_folder(root)?.join("index");
        let mut bytes = Vec::new();
        File::open(index).ok()?.take(INDEX_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(Self { root: root.to_owned(), paths: parse(&bytes).unwrap_or_default() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Tracked files at or below a path.
    pub(crate) fn below(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(relative) = path.strip_prefix(&self.root) else { return Vec::new() };
        let relative = relative.to_string_lossy();
        let inside = |tracked: &str| match tracked.strip_prefix(&*relative) {
            Some(rest) => relative.is_empty() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        let from = self.paths.partition_point(|tracked| tracked.as_str() < &*relative);
        self.paths[from..]
            .iter()
            .take_while(|tracked| tracked.starts_with(&*relative))
            .filter(|tracked| inside(tracked))
            .take(BELOW_MAX)
            .map(|tracked| self.root.join(tracked))
            .collect()
    }
}

/// `.git` itself, or where the file `.git` of a worktree points to.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let mut text = String::new();
    fs::metadata(&dot_git).ok().filter(fs::Metadata::is_file)?;
    File::open(&dot_git).ok()?.take(4096).read_to_string(&mut text).ok()?;
    Some(root.join(text.strip_prefix("gitdir:")?.trim()))
}

fn parse(bytes: &[u8]) -> Option<Vec<String>> {
    if bytes.get(..4)? != b"DIRC" {
        return None;
    }
    let version = number(bytes, 4)?;
    let count = number(bytes, 8)?;
    let mut at = 12;
    let mut paths = Vec::new();
    let mut previous: Vec<u8> = Vec::new();
    for _ in 0..count {
        match entry(bytes, at, version, &previous) {
            Some((path, next)) => {
                paths.push(String::from_utf8_lossy(&path).into_owned());
                (previous, at) = (path, next);
            }
            None => break,
        }
    }
    Some(paths)
}

/// One entry's path, and where the next one starts.
fn entry(bytes: &[u8], at: usize, version: u32, previous: &[u8]) -> Option<(Vec<u8>, usize)> {
    // Ten numbers about the file, and its hash.
    let flags_at = at.checked_add(60)?;
    let flags = bytes.get(flags_at..flags_at + 2)?;
    let extended = version >= 3 && flags[0] & 0x40 != 0;
    let mut from = flags_at + if extended { 4 } else { 2 };
    let mut path = Vec::new();
    if version >= 4 {
        let (drop, next) = offset(bytes, from)?;
        path.extend_from_slice(previous.get(..previous.len().checked_sub(drop)?)?);
        from = next;
    }
    let rest = bytes.get(from..)?;
    let length = rest.iter().position(|byte| *byte == 0)?;
    path.extend_from_slice(&rest[..length]);
    if path.len() > PATH_BYTES_MAX {
        return None;
    }
    let end = from + length + 1;
    // Up to version 3, entries are padded to eight bytes with one NUL or more.
    let next = if version >= 4 { end } else { at + (from + length - at + 8) / 8 * 8 };
    Some((path, next))
}

/// The variable-length number of pack files.
fn offset(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
    }
    Some((value, at + 1))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(version: u32, names: &[&str]) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend(u32::try_from(names.len()).unwrap().to_be_bytes());
        let mut previous = "";
        for name in names {
            let start = bytes.len();
            bytes.extend([0; 62]);
            if version == 4 {
                let common = name.bytes().zip(previous.bytes()).take_while(|(a, b)| a == b).count();
                bytes.push(u8::try_from(previous.len() - common).unwrap());
                bytes.extend(&name.as_bytes()[common..]);
                bytes.push(0);
            } else {
                bytes.extend(name.as_bytes());
                bytes.push(0);
                while !(bytes.len() - start).is_multiple_of(8) {
                    bytes.push(0);
                }
            }
            previous = name;
        }
        bytes
    }

    #[test]
    fn every_version_of_the_index_is_read() {
        let names = [".env", "app/data.db", "app/main.py", "app/main.pyc", "z"];
        for version in [2, 3, 4] {
            assert_eq!(parse(&index(version, &names)).unwrap(), names, "{version}");
        }
    }

    #[test]
    fn a_broken_index_gives_what_could_be_read() {
        let mut bytes = index(2, &["a", "b"]);
        bytes.truncate(bytes.len() - 9);
        assert_eq!(parse(&bytes).unwrap(), ["a"]);
        assert_eq!(parse(b"nonsense"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn a_folder_holds_what_lies_below_it_and_nothing_beside() {
        let paths = ["a-b", "a/x", "a/y", "ab", "b"].map(str::to_owned).to_vec();
        let tracked = Tracked { root: "/r".into(), paths };
        let below = |path: &str| tracked.below(Path::new(path)).len();
        assert_eq!((below("/r"), below("/r/a"), below("/r/b"), below("/other")), (5, 2, 1, 0));
    }
}
