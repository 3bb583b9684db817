//! Volumes that are not what they seem.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, Mount, MountKind, Service};
use crate::finding::Out;
use crate::know::Family;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "volume-shadows-image",
        severity: Warning,
        title: "a volume over files that the image brings",
        why: "A new volume is filled with what the image has at its place, once. From then on the \
            volume is what the app sees: a new image's styles, scripts or code never appear, and old \
            pages are served with old files for ever.",
        fix: "take the volume away, or let landfall make it anew for each release: `x-landfall: {scope: \
            release}` on the volume",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"static_files:/srv/static\"]\n  \
            proxy:\n    image: nginx:1.27\n    volumes: [\"static_files:/srv/static:ro\"]\nvolumes: \
            {static_files: {}}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"static_files:/srv/static\"]\n  \
            proxy:\n    image: nginx:1.27\n    volumes: [\"static_files:/srv/static:ro\"]\nvolumes:\n  \
            static_files: {x-landfall: {scope: release}}\n",
        run: shadows,
    },
    Rule {
        id: "anonymous-volume",
        severity: Note,
        title: "a volume without a name",
        why: "Nothing finds a volume without a name again: when the container is made anew it gets a \
            new one, and the old one stays behind with the data in it until someone prunes it.",
        fix: "give it a name: `data:/srv/data`, and list it under `volumes`",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [/srv/data]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"data:/srv/data\"]\nvolumes: {data: \
            {}}\n",
        run: anonymous,
    },
    Rule {
        id: "one-letter-volume",
        severity: Error,
        title: "a volume with a name of one letter",
        why: "Compose takes a single letter before a colon for a Windows drive, so `v:/data` is no \
            volume `v` at `/data`: the whole text is the path at which an anonymous volume is mounted.",
        fix: "give the volume a longer name, or use the long form",
        before: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"v:/data\"]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    volumes: [\"vol:/data\"]\nvolumes: {vol: {}}\n",
        run: one_letter,
    },
];

/// Names of folders that builds fill.
const BUILT: &[&str] = &[
    "static",
    "staticfiles",
    "static_files",
    "static_root",
    "assets",
    "public",
    "dist",
    "build",
    "collected_static",
    "www",
];

fn shadows(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|s| s.family == Family::App && !s.is_one_off) {
        let workdir = service.workdir(app);
        for mount in service.mounts.iter().filter(|m| m.kind == MountKind::Volume && !m.read_only) {
            let Some(volume) = mount.source.as_deref() else { continue };
            if is_per_release(app, volume) {
                continue;
            }
            let name = service.name;
            let last = mount.target.rsplit('/').next().unwrap_or_default();
            if workdir.as_deref() == Some(&*mount.target) && service.has_build() {
                let message = format!("the volume `{volume}` lies over the code of `{name}`");
                out.service(service, mount.at.clone(), message);
            } else if last == "node_modules" && service.has_build() {
                let message = format!("the volume `{volume}` keeps old packages of `{name}`");
                out.service(service, mount.at.clone(), message);
            } else if BUILT.contains(&last)
                && is_brought(app, service, mount)
                && !is_refilled(app, volume)
            {
                let message = format!(
                    "the volume `{volume}` hides what the image of `{name}` has at its place"
                );
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn is_per_release(app: &App<'_>, volume: &str) -> bool {
    let scope =
        app.model.root().get("volumes").and_then(|v| v.get(volume)?.at_path("x-landfall.scope"));
    scope.and_then(View::text) == Some("release")
}

/// Whether the image has files there: its Dockerfile says so or, when there is none to read, a proxy
/// reads them.
fn is_brought(app: &App<'_>, service: &Service<'_>, mount: &Mount) -> bool {
    let last = mount.target.rsplit('/').next().unwrap_or_default();
    if let Some(file) = service.dockerfile(app) {
        return file.effective().iter().any(|i| match &*i.keyword {
            "RUN" => ["collectstatic", "assets:precompile", "run build"]
                .iter()
                .any(|w| i.rest.contains(w)),
            "COPY" | "ADD" => i.rest.split_whitespace().last().is_some_and(|target| {
                let target = target.trim_end_matches('/');
                target == mount.target || target.trim_start_matches("./") == last
            }),
            _ => false,
        });
    }
    let reads = |other: &Service<'_>| {
        let same =
            |m: &Mount| m.kind == MountKind::Volume && m.source == mount.source && m.read_only;
        other.family == Family::Proxy
            || other.mounts.iter().any(same)
                && other.image.as_ref().is_some_and(|image| image.last.contains("nginx"))
    };
    app.services().any(|other| {
        other.name != service.name
            && reads(other)
            && other.mounts.iter().any(|m| m.source == mount.source)
    })
}

/// Whether something fills the volume anew at each start.
fn is_refilled(app: &App<'_>, volume: &str) -> bool {
    let mounts_it = |service: &&Service<'_>| {
        service
            .mounts
            .iter()
            .any(|m| m.kind == MountKind::Volume && m.source.as_deref() == Some(volume))
    };
    let words = ["collectstatic", "assets:precompile", "run build", "cp ", "rsync ", "compress"];
    app.services().filter(mounts_it).any(|service| {
        let fills = |text: &str| words.iter().any(|word| text.contains(word));
        service.runs(app).is_some_and(|runs| fills(&runs.line()))
            || super::script::script_of(app, service).is_some_and(|script| fills(&script.text))
    })
}

fn anonymous(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for mount in service.mounts.iter().filter(|m| m.kind == MountKind::Volume) {
            let is_cache = mount.target.ends_with("node_modules") || mount.target.contains(':');
            if mount.source.is_none() && !is_cache {
                let message = format!(
                    "`{}` keeps `{}` in a volume without a name",
                    service.name, mount.target
                );
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn one_letter(app: &App<'_>, out: &mut Out) {
    for (_, name, written) in app.written() {
        let Some(service) = app.service(name) else { continue };
        for item in written.get("volumes").into_iter().flat_map(View::items) {
            let Some((source, _)) = item.text().and_then(|text| text.split_once(":/")) else {
                continue;
            };
            let mut letters = source.chars();
            let one = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
            if one {
                let message =
                    format!("`{source}` is taken for a drive of Windows, not for a volume");
                out.service(service, item.at(), message);
            }
        }
    }
}
