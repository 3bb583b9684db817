//! The `Files` port: sealed files on the host's disk, one folder a release, mounted from there.
//!
//! A file is written beside its place and renamed into it; one that is right already is left alone,
//! since a running container may have it mounted. Folders can be passed through but not listed
//! (0711), trees can be read, so that a container without root can use them. Tree ids may hold any
//! character: their hash names the path.

use std::io;
use std::path::{Path, PathBuf};

use landfall_core::hash::sha256_hex;
use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::release::Release;
use landfall_deploy::ports::{Files, FilesError};

mod disk;

/// Sealed files under one folder.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    root: PathBuf,
}

impl DiskFiles {
    /// Under `root`, which is made when it is first needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn app(&self, app: &AppName) -> PathBuf {
        self.root.join(app.as_str())
    }

    fn release(&self, app: &AppName, release: ReleaseNumber) -> PathBuf {
        self.app(app).join(release.to_string())
    }
}

/// Name of a tree's path: as long as needed so that ids never collide.
fn tree_name(tree: &str) -> String {
    let mut name = sha256_hex(tree.as_bytes());
    name.truncate(32);
    name
}

impl Files for DiskFiles {
    async fn write(&self, release: &Release) -> Result<(), FilesError> {
        let parents = [
            self.root.clone(),
            self.app(release.app()),
            self.release(release.app(), release.number),
        ];
        let trees = release.spec.files.clone();
        blocking("write", move || {
            for parent in &parents {
                disk::make_dir(parent, 0o711)?;
            }
            let [.., home] = &parents;
            for (id, tree) in &trees {
                disk::write_tree(home, &tree_name(id), tree)
                    .map_err(|error| disk::about(&error, id))?;
            }
            disk::sync_dir(home)
        })
        .await
    }

    fn path(&self, app: &AppName, release: ReleaseNumber, tree: &str) -> String {
        self.release(app, release).join(tree_name(tree)).to_string_lossy().into_owned()
    }

    async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseNumber>, FilesError> {
        let dir = self.app(app);
        blocking("list", move || list(&dir)).await
    }

    async fn wrong(&self, release: &Release) -> Result<Vec<String>, FilesError> {
        let home = self.release(release.app(), release.number);
        let trees = release.spec.files.clone();
        blocking("check", move || {
            let mut wrong = Vec::new();
            for (id, tree) in &trees {
                let paths = disk::wrong(&home.join(tree_name(id)), tree)?;
                let named = |path: &String| {
                    if path.is_empty() { id.clone() } else { format!("{id}/{path}") }
                };
                wrong.extend(paths.iter().map(named));
            }
            Ok(wrong)
        })
        .await
    }

    async fn remove(&self, app: &AppName, release: ReleaseNumber) -> Result<(), FilesError> {
        let dir = self.release(app, release);
        blocking("remove", move || match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

fn list(dir: &Path) -> io::Result<Vec<ReleaseNumber>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.parse().ok()) {
            found.push(number);
        }
    }
    found.sort_unstable();
    Ok(found)
}

async fn blocking<T: Send + 'static>(
    verb: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FilesError> {
    let failed = |error: String| FilesError(format!("cannot {verb} sealed files: {error}"));
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
