//! What is mounted: named volumes, host paths, memory, and content sealed into the release.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_core::id::Key;
use landfall_core::spec::{
    AppSpec, Mount, MountKind, Recursive, Relabel, VolumeScope, VolumeSpec, Workload,
};

use super::Scene;
use super::seal::{Dress, Sealer};
use crate::decode::{Grant, Material, MaterialSource, ServiceDraft};
use crate::locate::clean;
use crate::report::Code;
use crate::short::volume::{Kind, Volume};
use crate::source::{Span, Spanned};

/// Collects volumes and sealed files over all services.
#[derive(Default)]
pub(super) struct Mounts {
    sealer: Sealer,
    used: BTreeMap<Key, Span>,
    /// Volumes of stateful services, with the place where they are mounted.
    stateful: BTreeMap<Key, Span>,
}

impl Mounts {
    /// The mounts of one service.
    pub(super) fn of_service(
        &mut self,
        scene: &mut Scene<'_>,
        service: &ServiceDraft,
        workload: Workload,
    ) -> Vec<Mount> {
        let mut mounts = Vec::new();
        for volume in &service.volumes {
            let relabel = relabel(volume, workload);
            let kind = match volume.value.kind {
                Kind::Tmpfs => Some(MountKind::Tmpfs {
                    size_bytes: volume.value.size_bytes,
                    mode: volume.value.mode,
                    options: volume.value.options.clone(),
                }),
                Kind::Volume => self.named(scene, volume, workload),
                Kind::Bind => self.bind(scene, volume, relabel),
                Kind::Image => Some(image(scene, volume)),
            };
            let Some(kind) = kind else { continue };
            mounts.push(Mount {
                target: target(&volume.value.target),
                kind,
                read_only: volume.value.read_only,
            });
        }
        for (grants, what, defined) in [
            (&service.configs, "config", &scene.draft.configs),
            (&service.secrets, "secret", &scene.draft.secrets),
        ] {
            for grant in grants {
                mounts.extend(self.grant(scene, grant, what, defined));
            }
        }
        mounts
    }

    fn named(
        &mut self,
        scene: &mut Scene<'_>,
        volume: &Spanned<Volume>,
        workload: Workload,
    ) -> Option<MountKind> {
        let labels = volume.value.labels.clone();
        let Some(source) = &volume.value.source else {
            return Some(MountKind::AnonymousVolume { labels });
        };
        if !labels.is_empty() {
            let message = "`labels` of this mount are ignored: the volume has a name";
            scene
                .report
                .warning(Code::Ignored, volume.span, message)
                .hint("write labels where the volume is defined");
        }
        let key = source.parse::<Key>().ok();
        let Some(key) = key.filter(|key| scene.draft.volumes.contains_key(key)) else {
            let known = scene.draft.volumes.keys().map(Key::as_str);
            scene
                .report
                .error(Code::Undefined, volume.span, format!("there is no volume `{source}`"))
                .hint(format!("define it under `volumes:`, or write `./{source}` for a folder"))
                .suggest(source, known);
            return None;
        };
        self.used.insert(key.clone(), volume.span);
        if workload == Workload::Stateful {
            self.stateful.insert(key.clone(), volume.span);
        }
        let (nocopy, subpath) = (volume.value.nocopy, volume.value.subpath.clone());
        Some(MountKind::Volume { volume: key, nocopy, subpath })
    }

    fn bind(
        &mut self,
        scene: &mut Scene<'_>,
        volume: &Spanned<Volume>,
        relabel: Option<Relabel>,
    ) -> Option<MountKind> {
        let written = volume.value.source.clone().unwrap_or_default();
        let path = absolute(scene, &written, volume.span)?;
        let live = MountKind::Bind {
            source: path.to_string_lossy().into_owned(),
            create_host_path: volume.value.create_host_path,
            propagation: volume.value.propagation.clone(),
            relabel,
            recursive: volume.value.recursive,
        };
        let ours = written.starts_with('.') || path.starts_with(scene.around.project_dir);
        let as_it_is =
            volume.value.propagation.is_some() || volume.value.recursive != Recursive::Enabled;
        if !volume.value.read_only || !ours || as_it_is {
            return on_its_host(scene, live, &written, volume.span);
        }
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() || found.is_dir() => {
                let id = self.sealer.path(scene, &path, &written, volume.span)?;
                Some(MountKind::Sealed { tree: id, relabel })
            }
            // A socket or a device is no content.
            Ok(_) => on_its_host(scene, live, &written, volume.span),
            Err(_) => {
                scene
                    .report
                    .error(
                        Code::SourceMissing,
                        volume.span,
                        format!("there is no file or folder `{}`", shown(scene, &path)),
                    )
                    .hint("a read-only bind is sealed into the release, so it must exist");
                None
            }
        }
    }

    fn grant(
        &mut self,
        scene: &mut Scene<'_>,
        grant: &Spanned<Grant>,
        what: &str,
        defined: &BTreeMap<Key, (Span, Material)>,
    ) -> Option<Mount> {
        let source = &grant.value.source;
        let found = source.parse::<Key>().ok().and_then(|key| defined.get(&key));
        let Some((_, material)) = found else {
            scene
                .report
                .error(Code::Undefined, grant.span, format!("there is no {what} `{source}`"))
                .hint(format!("define it under `{what}s:` at the top of the file"))
                .suggest(source, defined.keys().map(Key::as_str));
            return None;
        };
        let dress = Dress {
            mode: grant.value.mode.unwrap_or(0o444),
            uid: grant.value.uid,
            gid: grant.value.gid,
        };
        let label = format!("{what}-{source}");
        let id = match material.from.as_ref()? {
            MaterialSource::Content(text) => {
                self.sealer.content(scene, &label, text.as_bytes(), dress, grant.span)
            }
            MaterialSource::Environment(name) => {
                let Some(value) = scene.around.environment.get(&name.value) else {
                    let message =
                        format!("the variable `{}` of this {what} is not set", name.value);
                    scene.report.error(Code::VariableRequired, name.span, message);
                    return None;
                };
                self.sealer.content(scene, &label, value.as_bytes(), dress, grant.span)
            }
            MaterialSource::File(file) => {
                let path = absolute(scene, &file.value, file.span)?;
                self.sealer.file(scene, &label, &path, dress, file.span)
            }
        }?;
        let kind = MountKind::Sealed { tree: id, relabel: None };
        Some(Mount { target: target(&grant.value.target), kind, read_only: true })
    }

    /// Adds what was collected to the spec.
    pub(super) fn finish(self, scene: &mut Scene<'_>, spec: &mut AppSpec) {
        spec.files = self.sealer.trees;
        for key in self.used.keys() {
            let Some((_, draft)) = scene.draft.volumes.get(key) else { continue };
            let scope = draft.scope.as_ref().map_or(VolumeScope::App, |scope| scope.value);
            if let (VolumeScope::Release, Some(scope)) = (scope, &draft.scope) {
                if let Some(at) = self.stateful.get(key) {
                    let message = format!("`{key}` would lose its data with every release");
                    scene
                        .report
                        .error(Code::Contradiction, scope.span, message)
                        .related(*at, "a stateful service keeps its data in it");
                }
                if let Some(external) = draft.external {
                    let message =
                        format!("`{key}` is external, so it cannot be made for a release");
                    scene
                        .report
                        .error(Code::Contradiction, scope.span, message)
                        .related(external, "it is external");
                }
            }
            let default = match draft.external {
                Some(_) => key.to_string(),
                None => format!("{}_{key}", scene.around.name),
            };
            let driver = draft.driver.as_ref().map(|driver| driver.value.clone());
            spec.volumes.insert(
                key.clone(),
                VolumeSpec {
                    name: draft.name.clone().unwrap_or(default),
                    external: draft.external.is_some(),
                    scope,
                    driver: driver.filter(|driver| driver != "local" && !driver.is_empty()),
                    driver_opts: draft.driver_opts.clone(),
                    labels: draft.labels.clone(),
                },
            );
        }
    }
}

/// What is mounted as it is must be there where the app runs: a path that starts at this machine's
/// project or home means nothing on another host.
fn on_its_host(
    scene: &mut Scene<'_>,
    live: MountKind,
    written: &str,
    at: Span,
) -> Option<MountKind> {
    if !scene.around.is_for_another_host || written.starts_with('/') {
        return Some(live);
    }
    let message =
        format!("`{written}` starts at a folder of this machine, and the app runs on another");
    scene.report.error(Code::SourceMissing, at, message).hint(
        "for data, use a named volume or the absolute path that it has there; what the app only \
             reads travels along if it is mounted read-only",
    );
    None
}

/// A label of its own would take a bind away from the release that runs beside.
fn relabel(volume: &Spanned<Volume>, workload: Workload) -> Option<Relabel> {
    match (volume.value.relabel, workload) {
        (Some(Relabel::Private), Workload::Stateful) => Some(Relabel::Private),
        (Some(_), _) => Some(Relabel::Shared),
        (None, _) => None,
    }
}

/// The files of an image. It is named, not sealed: the engine must have it.
fn image(scene: &mut Scene<'_>, volume: &Spanned<Volume>) -> MountKind {
    let image = volume.value.source.clone().unwrap_or_default();
    if !image.contains("@sha256:") {
        let message = "this image is mounted as the engine has it, and not sealed";
        scene
            .report
            .warning(Code::Differently, volume.span, message)
            .hint("pull it before a deploy, and name it with its digest to keep it for going back");
    }
    MountKind::Image { image, subpath: volume.value.subpath.clone() }
}

/// The path inside, without a slash at its end.
fn target(written: &str) -> String {
    clean(Path::new(written)).to_string_lossy().into_owned()
}

/// A path of the host: relative to the project, `~` for the user's home.
fn absolute(scene: &mut Scene<'_>, written: &str, at: Span) -> Option<PathBuf> {
    let Some(rest) = written.strip_prefix('~') else {
        return Some(clean(&scene.around.project_dir.join(written)));
    };
    let home = scene.around.environment.filled("HOME");
    match (home, rest) {
        (Some(home), "") => Some(PathBuf::from(home)),
        (Some(home), rest) if rest.starts_with('/') => {
            Some(clean(&Path::new(home).join(&rest[1..])))
        }
        _ => {
            scene
                .report
                .error(Code::InvalidValue, at, "the home folder of this path is not known")
                .hint("write an absolute path");
            None
        }
    }
}

fn shown(scene: &Scene<'_>, path: &Path) -> String {
    crate::locate::shown(path, scene.around.directory)
}
