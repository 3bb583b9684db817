//! A service's environment and labels with the files that add to them.

use std::collections::BTreeMap;

use landfall_core::secret::Secret;

use super::Scene;
use crate::decode::ServiceDraft;
use crate::env::{Format, read_file};
use crate::locate::{clean, shown};
use crate::source::{Span, Spanned};

/// The environment: files first, later ones over earlier ones, then what the service says.
pub(super) fn environment(
    scene: &mut Scene<'_>,
    service: &ServiceDraft,
) -> BTreeMap<String, Secret<String>> {
    let mut variables = BTreeMap::new();
    for file in &service.env_files {
        let path = clean(&scene.around.project_dir.join(&file.path.value));
        if file.required || path.exists() {
            read(scene, &file.path, file.format, &service.environment, &mut variables);
        }
    }
    for (name, value) in &service.environment {
        match value {
            Some(value) => variables.insert(name.clone(), value.clone()),
            // Named without a value, and the shell has none either: that is what counts, as in
            // Compose, even over a file.
            None => variables.remove(name),
        };
    }
    variables.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}

/// The labels: files first, then what the service says.
pub(super) fn labels(scene: &mut Scene<'_>, service: &ServiceDraft) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for file in &service.label_files {
        read(scene, file, Format::Dotenv, &BTreeMap::new(), &mut labels);
    }
    labels.extend(service.container.labels.clone());
    labels
}

fn read(
    scene: &mut Scene<'_>,
    file: &Spanned<String>,
    format: Format,
    own: &BTreeMap<String, Option<String>>,
    variables: &mut BTreeMap<String, String>,
) {
    let path = clean(&scene.around.project_dir.join(&file.value));
    let name = shown(&path, scene.around.directory);
    let environment = scene.around.environment;
    let set = |name: &str| {
        let outer = environment.get(name).map(str::to_owned);
        outer.or_else(|| own.get(name).cloned().flatten())
    };
    let wanted_by: Option<Span> = Some(file.span);
    read_file(&path, &name, wanted_by, format, &set, variables, scene.report);
}
