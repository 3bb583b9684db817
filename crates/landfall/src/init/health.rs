//! Looks through an app's sources for the path that tells whether it is well.
//!
//! A short look: few files, small ones, no folders of dependencies. What is found is a suggestion,
//! shown with the place it was seen at.

use std::fs;
use std::path::{Path, PathBuf};

const FILES_MAX: usize = 400;
const FILE_BYTES_MAX: u64 = 200 * 1024;
const DEPTH_MAX: usize = 5;

/// What is looked for, best first.
const PATHS: &[&str] = &[
    "/healthz",
    "/readyz",
    "/livez",
    "/health",
    "/health/",
    "/healthcheck",
    "/api/health",
    "/api/healthz",
    "/-/healthy",
    "/ht/",
    "/up",
    "/ping",
    "/status",
];

const ENDINGS: &[&str] = &[
    "py", "rb", "js", "mjs", "cjs", "ts", "go", "php", "rs", "java", "kt", "cs", "ex", "exs",
    "yaml", "yml", "conf", "template",
];

const SKIPPED: &[&str] = &[
    "node_modules",
    "vendor",
    "target",
    "dist",
    "build",
    "venv",
    "env",
    "tests",
    "test",
    "spec",
    "__pycache__",
    "coverage",
    "storage",
    "tmp",
    "log",
];

/// A path, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// Relative to the folder.
    pub(crate) file: PathBuf,
}

/// The likeliest health path in the sources below a folder.
pub(crate) fn find(folder: &Path) -> Option<Seen> {
    let mut files = Vec::new();
    gather(folder, 0, &mut files);
    let mut best: Option<(usize, Seen)> = None;
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let rank = PATHS.iter().position(|path| mentions(&text, path));
        let Some(rank) = rank else { continue };
        if best.as_ref().is_none_or(|(known, _)| rank < *known) {
            let file = file.strip_prefix(folder).unwrap_or(&file).to_path_buf();
            best = Some((rank, Seen { path: PATHS[rank].to_owned(), file }));
        }
    }
    best.map(|(_, seen)| seen)
}

/// The path in quotes, with or without its slash in front (Django writes `path("healthz", …)`).
fn mentions(text: &str, path: &str) -> bool {
    let bare = path.trim_start_matches('/');
    // A bare word such as "status" is too common to mean a path; those with a `z` or a slash do.
    let has_bare = bare.ends_with('z') || bare.ends_with('/') || bare.starts_with("healthcheck");
    ['"', '\'', '`'].iter().any(|quote| {
        text.contains(&format!("{quote}{path}{quote}"))
            || text.contains(&format!("{quote}GET {path}{quote}"))
            || (has_bare && text.contains(&format!("{quote}{bare}{quote}")))
            || (has_bare && text.contains(&format!("{quote}^{bare}$")))
    }) || text.contains(&format!("location = {path} "))
        || text.contains(&format!("location {path} "))
}

fn gather(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().take(FILES_MAX).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut folders = Vec::new();
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        // Links are not followed: they may lead anywhere.
        let Ok(metadata) = entry.metadata() else { continue };
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if metadata.is_dir() && !SKIPPED.contains(&name) {
            folders.push(entry.path());
        } else if metadata.is_file()
            && ENDINGS.contains(&ending)
            && !name.contains("compose")
            && metadata.len() <= FILE_BYTES_MAX
            && files.len() < FILES_MAX
        {
            files.push(entry.path());
        }
    }
    if depth < DEPTH_MAX {
        for folder in &folders {
            gather(folder, depth + 1, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        find(folder.path()).map(|seen| format!("{} in {}", seen.path, seen.file.display()))
    }

    #[test]
    fn the_path_is_found_as_each_framework_writes_it() {
        let table: &[(&str, &str, &str)] = &[
            ("shop/urls.py", "path(\"healthz\", views.health)", "/healthz"),
            ("config/routes.rb", "get \"/up\" => \"rails/health#show\"", "/up"),
            ("server.js", "app.get('/health', ok)", "/health"),
            ("main.go", "mux.HandleFunc(\"GET /healthz\", ok)", "/healthz"),
            ("nginx.conf", "location = /healthz { return 200; }", "/healthz"),
        ];
        for (file, text, path) in table {
            assert_eq!(seen(&[(file, text)]), Some(format!("{path} in {file}")));
        }
    }

    #[test]
    fn the_more_telling_path_wins_and_dependencies_do_not_count() {
        let files = [("a.js", "get('/ping')"), ("b/c.js", "get('/healthz')")];
        assert_eq!(seen(&files), Some("/healthz in b/c.js".to_owned()));
        assert_eq!(seen(&[("node_modules/x/a.js", "get('/healthz')")]), None);
        assert_eq!(seen(&[("a.py", "order.status = 'status'")]), None);
    }
}
