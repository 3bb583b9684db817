//! Making a container, or adopting by its labels the one that an earlier attempt made.

use bollard::query_parameters::CreateContainerOptionsBuilder;
use landfall_deploy::ports::{ContainerRequest, EngineError, EngineErrorKind};

use crate::client::{DockerEngine, LONG};
use crate::error::{conflict, invalid};
use crate::seen::{is_going, labels_of};
use crate::{map, name, place};

/// A container that is just going may hold its name a moment longer.
const CREATE_ATTEMPTS_MAX: usize = 3;

impl DockerEngine {
    pub(crate) async fn create_container(
        &self,
        request: &ContainerRequest,
    ) -> Result<String, EngineError> {
        let mut body = map::create_body(request)?;
        // A second database would write into the first one's volume.
        self.ours(&request.labels.app).await?;
        let cleared = request.container.command.as_ref().is_some_and(Vec::is_empty);
        if cleared && request.container.entrypoint.is_none() {
            // The engine takes an empty command for none at all, unless an entrypoint stands by it.
            let entrypoint = self.image_entrypoint(&request.image.0).await?;
            let nothing = || invalid("the command is empty and the image has no entrypoint");
            body.entrypoint = Some(entrypoint.ok_or_else(nothing)?);
        }
        for attachment in &request.attachments {
            self.require_network(&attachment.network).await?;
        }
        self.docker().await?;
        map::refuse_unknown(request, self.api_minor())?;
        let options = CreateContainerOptionsBuilder::new()
            .name(name::object(&request.name)?)
            .platform(request.platform.as_deref().unwrap_or_default())
            .build();
        let docker = self.docker().await?;
        let mut attempt = 1;
        let id = loop {
            let create = docker.create_container(Some(options.clone()), body.clone());
            match self.change(LONG, create).await {
                Ok(made) => break made.id,
                Err(error) if error.kind == EngineErrorKind::Conflict => {
                    if let Some(id) = self.adopt(request).await? {
                        break id;
                    }
                    if attempt == CREATE_ATTEMPTS_MAX {
                        return Err(error);
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        for attachment in request.attachments.iter().skip(1) {
            self.join(&id, attachment).await?;
        }
        Ok(id)
    }

    /// The container that has the name already, if it is the one asked for; `None` if there is none.
    async fn adopt(&self, request: &ContainerRequest) -> Result<Option<String>, EngineError> {
        let Some(seen) = self.inspect(&request.name).await? else { return Ok(None) };
        let labels = map::our_labels(labels_of(&seen));
        if labels.as_ref() != Some(&request.labels) {
            let whose = match labels {
                Some(labels) => format!("rollout {} of {}", labels.rollout, labels.app),
                None => "something that landfall did not make".to_owned(),
            };
            return Err(conflict(format!("container name {} is taken by {whose}", request.name)));
        }
        if is_going(&seen) {
            self.until_gone(&request.name).await?;
            return Ok(None);
        }
        if place::is_half_made(&seen) {
            // Started as it is, it would have neither its address nor its names.
            tracing::warn!(container = request.name, "half made by the engine: removed");
            Box::pin(self.remove_container(&request.name)).await?;
            return Ok(None);
        }
        Ok(seen.id)
    }
}
