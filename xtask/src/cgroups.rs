//! Control groups outlive those who were in them.

use std::fs;
use std::path::{Path, PathBuf};

const ALL: &str = "/sys/fs/cgroup";

/// Removes this group everywhere, with those below it. What is in use stays.
pub(crate) fn remove(name: &str) {
    let name = name.trim_start_matches('/');
    for controller in fs::read_dir(ALL).into_iter().flatten().flatten() {
        remove_empty(&controller.path().join(name));
    }
    remove_empty(&Path::new(ALL).join(name));
}

/// Removes a tree of folders that hold nothing but the kernel's own files.
fn remove_empty(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |path: &PathBuf| path.is_dir() && !path.is_symlink();
    entries.map(|entry| entry.path()).filter(is_folder).for_each(|path| remove_empty(&path));
    fs::remove_dir(folder).ok(); // in use, or never there
}
