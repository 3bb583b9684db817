//! What only a live engine can say. Without its facts these rules find nothing.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Warning};

use crate::facts::{App, MountKind, Service, volume_name};
use crate::finding::Out;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "volume-owner",
        severity: Warning,
        title: "a volume that the app may not write to",
        why: "The volume belongs to one user and the container runs as another. Reading may work; the \
            first upload or the first log line fails. It happens when an image changes its user.",
        fix: "change the owner once, from a container that runs as root, or run as the owner",
        before: "# the volume belongs to 0\nservices:\n  web:\n    image: web:1.4.2\n    user: \"1000\"\n",
        after: "# the volume belongs to 1000\nservices:\n  web:\n    image: web:1.4.2\n    user: \"1000\"\n",
        run: volume_owner,
    },
    Rule {
        id: "disk-room",
        severity: Warning,
        title: "too little room on the engine's disk",
        why: "A deploy pulls or builds the new images beside the old ones, which stay for a rollback. On \
            a full disk the pull fails half-way, and databases on the same disk stop writing.",
        fix: "prune images of old releases, or give the disk more room",
        before: "# df -h /var/lib/docker\nSize  Used Avail\n 20G   19G  700M\n",
        after: "# df -h /var/lib/docker\nSize  Used Avail\n 20G   11G  9.0G\n",
        run: disk_room,
    },
    Rule {
        id: "stale-image",
        severity: Warning,
        title: "a container that runs an older image than its tag names",
        why: "A restart keeps the image that the container was made of. After a build or a pull the tag \
            names the new one, and what serves is still the old: the change that everybody believes to \
            be live is not.",
        fix: "deploy: it makes new containers",
        before: "$ docker compose build && docker compose restart\n",
        after: "$ landfall deploy --build\n",
        run: stale_image,
    },
    Rule {
        id: "external-missing",
        severity: Error,
        title: "an external network or volume that is not there",
        why: "What is `external` is made by somebody else, another project or a person, before this app \
            starts. Without it nothing starts.",
        fix: "start the project that makes it, or make it by hand",
        before: "networks:\n  infra:\n    external: true\n",
        after: "$ docker network create infra\n",
        run: external_missing,
    },
];

/// The number of the user that a service runs as, when it is known.
fn uid(app: &App<'_>, service: &Service<'_>) -> Option<u32> {
    if let Some(user) = service.view.get("user").and_then(View::printed) {
        let name = user.split(':').next().unwrap_or_default();
        return if name == "root" { Some(0) } else { name.parse().ok() };
    }
    let image = app.engine()?.images.get(&service.image.as_ref()?.text)?;
    let user = image.user.as_deref().unwrap_or_default();
    let name = user.split(':').next().unwrap_or_default();
    match name {
        "" | "root" => Some(0),
        _ => image.uid.or_else(|| name.parse().ok()),
    }
}

fn volume_owner(app: &App<'_>, out: &mut Out) {
    let Some(engine) = app.engine() else { return };
    for service in app.services() {
        let Some(uid) = uid(app, service).filter(|uid| *uid != 0) else { continue };
        for mount in service.mounts.iter().filter(|m| m.kind == MountKind::Volume && !m.read_only) {
            let Some(source) = mount.source.as_deref() else { continue };
            let facts = engine.volumes.get(&volume_name(app.model, source));
            let owner =
                facts.filter(|facts| !facts.world_writable).and_then(|facts| facts.owner_uid);
            if let Some(owner) = owner.filter(|owner| *owner != uid) {
                let message = format!(
                    "`{}` runs as {uid}, and the volume `{source}` belongs to {owner}",
                    service.name
                );
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn disk_room(app: &App<'_>, out: &mut Out) {
    const GIB: u64 = 1 << 30;
    const MIB: u64 = 1 << 20;
    let Some(engine) = app.engine() else { return };
    let Some(disk) = &engine.disk else { return };
    let images: u64 = engine.images.values().map(|image| image.size_bytes).sum();
    let wanted = images.max(GIB);
    if disk.free_bytes < wanted {
        let (free, wanted) = (disk.free_bytes / MIB, wanted / MIB);
        let at = app.model.root().get("services").map(View::key_at);
        let path = &disk.path;
        out.app(
            at,
            format!("{free} MB are free in `{path}`; a second set of images takes {wanted} MB"),
        );
    }
}

fn stale_image(app: &App<'_>, out: &mut Out) {
    let Some(engine) = app.engine() else { return };
    let project = app.model.name().as_str();
    for container in engine.containers.iter().filter(|c| c.project.as_deref() == Some(project)) {
        let service = container.service.as_deref().and_then(|name| app.service(name));
        let Some(service) = service else { continue };
        let Some(image) = &service.image else { continue };
        let Some(facts) = engine.images.get(&image.text) else { continue };
        if !facts.id.is_empty() && !container.image_id.is_empty() && facts.id != container.image_id
        {
            let message =
                format!("`{}` runs an older image than `{}` names now", container.name, image.text);
            let at = image.at().unwrap_or_else(|| service.view.key_at());
            out.service(service, at, message);
        }
    }
}

fn external_missing(app: &App<'_>, out: &mut Out) {
    let Some(engine) = app.engine() else { return };
    let root = app.model.root();
    let external =
        |view: &View<'_>| view.get("external").is_some_and(|e| e.boolean() != Some(false));
    if let Some(known) = &engine.networks {
        for (name, view) in root.get("networks").into_iter().flat_map(View::entries) {
            let real = view.get("name").and_then(View::printed).unwrap_or_else(|| name.to_owned());
            if external(&view) && !known.contains(&real) {
                out.app(Some(view.key_at()), format!("there is no network `{real}`"));
            }
        }
    }
    for (name, view) in root.get("volumes").into_iter().flat_map(View::entries) {
        let real = volume_name(app.model, name);
        if external(&view) && !engine.volumes.contains_key(&real) {
            out.app(Some(view.key_at()), format!("there is no volume `{real}`"));
        }
    }
}
