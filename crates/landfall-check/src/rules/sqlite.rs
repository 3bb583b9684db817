//! SQLite, which is a file with others beside it, and wants one writer.

use std::collections::BTreeMap;

use landfall_core::diagnostic::Severity::{Error, Warning};

use crate::facts::{App, Kinded as _, Mount, MountKind, Service};
use crate::finding::Out;
use crate::know::{is_database_file, url_parts};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sqlite-single-file",
        severity: Error,
        title: "a SQLite database mounted as a single file",
        why: "SQLite keeps committed rows in `-wal` and `-shm` files beside the database. When only the \
            database is mounted, those stay inside the container: rows are lost when it is removed, \
            two containers corrupt the file, and a backup on the host misses what was written last.",
        fix: "mount the folder that holds the database, not the file",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"./app.sqlite3:/srv/app.sqlite3\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"./data:/srv/data\"]\n",
        run: single_file,
    },
    Rule {
        id: "sqlite-writers",
        severity: Warning,
        title: "a SQLite database with several writers",
        why: "One writer at a time is what SQLite can do; others wait and then fail with `database is \
            locked`. Services that share the file, replicas, and the two releases that run side by side \
            during a deploy are all writers.",
        fix: "let one service write, with `x-landfall: {update: in-place}`, or use a database server",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {DATABASE_URL: \
            \"sqlite:////srv/data/app.db\"}\n    volumes: [\"data:/srv/data\"]\nvolumes: {data: {}}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {DATABASE_URL: \
            \"sqlite:////srv/data/app.db\"}\n    volumes: [\"data:/srv/data\"]\n    x-landfall: {update: \
            in-place}\nvolumes: {data: {}}\n",
        run: writers,
    },
];

/// Whether a bind is a SQLite file, by its name and, when it can be read, its first bytes.
pub(super) fn is_sqlite_file(app: &App<'_>, mount: &Mount) -> bool {
    let named =
        is_database_file(&mount.target) || mount.source.as_deref().is_some_and(is_database_file);
    let Some(path) = mount.path.as_deref().filter(|_| named && mount.is_bind()) else {
        return false;
    };
    if app.kind(path).is_folder() {
        return false;
    }
    // An empty file becomes one.
    app.head(path, 16).is_none_or(|head| head.is_empty() || head.starts_with(b"SQLite format 3"))
}

fn single_file(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for mount in service.mounts.iter().filter(|mount| !mount.read_only) {
            if is_sqlite_file(app, mount) {
                let shown = mount.shown_source();
                let message = format!(
                    "`{}` mounts the SQLite database `{shown}` as a single file",
                    service.name
                );
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

/// What is mounted with a SQLite database in it that the service writes.
fn database_mount<'s>(app: &App<'_>, service: &'s Service<'_>) -> Option<&'s Mount> {
    let mut mounts = service.mounts.iter().filter(|m| !m.read_only && m.source.is_some());
    let urls: Vec<String> =
        service.environment.iter().filter_map(|v| sqlite_path(v.value())).collect();
    mounts.find(|mount| {
        let by_url = urls.iter().any(|path| mount.covers(path));
        by_url || is_sqlite_file(app, mount) || holds_database(app, mount)
    })
}

/// `sqlite:////srv/app.db`, the path inside the container.
fn sqlite_path(value: &str) -> Option<String> {
    let url = url_parts(value).filter(|url| url.scheme.starts_with("sqlite"))?;
    let path = url.path.split('?').next().unwrap_or_default();
    // Three slashes are a relative path, as SQLAlchemy has it; four an absolute one.
    let absolute = path.strip_prefix("//").map(|path| format!("/{path}"));
    Some(absolute.unwrap_or_else(|| path.to_owned()))
}

fn holds_database(app: &App<'_>, mount: &Mount) -> bool {
    let Some(path) = mount.path.as_deref().filter(|path| app.kind(path).is_folder()) else {
        return false;
    };
    let names = app.names(path).into_iter().filter(|name| is_database_file(name)).take(8);
    names.into_iter().any(|name| {
        app.head(&path.join(name), 16).is_some_and(|head| head.starts_with(b"SQLite format 3"))
    })
}

fn writers(app: &App<'_>, out: &mut Out) {
    let mut by_source: BTreeMap<(bool, &str), Vec<(&Service<'_>, &Mount)>> = BTreeMap::new();
    for service in app.services().filter(|s| !s.is_one_off) {
        let Some(mount) = database_mount(app, service) else { continue };
        let source = mount.source.as_deref().unwrap_or_default();
        by_source
            .entry((mount.kind == MountKind::Volume, source))
            .or_default()
            .push((service, mount));
    }
    // Whoever shares the mount of a writer writes as well, as far as files tell.
    for service in app.services().filter(|s| !s.is_one_off) {
        for mount in service.mounts.iter().filter(|m| !m.read_only) {
            let source = mount.source.as_deref().unwrap_or_default();
            if let Some(all) = by_source.get_mut(&(mount.kind == MountKind::Volume, source))
                && !all.iter().any(|(known, _)| known.name == service.name)
            {
                all.push((service, mount));
            }
        }
    }
    for all in by_source.values() {
        match &all[..] {
            [(one, mount)] => alone(one, mount, out),
            [(first, theirs), rest @ ..] => {
                for (service, mount) in rest {
                    let message = format!(
                        "`{}` and `{}` write one SQLite database",
                        first.name, service.name
                    );
                    out.service(service, mount.at.clone(), message)
                        .related(theirs.at.clone(), format!("`{}` mounts it here", first.name));
                }
            }
            [] => {}
        }
    }
}

fn alone(service: &Service<'_>, mount: &Mount, out: &mut Out) {
    let name = service.name;
    if service.replicas() > 1 {
        let message = format!("the replicas of `{name}` write one SQLite database");
        out.service(service, mount.at.clone(), message).severity(Error);
    } else if !service.is_single() {
        let message = format!("two releases of `{name}` write one SQLite database during a deploy");
        out.service(service, mount.at.clone(), message);
    }
}
