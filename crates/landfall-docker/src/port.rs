//! The port itself: each call, and where it is done.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_core::gate::Probe;
use landfall_core::id::{AppName, ImageId};
use landfall_core::plan::Attachment;
use landfall_core::spec::Hook;
use landfall_deploy::ports::{
    ContainerRequest, Engine, EngineError, FoundContainer, FoundNetwork, FoundVolume,
    NetworkRequest, ReplicaStatus, Selector, VolumeRequest,
};

use crate::client::DockerEngine;
use crate::seen::replica_status;

impl Engine for DockerEngine {
    async fn containers(&self, selector: &Selector) -> Result<Vec<FoundContainer>, EngineError> {
        self.find_containers(selector).await
    }

    async fn status(&self, container: &str) -> Result<Option<ReplicaStatus>, EngineError> {
        Ok(self.inspect(container).await?.as_ref().map(replica_status))
    }

    async fn create(&self, request: &ContainerRequest) -> Result<String, EngineError> {
        self.create_container(request).await
    }

    async fn start(&self, container: &str) -> Result<(), EngineError> {
        self.start_container(container).await
    }

    async fn run_hooks(
        &self,
        container: &str,
        hooks: &[Hook],
        limit: Duration,
    ) -> Result<Result<(), String>, EngineError> {
        self.do_hooks(container, hooks, limit).await
    }

    async fn stop(&self, container: &str, grace: Duration) -> Result<(), EngineError> {
        self.stop_container(container, grace).await
    }

    async fn remove(&self, container: &str) -> Result<(), EngineError> {
        self.remove_container(container).await
    }

    async fn probe(
        &self,
        container: &str,
        address: Option<Ipv4Addr>,
        probe: &Probe,
    ) -> Result<Result<(), String>, EngineError> {
        self.ask_replica(container, address, probe).await
    }

    async fn last_logs(&self, container: &str, lines: usize) -> Result<Vec<String>, EngineError> {
        self.tail(container, lines).await
    }

    async fn networks(&self, app: &AppName) -> Result<Vec<FoundNetwork>, EngineError> {
        self.find_networks(app).await
    }

    async fn create_network(&self, request: &NetworkRequest) -> Result<(), EngineError> {
        self.make_network(request).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        self.delete_network(name).await
    }

    async fn connect(&self, container: &str, attachment: &Attachment) -> Result<(), EngineError> {
        self.join(container, attachment).await
    }

    async fn disconnect(&self, container: &str, network: &str) -> Result<(), EngineError> {
        self.leave(container, network).await
    }

    async fn volumes(&self, app: &AppName) -> Result<Vec<FoundVolume>, EngineError> {
        self.find_volumes(app).await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<(), EngineError> {
        self.make_volume(request).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.delete_volume(name).await
    }

    async fn tag(&self, image: &ImageId, tag: &str) -> Result<(), EngineError> {
        self.tag_image(image, tag).await
    }

    async fn untag(&self, tag: &str) -> Result<(), EngineError> {
        self.untag_image(tag).await
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        self.tags_of(prefix).await
    }

    async fn subnets(&self) -> Result<Vec<Ipv4Net>, EngineError> {
        self.all_subnets().await
    }
}
