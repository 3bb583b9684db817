//! Data: that they outlive the container, and lie where they are looked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, Kinded as _, Mount, Service};
use crate::finding::Out;
use crate::know::{self, Family, data_dir};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "database-without-volume",
        severity: Error,
        title: "a database that keeps its data in the container",
        why: "Without a volume the data live and die with the container: the next image, the next \
            `down`, and they are gone. An anonymous volume of the image is no help, since nothing finds \
            it again.",
        fix: "mount a named volume where the database keeps its data",
        before: "services:\n  db:\n    image: postgres:16.4\n",
        after: "services:\n  db:\n    image: postgres:16.4\n    volumes: \
            [\"pgdata:/var/lib/postgresql/data\"]\nvolumes: {pgdata: {}}\n",
        run: without_volume,
    },
    Rule {
        id: "database-in-bind-mount",
        severity: Note,
        title: "a database in a folder of the project",
        why: "Files of a running database in the project's folder are copied by backups in the middle \
            of a write, sent to builders as context, deleted by `git clean`, and belong to a user that \
            the host may not have.",
        fix: "use a named volume",
        before: "services:\n  db:\n    image: postgres:16.4\n    volumes: \
            [\"./pgdata:/var/lib/postgresql/data\"]\n",
        after: "services:\n  db:\n    image: postgres:16.4\n    volumes: \
            [\"pgdata:/var/lib/postgresql/data\"]\nvolumes: {pgdata: {}}\n",
        run: in_bind,
    },
    Rule {
        id: "queue-not-persisted",
        severity: Warning,
        title: "a queue that forgets its tasks",
        why: "A worker takes its tasks from this service, and it has no volume: when it is made anew, \
            by an update or a crash, all tasks that wait are lost without a word.",
        fix: "mount a volume at `/data` and start it with `--appendonly yes`",
        before: "services:\n  redis:\n    image: redis:7.4\n  worker:\n    image: web:1.4.2\n    command: \
            [celery, -A, shop, worker]\n    environment: {BROKER_URL: \"redis://redis/0\"}\n",
        after: "services:\n  redis:\n    image: redis:7.4\n    volumes: [\"queue:/data\"]\n  worker:\n    \
            image: web:1.4.2\n    command: [celery, -A, shop, worker]\n    environment: {BROKER_URL: \
            \"redis://redis/0\"}\nvolumes: {queue: {}}\n",
        run: queue,
    },
    Rule {
        id: "data-outside-project",
        severity: Note,
        title: "data beside the project's folder",
        why: "A relative path that leaves the project makes the app depend on where it was cloned to: a \
            second clone shares the data of the first, and a clone in another place starts empty.",
        fix: "use a named volume, or an absolute path",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"../uploads:/srv/uploads\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"uploads:/srv/uploads\"]\nvolumes: \
            {uploads: {}}\n",
        run: outside,
    },
    Rule {
        id: "legacy-data-left",
        severity: Error,
        title: "a volume that starts empty beside older data",
        why: "The files now name a volume where an older layout kept the data in a folder, and that \
            folder is still there, mounted by nothing. A deploy makes a new, empty volume: the app \
            comes up with no users and no content, and new writes go to the wrong place.",
        fix: "move the data into the volume first, or mount the folder",
        before: "# ls\ncompose.yaml  pgdata/\n# compose.yaml mounts the volume pgdata, not ./pgdata\n",
        after: "# ls\ncompose.yaml\n# the data were copied into the volume\n",
        run: super::older::legacy,
    },
    Rule {
        id: "data-tracked",
        severity: Error,
        title: "a database file that git tracks",
        why: "The database of production is a file of the repository. A pull is blocked by it or, after \
            a checkout or reset, replaces it with what was committed: all rows since are gone. Whoever \
            clones the repository has a copy of the data.",
        fix: "run `git rm --cached` on it, ignore it, and keep data outside of the clone",
        before: "# git ls-files\ndata/app.sqlite3\n# compose.yaml\nvolumes: [\"./data:/srv/data\"]\n",
        after: "# .gitignore\ndata/\n# compose.yaml\nvolumes: [\"./data:/srv/data\"]\n",
        run: tracked,
    },
];

/// Mounts that hold the data of a known database.
pub(super) fn data_mounts<'s>(service: &'s Service<'_>) -> Vec<&'s Mount> {
    let dirs = data_dir(service.family).unwrap_or_default();
    let moved = service.variable("PGDATA").map(|variable| variable.value().to_owned());
    let holds = |mount: &&Mount| {
        let at = |dir: &str| mount.covers(dir) || mount.is_within(dir);
        dirs.iter().any(|dir| at(dir)) || moved.as_deref().is_some_and(at)
    };
    // What only adds scripts or settings lies elsewhere; a single file is no data directory.
    service.mounts.iter().filter(holds).collect()
}

fn without_volume(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        if !matches!(service.family, Family::Postgres | Family::Mysql | Family::Mongo) {
            continue;
        }
        let runs = service.runs(app).map(|runs| runs.line()).unwrap_or_default();
        let elsewhere =
            ["--datadir", "--dbpath", "data_directory"].iter().any(|w| runs.contains(w));
        let borrowed = service.view.get("volumes_from").is_some();
        if data_mounts(service).is_empty()
            && !elsewhere
            && !borrowed
            && !service.is_one_off
            && !is_client(&runs)
        {
            let message = format!("`{}` keeps its data in the container", service.name);
            let finding = out.service(service, service.view.key_at(), message);
            let dir = match service.family {
                Family::Mysql => "/var/lib/mysql",
                Family::Mongo => "/data/db",
                _ => "/var/lib/postgresql/data",
            };
            finding.hint(format!("mount a named volume at `{dir}`"));
        }
    }
}

/// A database's image that runs a client: dumps, scripts, shells.
fn is_client(line: &str) -> bool {
    let clients =
        ["pg_dump", "psql", "mysqldump", "mongodump", "mongosh", "pg_basebackup", "sleep", "sh -c"];
    clients.iter().any(|client| know::has_word_run(line, client))
}

fn in_bind(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|service| service.family.is_database()) {
        for mount in data_mounts(service).into_iter().filter(|mount| mount.is_bind()) {
            let is_file = mount.path.as_deref().is_some_and(|path| app.kind(path).is_file());
            if !is_file && !mount.read_only {
                let shown = mount.shown_source();
                let message = format!("`{}` keeps its data in the folder `{shown}`", service.name);
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn queue(app: &App<'_>, out: &mut Out) {
    let workers = workers_by_host(app);
    for service in app.services() {
        let is_queue = matches!(service.family, Family::Redis | Family::Rabbit);
        let Some(of) = workers.get(service.name).filter(|_| is_queue) else { continue };
        let runs = service.runs(app).map(|runs| runs.words.join(" ")).unwrap_or_default();
        // Keeping nothing may be what they want of it.
        let forgets = runs.contains("--save ") && !runs.contains("--appendonly yes");
        if data_mounts(service).is_empty() && !forgets {
            let name = service.name;
            let message =
                format!("`{name}` holds the tasks of `{of}` and forgets them with its container");
            out.service(service, service.view.key_at(), message);
        }
    }
}

/// The first worker that names each host, in a variable or in its command.
fn workers_by_host<'a>(app: &App<'a>) -> BTreeMap<String, &'a str> {
    let mut workers = BTreeMap::new();
    for service in app.services() {
        let Some(runs) = service.runs(app).filter(|r| know::is_worker(&r.line()).is_some()) else {
            continue;
        };
        let values = service.environment.iter().map(crate::facts::Variable::value);
        for value in values.chain(runs.words.iter().map(String::as_str)) {
            let host = know::url_parts(value).map_or(value, |url| url.host);
            workers.entry(host.to_owned()).or_insert(service.name);
        }
    }
    workers
}

fn outside(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for mount in service.mounts.iter().filter(|mount| mount.is_bind()) {
            if mount.climbs_out() && !mount.read_only {
                let shown = mount.shown_source();
                let message =
                    format!("`{}` keeps data in `{shown}`, outside of the project", service.name);
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn tracked(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for mount in service.mounts.iter().filter(|mount| mount.is_bind() && !mount.read_only) {
            let Some(path) = mount.path.as_deref().filter(|path| *path != app.directory()) else {
                continue;
            };
            let name = |file: &Path| file.file_name().map(|n| n.to_string_lossy().into_owned());
            let is_database =
                |file: &PathBuf| name(file).is_some_and(|n| know::is_database_file(&n));
            if let Some(file) = app.tracked(path).into_iter().find(is_database) {
                let message =
                    format!("git tracks `{}`, which `{}` writes", app.shown(&file), service.name);
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}
