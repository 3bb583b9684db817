//! A release: the resolved spec with its images pinned, under one hash. Rolling back restores it all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::hash::hash_json;
use crate::id::{AppName, ImageId, ReleaseNumber, Revision, ServiceName};
use crate::spec::{AppSpec, ContainerSpec, Healthcheck, MountKind, NetworkSpec, VolumeScope};

/// Services that live in each other's namespaces, one in the other's.
const PEERS_DEEP_MAX: usize = 16;

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

    /// The revision of one service: its own spec, its image, the content and volumes it mounts, and
    /// whatever it cannot outlive: services it shares namespaces with, networks of the app.
    pub fn revision(&self, name: &ServiceName) -> Option<Revision> {
        self.revision_within(name, PEERS_DEEP_MAX)
    }

    fn revision_within(&self, name: &ServiceName, depth: usize) -> Option<Revision> {
        let service = self.spec.services.get(name)?;
        let mounted: Vec<_> = service
            .container
            .mounts
            .iter()
            .map(|mount| match &mount.kind {
                MountKind::Sealed { tree, .. } => hash_json(&self.spec.files.get(tree)),
                MountKind::Volume { volume, .. } => hash_json(&self.spec.volumes.get(volume)),
                MountKind::AnonymousVolume { .. }
                | MountKind::Bind { .. }
                | MountKind::Tmpfs { .. }
                | MountKind::Image { .. } => String::new(),
            })
            .collect();
        // Dependencies say when a service starts, not what it is.
        let mut own = service.clone();
        own.depends_on.clear();
        let image = self.images.get(name);
        let peers = service.container.peers();
        let held = service.networks.keys().filter_map(|key| self.spec.networks.get(key));
        let held: Vec<String> = held.filter(|n| n.is_held()).map(NetworkSpec::shape).collect();
        if peers.is_empty() && held.is_empty() {
            return Some(Revision(hash_json(&(own, image, mounted))));
        }
        // A circle is refused where files are read; what is stored is not trusted to hold none.
        let depth = depth.checked_sub(1)?;
        let peers: Vec<_> = peers.into_iter().map(|p| self.revision_within(p, depth)).collect();
        Some(Revision(hash_json(&(own, image, mounted, peers, held))))
    }

    /// How deep a service lives within others: what is deeper starts later.
    pub fn depth(&self, name: &ServiceName) -> usize {
        self.surroundings(name, ContainerSpec::peers).len()
    }

    /// Whether a service lives in the namespaces of another, or of one that does.
    pub fn lives_in(&self, name: &ServiceName, other: &ServiceName) -> bool {
        let around = self.surroundings(name, |c| c.namespaces.services().collect());
        around.iter().any(|ring| ring.contains(other))
    }

    /// The services around one, ring by ring from the inside. A circle ends.
    fn surroundings<'r>(
        &'r self,
        name: &'r ServiceName,
        around: impl Fn(&'r ContainerSpec) -> BTreeSet<&'r ServiceName>,
    ) -> Vec<BTreeSet<&'r ServiceName>> {
        let mut rings = Vec::new();
        let mut ring = BTreeSet::from([name]);
        while rings.len() < PEERS_DEEP_MAX {
            let services = ring.iter().filter_map(|name| self.spec.services.get(*name));
            ring = services.flat_map(|service| around(&service.container)).collect();
            if ring.is_empty() {
                break;
            }
            rings.push(ring.clone());
        }
        rings
    }

    /// Whether a volume is made anew for each release.
    pub fn is_release_scoped(&self, volume: &crate::id::Key) -> bool {
        self.spec.volumes.get(volume).is_some_and(|v| v.scope == VolumeScope::Release)
    }
}
