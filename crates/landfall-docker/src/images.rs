//! Images: what a release must know of one, and the tags that keep it.

use bollard::query_parameters::{
    ListImagesOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use landfall_core::id::ImageId;
use landfall_core::release::SealedImage;
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::client::{DockerEngine, LONG};
use crate::error::none_if_missing;
use crate::{map, name};

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// What a release seals of it.
    pub sealed: SealedImage,
    /// Where it came from: `repository@sha256:…`; empty for an image built here.
    pub repo_digests: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// For example `linux/amd64`.
    pub platform: String,
    /// Size with all layers.
    pub size_bytes: u64,
}

impl DockerEngine {
    /// An image by reference or id; `None` when the engine has no such image.
    pub async fn image(&self, reference: &str) -> Result<Option<FoundImage>, EngineError> {
        let docker = self.docker().await?;
        let seen = self.ask(docker.inspect_image(name::image(reference)?)).await;
        Ok(none_if_missing(seen)?.map(found))
    }

    pub(crate) async fn image_entrypoint(
        &self,
        image: &str,
    ) -> Result<Option<Vec<String>>, EngineError> {
        let docker = self.docker().await?;
        let seen = self.ask(docker.inspect_image(name::image(image)?)).await?;
        Ok(seen.config.and_then(|config| config.entrypoint).filter(|argv| !argv.is_empty()))
    }

    pub(crate) async fn tag_image(&self, image: &ImageId, tag: &str) -> Result<(), EngineError> {
        let (repo, version) = name::repository_and_tag(name::image(tag)?);
        let options =
            TagImageOptionsBuilder::new().repo(repo).tag(version.unwrap_or("latest")).build();
        let docker = self.docker().await?;
        self.change(LONG, docker.tag_image(name::image(&image.0)?, Some(options))).await
    }

    pub(crate) async fn untag_image(&self, tag: &str) -> Result<(), EngineError> {
        let options = RemoveImageOptionsBuilder::new().build();
        let docker = self.docker().await?;
        let remove = docker.remove_image(name::image(tag)?, Some(options), None);
        match self.change(LONG, remove).await {
            Ok(_) => Ok(()),
            // In use: the engine keeps the image and its last tag.
            Err(e) if matches!(e.kind, EngineErrorKind::NotFound | EngineErrorKind::Conflict) => {
                Ok(())
            }
            Err(e) => Err(e),
        }
    }

    pub(crate) async fn tags_of(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        let options = ListImagesOptionsBuilder::new().build();
        let images = self.ask(self.docker().await?.list_images(Some(options))).await?;
        let tags = images.into_iter().flat_map(|image| image.repo_tags);
        let mut tags: Vec<_> = tags.filter(|tag| tag.starts_with(prefix)).collect();
        tags.sort();
        tags.dedup();
        Ok(tags)
    }
}

fn found(seen: bollard::models::ImageInspect) -> FoundImage {
    let config = seen.config.unwrap_or_default();
    let tcp = |port: String| match port.split_once('/') {
        Some((number, "tcp")) => number.parse().ok(),
        Some(_) => None,
        None => port.parse().ok(),
    };
    let mut exposed: Vec<u16> =
        config.exposed_ports.unwrap_or_default().into_iter().filter_map(tcp).collect();
    exposed.sort_unstable();
    let mut volumes = config.volumes.unwrap_or_default();
    volumes.sort();
    let parts = [seen.os, seen.architecture, seen.variant];
    let platform: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    FoundImage {
        sealed: SealedImage {
            id: ImageId(seen.id.unwrap_or_default()),
            exposed,
            healthcheck: config.healthcheck.as_ref().and_then(map::to_spec),
            volumes,
        },
        repo_digests: seen.repo_digests.unwrap_or_default(),
        tags: seen.repo_tags.unwrap_or_default(),
        platform: platform.join("/"),
        size_bytes: seen.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use landfall_core::spec::HealthTest;

    use super::*;

    #[test]
    fn what_a_release_seals_is_sorted_so_that_its_hash_is_stable() {
        let seen = serde_json::from_value(serde_json::json!({
            "Id": "sha256:0f3a",
            "Os": "linux", "Architecture": "arm64", "Variant": "v8", "Size": 7,
            "RepoTags": ["a:1"], "RepoDigests": ["a@sha256:1b2c"],
            "Config": {
                "ExposedPorts": { "8080/tcp": {}, "53/udp": {}, "80/tcp": {} },
                "Volumes": { "/b": {}, "/a": {} },
                "Healthcheck": { "Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000_i64 },
            },
        }))
        .unwrap();
        let found = found(seen);
        assert_eq!(found.sealed.exposed, [80, 8080]);
        assert_eq!(found.sealed.volumes, ["/a", "/b"]);
        assert_eq!(found.platform, "linux/arm64/v8");
        let check = found.sealed.healthcheck.unwrap();
        assert_eq!((check.test, check.interval_ms), (HealthTest::Shell("true".into()), Some(5000)));
    }
}
