//! Data of an older layout that new files would leave behind.

use std::path::{Path, PathBuf};

use super::data::data_mounts;
use crate::facts::{App, Kinded as _, MountKind, volume_name};
use crate::finding::Out;
use crate::know::Family;

/// Volumes beside folders that look like what they were before.
pub(super) fn legacy(app: &App<'_>, out: &mut Out) {
    let binds: Vec<&Path> =
        app.services().flat_map(|s| &s.mounts).filter_map(|m| m.path.as_deref()).collect();
    let is_mounted =
        |path: &Path| binds.iter().any(|bind| path.starts_with(bind) || bind.starts_with(path));
    let mut seen: Vec<&str> = Vec::new();
    for service in app.services() {
        for mount in service.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
            let Some(volume) = mount.source.as_deref().filter(|v| !seen.contains(v)) else {
                continue;
            };
            seen.push(volume);
            let real = volume_name(app.model, volume);
            if app.engine().is_some_and(|engine| engine.volumes.contains_key(&real)) {
                continue;
            }
            let is_data = data_mounts(service).iter().any(|data| data.target == mount.target);
            let found = old_folder(app, volume, is_data.then_some(service.family));
            if let Some(folder) = found.filter(|folder| !is_mounted(folder)) {
                let shown = shown_beside(app, &folder);
                let message =
                    format!("the volume `{volume}` starts empty; older data lie in `{shown}`");
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

/// A folder that looks like what the volume was before: by its content or by the volume's name.
fn old_folder(app: &App<'_>, volume: &str, database: Option<Family>) -> Option<PathBuf> {
    let mark = match database {
        Some(Family::Postgres) => Some("PG_VERSION"),
        Some(Family::Mysql) => Some("ibdata1"),
        Some(Family::Mongo) => Some("WiredTiger"),
        _ => None,
    };
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let directory = app.directory();
    let places = [Some(directory), directory.parent().filter(|_| database.is_some())];
    for place in places.into_iter().flatten() {
        for name in app.names(place).into_iter().take(512) {
            let path = place.join(&name);
            let is_folder = || app.kind(&path).is_folder();
            let same_name = plain(&name) == plain(volume);
            let holds = |dir: &Path| mark.is_some_and(|mark| app.kind(&dir.join(mark)).is_file());
            let marked = mark.is_some() && (holds(&path) || holds(&path.join("data")));
            let full = same_name && is_folder() && app.names(&path).iter().any(|n| n != ".gitkeep");
            // Beside the project only content counts: other apps have folders there.
            if marked || full && place == directory {
                return Some(path);
            }
        }
    }
    None
}

fn shown_beside(app: &App<'_>, path: &Path) -> String {
    match app.directory().parent().and_then(|parent| path.strip_prefix(parent).ok()) {
        Some(rest) if !path.starts_with(app.directory()) => format!("../{}", rest.display()),
        _ => app.shown(path),
    }
}
