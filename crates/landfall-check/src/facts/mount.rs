//! What is mounted into a service, from short and long forms.

use std::path::{Component, Path, PathBuf};

use landfall_compose::{Model, View};
use landfall_core::diagnostic::Location;

/// One entry of `volumes`.
#[derive(Debug, Clone)]
pub(crate) struct Mount {
    pub(crate) kind: MountKind,
    /// A volume's name in the file, or a path of the host.
    pub(crate) source: Option<String>,
    pub(crate) target: String,
    pub(crate) read_only: bool,
    pub(crate) at: Location,
    /// The path of a bind, absolute and without `.` and `..`.
    pub(crate) path: Option<PathBuf>,
    shown: String,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MountKind {
    Bind,
    Volume,
    Tmpfs,
    Other,
}

impl Mount {
    pub(crate) fn is_bind(&self) -> bool {
        self.kind == MountKind::Bind
    }

    /// Whether it lies at a path of the container or above it.
    pub(crate) fn covers(&self, path: &str) -> bool {
        is_within(path, &self.target)
    }

    /// Whether it lies at a path of the container or below it.
    pub(crate) fn is_within(&self, path: &str) -> bool {
        is_within(&self.target, path)
    }

    /// The source as people write it: relative inside the project.
    pub(crate) fn shown_source(&self) -> &str {
        &self.shown
    }

    /// Whether a relative path leaves the project.
    pub(crate) fn climbs_out(&self) -> bool {
        self.is_bind() && self.shown.starts_with("..")
    }
}

/// How a path is written in the project's files.
fn shown(source: &str, path: Option<&Path>, written: &str, directory: &Path) -> String {
    let Some(path) = path else { return source.to_owned() };
    if let Ok(inside) = path.strip_prefix(directory) {
        let inside = inside.to_string_lossy();
        return if inside.is_empty() { ".".to_owned() } else { format!("./{inside}") };
    }
    if written.contains("..") {
        let mut up = String::new();
        for parent in directory.ancestors().skip(1).take(16) {
            up.push_str("../");
            if let Ok(rest) = path.strip_prefix(parent) {
                return format!("{up}{}", rest.display());
            }
        }
    }
    source.to_owned()
}

/// Whether `path` is `folder` or lies below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The mounts of a service, `tmpfs` among them.
pub(crate) fn mounts(service: View<'_>, directory: &Path) -> Vec<Mount> {
    let volumes = service.get("volumes").into_iter().flat_map(View::items);
    let mut mounts: Vec<Mount> = volumes.filter_map(|view| mount(view, directory)).collect();
    if let Some(tmpfs) = service.get("tmpfs") {
        let items: Vec<View<'_>> =
            if tmpfs.is_list() { tmpfs.items().collect() } else { vec![tmpfs] };
        mounts.extend(items.into_iter().filter_map(|item| {
            let text = item.printed()?;
            let target = text.split(':').next().unwrap_or_default().to_owned();
            let kind = MountKind::Tmpfs;
            let (at, shown) = (item.at(), String::new());
            Some(Mount { kind, source: None, target, read_only: false, at, path: None, shown })
        }));
    }
    mounts
}

fn mount(view: View<'_>, directory: &Path) -> Option<Mount> {
    let (kind, source, target, read_only) =
        if view.is_mapping() { long(view)? } else { short(&view.printed()?)? };
    let path = match (&source, kind) {
        (Some(source), MountKind::Bind) => absolute(source, directory),
        _ => None,
    };
    let target = match target.trim_end_matches('/') {
        "" => "/".to_owned(),
        trimmed => trimmed.to_owned(),
    };
    let named = source.as_deref().unwrap_or_default();
    let shown = shown(named, path.as_deref(), view.source(), directory);
    Some(Mount { kind, source, target, read_only, at: view.at(), path, shown })
}

type Parts = (MountKind, Option<String>, String, bool);

fn long(view: View<'_>) -> Option<Parts> {
    let text = |key: &str| view.get(key).and_then(View::printed).filter(|text| !text.is_empty());
    let kind = match text("type").as_deref() {
        Some("bind") => MountKind::Bind,
        Some("volume") | None => MountKind::Volume,
        Some("tmpfs") => MountKind::Tmpfs,
        Some(_) => MountKind::Other,
    };
    let read_only = view.get("read_only").and_then(View::boolean).unwrap_or(false);
    Some((kind, text("source"), text("target")?, read_only))
}

fn short(text: &str) -> Option<Parts> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match &parts[..] {
        [target] => (None, *target, ""),
        // One letter is a Windows drive: all of it is a target.
        [drive, _] if drive.len() == 1 && !drive.starts_with(['.', '/', '~']) => (None, text, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return None,
    };
    let is_path = |source: &str| source.starts_with(['.', '/', '~']);
    let kind = match source {
        Some(source) if is_path(source) => MountKind::Bind,
        _ => MountKind::Volume,
    };
    let read_only = options.split(',').any(|option| option == "ro" || option == "readonly");
    Some((kind, source.map(str::to_owned), target.to_owned(), read_only))
}

/// A path of the host; `None` below a home folder, which is not known here.
pub(crate) fn absolute(source: &str, directory: &Path) -> Option<PathBuf> {
    if source.starts_with('~') {
        return None;
    }
    let mut out = PathBuf::new();
    for component in directory.join(source).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// The real name of a volume of the file.
pub(crate) fn volume_name(model: &Model, name: &str) -> String {
    let volume = model.root().get("volumes").and_then(|volumes| volumes.get(name));
    let given = volume.and_then(|volume| volume.get("name")).and_then(View::printed);
    let is_external =
        volume.is_some_and(|v| v.get("external").and_then(View::boolean) == Some(true));
    match given {
        Some(given) => given,
        None if is_external => name.to_owned(),
        None => format!("{}_{name}", model.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lie_within_folders_by_whole_parts() {
        assert!(is_within("/app", "/app") && is_within("/app/x", "/app/"));
        assert!(is_within("/app", "/"));
        assert!(!is_within("/application", "/app") && !is_within("/", "/app"));
    }

    #[test]
    fn paths_become_absolute_without_looking() {
        let absolute = |path| absolute(path, Path::new("/srv/app")).unwrap();
        assert_eq!(absolute("../data"), Path::new("/srv/data"));
        assert_eq!(absolute("./a/./b"), Path::new("/srv/app/a/b"));
        assert_eq!(absolute("/x/../../y"), Path::new("/y"));
    }
}
