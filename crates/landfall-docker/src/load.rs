//! Images that come as a tar instead of from a registry: which layers need not come, and loading.
//!
//! `POST /images/load` answers 200 whatever happens, and with containerd's store even moves a tag to a
//! broken image. So an image is loaded under a tag of its own, looked at, and a container is made of
//! it (never started) before anybody may use it.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, ImageInspect};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ImportImageOptionsBuilder, ListContainersOptionsBuilder,
    ListImagesOptionsBuilder, RemoveContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use landfall_core::id::ImageId;
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::client::{DockerEngine, LONG};
use crate::error::{self, Call, none_if_missing};
use crate::name;

/// Marks the containers that only prove that they can be made.
const PROOF: &str = "landfall.image-proof";
/// Most images that are looked at for layers.
const IMAGES_MAX: usize = 2000;
/// Time for all of it; whoever sends the tar bounds how long it may hang.
const TOTAL_LIMIT: std::time::Duration = std::time::Duration::from_hours(6);

/// Why an image was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The engine does not accept it, or what came of it is not what was wanted.
    #[error("{0}")]
    Refused(String),
    /// The engine's own failure.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl DockerEngine {
    /// How many of these layers the engine has, in this order from the lowest on. With containerd's
    /// store only images with one of the tags that `known` begins count: there, the layers of others
    /// may be kept packed, under other digests.
    pub async fn layers_present(
        &self,
        layers: &[String],
        known: &str,
    ) -> Result<usize, EngineError> {
        let by_content = self.keeps_images_in_containerd().await?;
        let options = ListImagesOptionsBuilder::new().build();
        let docker = self.docker().await?;
        let images = self.ask(docker.list_images(Some(options))).await?;
        let counts = |tags: &[String]| !by_content || tags.iter().any(|tag| tag.starts_with(known));
        let mut most = 0;
        for image in images.iter().filter(|image| counts(&image.repo_tags)).take(IMAGES_MAX) {
            let seen = self.ask(docker.inspect_image(name::image(&image.id)?)).await;
            let Some(seen) = none_if_missing(seen)? else { continue };
            let same = layers_of(&seen).iter().zip(layers).take_while(|(a, b)| a == b).count();
            most = most.max(same);
            if most == layers.len() {
                break;
            }
        }
        Ok(most)
    }

    /// Tags of this beginning whose images have no other tag: without them they would be gone.
    pub async fn lone_tags(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        let options = ListImagesOptionsBuilder::new().build();
        let images = self.ask(self.docker().await?.list_images(Some(options))).await?;
        let lone = images.into_iter().filter_map(|image| match image.repo_tags.as_slice() {
            [tag] if tag.starts_with(prefix) => Some(tag.clone()),
            _ => None,
        });
        Ok(lone.collect())
    }

    /// The layers of an image, lowest first; `None` when the engine has no such image.
    pub async fn layers(&self, reference: &str) -> Result<Option<Vec<String>>, EngineError> {
        let docker = self.docker().await?;
        let seen = self.ask(docker.inspect_image(name::image(reference)?)).await;
        Ok(none_if_missing(seen)?.map(|seen| layers_of(&seen)))
    }

    /// Whether images are kept by containerd, whose ids are those of manifests.
    async fn keeps_images_in_containerd(&self) -> Result<bool, EngineError> {
        let info = self.ask(self.docker().await?.info()).await?;
        let status = info.driver_status.unwrap_or_default();
        Ok(status.iter().flatten().any(|word| word == "io.containerd.snapshotter.v1"))
    }

    /// Everything of an image as a tar, in the engine's own format.
    pub async fn export(
        &self,
        reference: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>, EngineError> {
        let docker = self.docker().await?.clone();
        let reference = name::image(reference)?.to_owned();
        // The stream of bollard borrows its client.
        let (sender, receiver) = tokio::sync::mpsc::channel(16);
        tokio::spawn(async move {
            let mut stream = docker.export_image(&reference).boxed();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|e| error::of(Call::Ask, &e));
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
        });
        Ok(futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        }))
    }

    /// Loads a tar that names its image `tag`, and proves that a container can be made of it. What is
    /// not as it should be is removed again.
    pub async fn load(
        &self,
        tag: &str,
        layers: &[String],
        tar: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<ImageId, LoadError> {
        self.remove_old_proofs().await?;
        let proven = match tokio::time::timeout(TOTAL_LIMIT, self.load_tar(tag, tar)).await {
            Ok(Ok(())) => self.prove(tag, layers).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(error::timeout(Call::Change, TOTAL_LIMIT).into()),
        };
        if proven.is_err() {
            // The tag may point to a broken image now.
            self.untag_image(tag).await?;
        }
        proven
    }

    async fn load_tar(
        &self,
        tag: &str,
        tar: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), LoadError> {
        name::image(tag)?;
        let options = ImportImageOptionsBuilder::new().quiet(true).build();
        let docker = self.docker().await?;
        let body = bollard::body_try_stream(tar);
        let mut said = docker.import_image(options, body, None).boxed();
        while let Some(next) = said.next().await {
            match next {
                Err(bollard::errors::Error::DockerStreamError { error }) => {
                    return Err(LoadError::Refused(error));
                }
                Err(e) => return Err(error::of(Call::Change, &e).into()),
                Ok(info) => {
                    let line = info.stream.unwrap_or_default();
                    if line.starts_with("Error ") {
                        return Err(LoadError::Refused(line.trim_end().to_owned()));
                    }
                }
            }
        }
        Ok(())
    }

    /// That the image under a tag has these layers, and that they can be unpacked.
    async fn prove(&self, tag: &str, layers: &[String]) -> Result<ImageId, LoadError> {
        let docker = self.docker().await?;
        let seen = self.ask(docker.inspect_image(name::image(tag)?)).await;
        let Some(seen) = none_if_missing(seen)? else {
            return Err(LoadError::Refused("the engine has loaded no such image".to_owned()));
        };
        if layers_of(&seen) != layers {
            let message = "the engine has loaded an image of other layers";
            return Err(LoadError::Refused(message.to_owned()));
        }
        let id = seen.id.unwrap_or_default();
        let body = ContainerCreateBody {
            image: Some(id.clone()),
            // Images without a command are fine; a container has to have one.
            cmd: Some(vec!["true".to_owned()]),
            network_disabled: Some(true),
            labels: Some(HashMap::from([(PROOF.to_owned(), "true".to_owned())])),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().build();
        let made = self.change(LONG, docker.create_container(Some(options), body)).await;
        match made {
            Ok(container) => self.remove_proof(&container.id).await?,
            Err(error) => match error.kind {
                EngineErrorKind::Unreachable
                | EngineErrorKind::LostTrack
                | EngineErrorKind::Timeout => return Err(error.into()),
                EngineErrorKind::Conflict
                | EngineErrorKind::PortTaken
                | EngineErrorKind::NotFound
                | EngineErrorKind::Invalid
                | EngineErrorKind::Internal => {
                    let message = format!("no container can be made of it: {}", error.message);
                    return Err(LoadError::Refused(message));
                }
            },
        }
        Ok(ImageId(id))
    }

    async fn remove_proof(&self, container: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let docker = self.docker().await?;
        let remove = docker.remove_container(name::object(container)?, Some(options));
        none_if_missing(self.change(LONG, remove).await).map(drop)
    }

    /// Those of an agent that was killed in between.
    async fn remove_old_proofs(&self) -> Result<(), EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![PROOF.to_owned()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let list = self.ask(self.docker().await?.list_containers(Some(options))).await?;
        for id in list.into_iter().filter_map(|container| container.id) {
            self.remove_proof(&id).await?;
        }
        Ok(())
    }
}

fn layers_of(seen: &ImageInspect) -> Vec<String> {
    seen.root_fs.as_ref().and_then(|fs| fs.layers.clone()).unwrap_or_default()
}
