//! What is on the host besides our own: for `landfall check`, which only asks.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptions};
use landfall_core::label::key;
use landfall_deploy::ports::EngineError;

use crate::client::DockerEngine;
use crate::error::none_if_missing;
use crate::name;

/// What is known of an image before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedImage {
    /// Its id, `sha256:…`.
    pub id: String,
    /// `USER`, unless it is empty.
    pub user: Option<String>,
    /// `WORKDIR`, unless it is empty.
    pub workdir: Option<String>,
    /// Size with all layers.
    pub size_bytes: u64,
}

/// A container that runs, whoever started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningContainer {
    /// Its name.
    pub name: String,
    /// Compose project or landfall app.
    pub project: Option<String>,
    /// Its service.
    pub service: Option<String>,
    /// The reference that it was made of.
    pub image: String,
    /// The image that it runs.
    pub image_id: String,
    /// Host ports that it has: port and protocol.
    pub ports: Vec<(u16, String)>,
}

/// A container that carries a label of ours, whatever the others say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledContainer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// It runs.
    pub running: bool,
    /// All of its labels.
    pub labels: BTreeMap<String, String>,
}

impl DockerEngine {
    /// Every container of any app, running or not, by name.
    pub async fn labelled(&self) -> Result<Vec<LabelledContainer>, EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![key::APP.to_owned()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let all = self.ask(self.docker().await?.list_containers(Some(options))).await?;
        let mut found: Vec<_> = all.into_iter().filter_map(labelled).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// An image by reference; `None` when the engine has no such image.
    pub async fn image_facts(&self, reference: &str) -> Result<Option<SurveyedImage>, EngineError> {
        // What a person wrote may be no reference at all; then there is no such image either.
        let Ok(reference) = name::image(reference) else { return Ok(None) };
        let docker = self.docker().await?;
        let Some(seen) = none_if_missing(self.ask(docker.inspect_image(reference)).await)? else {
            return Ok(None);
        };
        let config = seen.config.unwrap_or_default();
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Some(SurveyedImage {
            id: seen.id.unwrap_or_default(),
            user: filled(config.user),
            workdir: filled(config.working_dir),
            size_bytes: seen.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        }))
    }

    /// Where a volume of the `local` driver is on the host; `None` when there is no such volume.
    pub async fn volume_root(&self, volume: &str) -> Result<Option<String>, EngineError> {
        let Ok(volume) = name::object(volume) else { return Ok(None) };
        let docker = self.docker().await?;
        let seen = none_if_missing(self.ask(docker.inspect_volume(volume)).await)?;
        Ok(seen.filter(|volume| volume.driver == "local").map(|volume| volume.mountpoint))
    }

    /// Names of all networks.
    pub async fn network_names(&self) -> Result<Vec<String>, EngineError> {
        let docker = self.docker().await?;
        let all = self.ask(docker.list_networks(None::<ListNetworksOptions>)).await?;
        Ok(all.into_iter().filter_map(|network| network.name).collect())
    }

    /// All running containers.
    pub async fn running(&self) -> Result<Vec<RunningContainer>, EngineError> {
        let options = ListContainersOptionsBuilder::new().build();
        let all = self.ask(self.docker().await?.list_containers(Some(options))).await?;
        Ok(all.into_iter().map(running).collect())
    }
}

fn labelled(seen: ContainerSummary) -> Option<LabelledContainer> {
    let name = seen.names.as_ref().and_then(|names| names.first())?;
    Some(LabelledContainer {
        name: name.trim_start_matches('/').to_owned(),
        running: seen.state == Some(ContainerSummaryStateEnum::RUNNING),
        labels: seen.labels.unwrap_or_default().into_iter().collect(),
        id: seen.id?,
    })
}

fn running(seen: ContainerSummary) -> RunningContainer {
    let labels = seen.labels.unwrap_or_default();
    let label = |names: [&str; 2]| names.iter().find_map(|name| labels.get(*name).cloned());
    let names = seen.names.unwrap_or_default();
    let mut ports: Vec<(u16, String)> = seen
        .ports
        .unwrap_or_default()
        .into_iter()
        .filter_map(|port| {
            let protocol = port.typ.map_or_else(|| "tcp".to_owned(), |typ| typ.to_string());
            Some((port.public_port?, protocol))
        })
        .collect();
    ports.sort();
    // An engine lists a port for IPv4 and for IPv6.
    ports.dedup();
    RunningContainer {
        name: names.first().map(|n| n.trim_start_matches('/').to_owned()).unwrap_or_default(),
        project: label([key::APP, "com.docker.compose.project"]),
        service: label([key::SERVICE, "com.docker.compose.service"]),
        image: seen.image.unwrap_or_default(),
        image_id: seen.image_id.unwrap_or_default(),
        ports,
    }
}
