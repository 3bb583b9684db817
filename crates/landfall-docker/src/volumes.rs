//! Volumes. An existing one is never changed, and only a release's own is ever removed.

use bollard::models::{Volume, VolumeCreateRequest};
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};
use landfall_core::id::AppName;
use landfall_core::label::Scope;
use landfall_deploy::ports::{EngineError, FoundVolume, VolumeRequest};

use crate::client::{DockerEngine, LONG};
use crate::containers::app_filter;
use crate::error::{conflict, none_if_missing, not_found};
use crate::{map, name};

impl DockerEngine {
    pub(crate) async fn find_volumes(
        &self,
        app: &AppName,
    ) -> Result<Vec<FoundVolume>, EngineError> {
        let filters = app_filter(app);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let list = self.ask(self.docker().await?.list_volumes(Some(options))).await?;
        let ours = |volume: Volume| {
            let labels = map::our_labels(Some(&volume.labels))?;
            Some(FoundVolume { name: volume.name, labels })
        };
        let mut found: Vec<_> = list.volumes.into_iter().flatten().filter_map(ours).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    async fn volume(&self, volume: &str) -> Result<Option<Volume>, EngineError> {
        let docker = self.docker().await?;
        none_if_missing(self.ask(docker.inspect_volume(name::object(volume)?)).await)
    }

    pub(crate) async fn make_volume(&self, request: &VolumeRequest) -> Result<(), EngineError> {
        if self.volume(&request.name).await?.is_some() {
            return Ok(());
        }
        if request.spec.external {
            return Err(not_found(format!(
                "external volume {} does not exist, and is not landfall's to make",
                request.name
            )));
        }
        let body = VolumeCreateRequest {
            name: Some(request.name.clone()),
            driver: request.spec.driver.clone(),
            driver_opts: Some(request.spec.driver_opts.clone().into_iter().collect()),
            labels: Some(map::labels(&request.labels, &request.spec.labels)),
            cluster_volume_spec: None,
        };
        self.change(LONG, self.docker().await?.create_volume(body)).await?;
        // The engine also answers "created" for one that somebody else made first. That one is left
        // as it is; what counts is that there is one.
        match self.volume(&request.name).await? {
            Some(_) => Ok(()),
            None => Err(not_found(format!("volume {} is gone again", request.name))),
        }
    }

    pub(crate) async fn delete_volume(&self, volume: &str) -> Result<(), EngineError> {
        let Some(seen) = self.volume(volume).await? else { return Ok(()) };
        match map::our_labels(Some(&seen.labels)).map(|labels| labels.scope) {
            Some(Scope::Release) => {}
            Some(Scope::App) => {
                return Err(conflict(format!("volume {volume} is data: it is never removed")));
            }
            None => {
                return Err(conflict(format!("volume {volume} is not landfall's to remove")));
            }
        }
        let options = RemoveVolumeOptionsBuilder::new().build();
        let remove = self.docker().await?;
        let removed = self.change(LONG, remove.remove_volume(volume, Some(options))).await;
        none_if_missing(removed).map(drop)
    }
}
