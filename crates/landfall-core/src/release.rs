//! A release: the resolved spec with its images pinned, under one hash. Rolling back restores it all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hash::hash_json;
use crate::id::{AppName, ImageId, ReleaseNumber, Revision, ServiceName};
use crate::spec::{AppSpec, Healthcheck, MountKind, VolumeScope};

/// A numbered, sealed record of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub number: ReleaseNumber,
    /// What was asked for.
    pub spec: AppSpec,
    /// The image of each service, as the engine had it when the release was sealed.
    pub images: BTreeMap<ServiceName, SealedImage>,
    /// Hash over `spec` and `images`: equal hashes behave equally.
    pub hash: String,
}

/// What a release needs to know of an image, so that it never asks again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedImage {
    /// Content address at the engine.
    pub id: ImageId,
    /// TCP ports the image exposes.
    pub exposed: Vec<u16>,
    /// The image's own health check.
    pub healthcheck: Option<Healthcheck>,
    /// Paths the image declares as volumes.
    pub volumes: Vec<String>,
}

/// A service without a sealed image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service {0} has no sealed image")]
pub struct Unsealed(pub ServiceName);

impl Release {
    /// Seals a spec with its images.
    pub fn seal(
        number: ReleaseNumber,
        spec: AppSpec,
        images: BTreeMap<ServiceName, SealedImage>,
    ) -> Result<Self, Unsealed> {
        if let Some(name) = spec.services.keys().find(|name| !images.contains_key(name)) {
            return Err(Unsealed(name.clone()));
        }
        let hash = hash_json(&(&spec, &images));
        Ok(Self { number, spec, images, hash })
    }

    /// The app.
    pub fn app(&self) -> &AppName {
        &self.spec.name
    }

    /// The revision of one service: its own spec, its image, and the content and volumes it mounts.
    pub fn revision(&self, name: &ServiceName) -> Option<Revision> {
        let service = self.spec.services.get(name)?;
        let mounted: Vec<_> = service
            .container
            .mounts
            .iter()
            .map(|mount| match &mount.kind {
                MountKind::Sealed { tree } => hash_json(&self.spec.files.get(tree)),
                MountKind::Volume { volume, .. } => hash_json(&self.spec.volumes.get(volume)),
                MountKind::AnonymousVolume | MountKind::Bind { .. } | MountKind::Tmpfs { .. } => {
                    String::new()
                }
            })
            .collect();
        // Dependencies say when a service starts, not what it is.
        let mut own = service.clone();
        own.depends_on.clear();
        Some(Revision(hash_json(&(own, self.images.get(name), mounted))))
    }

    /// Whether a volume is made anew for each release.
    pub fn is_release_scoped(&self, volume: &crate::id::Key) -> bool {
        self.spec.volumes.get(volume).is_some_and(|v| v.scope == VolumeScope::Release)
    }
}
