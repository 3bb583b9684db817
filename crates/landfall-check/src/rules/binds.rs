//! Files and folders of the host in containers.

use std::path::Path;

use landfall_core::diagnostic::Severity::{Error, Warning};

use crate::facts::{App, Kinded as _, Mount, Service};
use crate::finding::Out;
use crate::folder::Kind;
use crate::know::{self, Family};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "code-bind-mounted",
        severity: Error,
        title: "code of the host over the code of the image",
        why: "The container runs what lies on the host and not what was built: a new image changes \
            nothing, a rollback brings nothing back, and an edit or a `git pull` on the host changes \
            production at once, without a deploy and without a test.",
        fix: "take the mount away and build the code into the image; mount only the folders of data",
        before: "services:\n  web:\n    image: web:1.4.2\n    working_dir: /app\n    volumes: [\".:/app\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    working_dir: /app\n    volumes: \
            [\"./uploads:/app/uploads\"]\n",
        run: code,
    },
    Rule {
        id: "writable-file-bind",
        severity: Warning,
        title: "a single file of the host that the container may write",
        why: "A mounted file is bound to one inode. Editors, git and most programs write a new file and \
            rename it: on the host that cuts the container off from all later changes, and inside the \
            container it fails.",
        fix: "add `:ro`, or mount the folder that holds it",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"/etc/hostname:/srv/settings.yml\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"/etc/hostname:/srv/settings.yml:ro\"]\n",
        run: writable_file,
    },
    Rule {
        id: "bind-file-missing",
        severity: Error,
        title: "a mounted file that does not exist",
        why: "When the source of a bind mount is missing, Docker makes it: as a folder, owned by root. \
            The program finds a folder where its configuration should be and does not start, and the \
            folder stays in the way of the file.",
        fix: "create the file, or take the mount away",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"./no-such.conf:/etc/web.conf:ro\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"/etc/hostname:/etc/web.conf:ro\"]\n",
        run: missing,
    },
];

/// Folders in which images have their code, unless they say otherwise.
const CODE_DIRS: &[&str] = &[
    "/app",
    "/application",
    "/code",
    "/go/src/app",
    "/home/app",
    "/home/node/app",
    "/opt/app",
    "/src",
    "/srv/app",
    "/usr/app",
    "/usr/src",
    "/usr/src/app",
    "/var/www",
    "/var/www/app",
    "/var/www/html",
    "/workspace",
];

/// Folders in which containers get what they work on.
const MATERIAL_DIRS: &[&str] =
    &["/backup", "/backups", "/data", "/host", "/mnt", "/repo", "/tmp", "/usr/share", "/work"];

fn code(app: &App<'_>, out: &mut Out) {
    if app.is_for_development() {
        return;
    }
    for service in app.services().filter(|s| !s.family.is_backend()) {
        let workdir = service.workdir(app).filter(|dir| dir != "/");
        for mount in service.mounts.iter().filter(|mount| mount.is_bind()) {
            let is_settings = ["/etc", "/config", "/docker-entrypoint-initdb.d"]
                .iter()
                .any(|folder| mount.is_within(folder));
            if is_settings
                || mount.target == "/"
                || mount.path.as_deref().is_some_and(|p| app.kind(p).is_file())
            {
                continue;
            }
            if covers_code(app, service, mount, workdir.as_deref()) {
                let (shown, target) = (mount.shown_source(), &mount.target);
                let message = format!(
                    "`{shown}` of the host lies over `{target}`, the code of `{}`",
                    service.name
                );
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn covers_code(app: &App<'_>, service: &Service<'_>, mount: &Mount, workdir: Option<&str>) -> bool {
    let path = mount.path.as_deref();
    let holds = path.and_then(|path| holds_code(app, path));
    if let Some(workdir) = workdir
        && mount.covers(workdir)
    {
        // Settings may lie where a program starts; an unknown folder there is taken for code.
        return holds != Some(false) || service.has_build() || path == Some(app.directory());
    }
    let is_context = path.is_some() && service.context(app).as_deref() == path;
    // To build from it, to back it up or to look at it is something else than to run it.
    let is_material = MATERIAL_DIRS.iter().any(|folder| mount.is_within(folder));
    let is_project = path == Some(app.directory()) && !mount.read_only;
    if (is_context || is_project) && !is_material {
        return holds != Some(false);
    }
    if CODE_DIRS.contains(&&*mount.target) && workdir.is_none() && service.family == Family::App {
        return match holds {
            Some(holds) => holds,
            // It is not there to be looked at: a folder named after data is meant as data.
            None => !path
                .and_then(Path::file_name)
                .is_some_and(|n| know::is_data_name(&n.to_string_lossy())),
        };
    }
    // A part of the code: a folder of the context that the image has as well.
    let name = mount.target.rsplit('/').next().unwrap_or_default();
    let in_workdir = workdir.is_some_and(|workdir| mount.is_within(workdir));
    let of_context = service.context(app).zip(path).is_some_and(|(c, path)| path.starts_with(c));
    in_workdir && of_context && !know::is_data_name(name) && holds == Some(true)
}

/// Whether a folder holds source code, one level deep; `None` when it cannot be looked at.
fn holds_code(app: &App<'_>, folder: &Path) -> Option<bool> {
    if !app.kind(folder).is_folder() {
        return None;
    }
    let names = app.names(folder);
    let is_code = |name: &String| is_code_name(name);
    if names.iter().any(is_code) {
        return Some(true);
    }
    let inner =
        names.iter().filter(|name| !name.starts_with('.') && !know::is_data_name(name)).take(64);
    Some(inner.map(|name| app.names(&folder.join(name))).any(|names| names.iter().any(is_code)))
}

fn is_code_name(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "cs", "ex", "exs", "go", "java", "jl", "js", "jsx", "kt", "mjs", "php", "py", "rb", "rs",
        "scala", "svelte", "ts", "tsx", "vue",
    ];
    const NAMES: &[&str] = &[
        "Cargo.toml",
        "Dockerfile",
        "Gemfile",
        "composer.json",
        "go.mod",
        "manage.py",
        "mix.exs",
        "package.json",
        "pom.xml",
        "pyproject.toml",
        "requirements.txt",
    ];
    let end = name.rsplit_once('.').map(|(_, end)| end);
    NAMES.contains(&name)
        || end.is_some_and(|end| ENDS.contains(&end)) && !name.ends_with(".config.js")
}

/// Files of the system that containers read, and what is no file at all.
fn is_of_system(mount: &Mount) -> bool {
    let source = mount.source.as_deref().unwrap_or_default();
    let starts = ["/dev/", "/run/", "/var/run/", "/proc/", "/sys/", "/tmp/.X11-unix"];
    know::extension(source) == "sock"
        || starts.iter().any(|start| source.starts_with(start))
        || matches!(source, "/etc/localtime" | "/etc/timezone")
}

fn writable_file(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for mount in service.mounts.iter().filter(|m| m.is_bind() && !m.read_only) {
            let is_file = mount.path.as_deref().is_some_and(|path| app.kind(path).is_file());
            if is_file && !is_of_system(mount) && !super::sqlite::is_sqlite_file(app, mount) {
                let shown = mount.shown_source();
                let message = format!("`{}` may write the single file `{shown}`", service.name);
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn missing(app: &App<'_>, out: &mut Out) {
    const ENDS: &[&str] = &[
        "cfg",
        "cnf",
        "conf",
        "crt",
        "env",
        "html",
        "ini",
        "js",
        "json",
        "key",
        "pem",
        "php",
        "properties",
        "py",
        "rb",
        "sh",
        "sql",
        "toml",
        "txt",
        "xml",
        "yaml",
        "yml",
    ];
    for service in app.services() {
        for mount in service.mounts.iter().filter(|mount| mount.is_bind()) {
            let Some(path) = mount.path.as_deref() else { continue };
            let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
            let same_end =
                end.is_some() && Path::new(&mount.target).extension() == path.extension();
            let is_named_file = same_end && end.is_some_and(|end| ENDS.contains(&&*end));
            if is_named_file && app.kind(path).is_none() && !is_of_system(mount) {
                let shown = mount.shown_source();
                let message =
                    format!("there is no `{shown}`; Docker would make a folder of that name");
                out.service(service, mount.at.clone(), message);
            } else if is_named_file && app.kind(path) == Some(Kind::Folder) {
                let shown = mount.shown_source();
                let message = format!("`{shown}` is a folder, mounted where a file should be");
                out.service(service, mount.at.clone(), message)
                    .hint("remove the folder, which Docker may have made, and create the file");
            }
        }
    }
}
