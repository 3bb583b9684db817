//! Names that can be there once.

use std::collections::BTreeSet;

use landfall_compose::{Model, View};
use landfall_core::diagnostic::Severity::Warning;

use crate::facts::{App, Image};
use crate::finding::Out;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "fixed-container-name",
        severity: Warning,
        title: "a container with a fixed name",
        why: "A name can be there once on a host. With it the new release cannot start beside the old \
            one, the service cannot be scaled, and a second copy of the app, for a test, takes the name \
            away or fails.",
        fix: "take it away: other services reach it by its service name, `landfall logs` too",
        before: "services:\n  web:\n    image: web:1.4.2\n    container_name: web\n",
        after: "services:\n  web:\n    image: web:1.4.2\n",
        run: container_name,
    },
    Rule {
        id: "shared-project-name",
        severity: Warning,
        title: "copies of an app that share one project name",
        why: "Compose tells projects apart by name, and the name comes from the folder. Two files in one \
            folder are one project: `down` of one takes the network of the other or fails on it, \
            `--remove-orphans` deletes the other's containers, and services of the same name replace \
            each other.",
        fix: "give each file its own `name:`; with landfall, one file is enough for both releases",
        before: "# compose.blue.yaml and compose.green.yaml in one folder\nservices:\n  web-blue:\n    image: \
            web:1.4.2\n",
        after: "# compose.blue.yaml\nname: shop-blue\nservices:\n  web:\n    image: web:1.4.2\n",
        run: project_name,
    },
];

fn container_name(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let Some(name) = service.view.get("container_name") else { continue };
        let message = format!("the container of `{}` has a fixed name", service.name);
        out.service(service, name.key_at(), message);
    }
}

/// What an app is made of: repositories of images and folders that are built.
fn material(model: &Model) -> BTreeSet<String> {
    let mut material = BTreeSet::new();
    for (_, view) in model.services() {
        let image = view.get("image").and_then(View::printed).map(|text| Image::parse(&text));
        let known = image.filter(|image| crate::know::family(image) == crate::know::Family::App);
        material.extend(known.map(|image| image.repository));
        let build = view.get("build");
        let context = build.and_then(|build| build.text().or_else(|| build.get("context")?.text()));
        material.extend(context.map(|context| context.trim_end_matches('/').to_owned()));
    }
    material
}

/// Whether a file's name says that what it describes runs beside another copy.
pub(super) fn is_copy_by_name(file: &str) -> bool {
    const COPIES: &[&str] =
        &["blue", "green", "test", "testing", "stage", "staging", "canary", "beta"];
    file.split(['.', '-', '_']).any(|part| COPIES.contains(&part))
}

fn project_name(app: &App<'_>, out: &mut Out) {
    let ours = material(app.model);
    for (file, other) in app.siblings() {
        let shares = material(other).iter().any(|part| ours.contains(part));
        if other.name() != app.model.name() || !shares {
            continue;
        }
        let apart = other.services().all(|(name, _)| app.service(name).is_none());
        let is_copy = is_copy_by_name(file);
        if !is_copy {
            // An overlay, a file for developers, or the same app written for another host.
            continue;
        }
        let at = app.model.root().get("services").map(View::key_at);
        let project = app.model.name();
        let what =
            if apart { "is one project with this file" } else { "replaces services of this file" };
        out.app(at, format!("`{file}` {what}: both are called `{project}`"));
    }
}
