//! The transaction's port, handed through to the Docker client as it is.

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

use super::HostEngine;

/// Hands calls through by name.
macro_rules! hand_through {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Engine for HostEngine {
            $(async fn $call(&self $(, $arg: $type)*) -> Result<$answer, EngineError> {
                Engine::$call(&self.docker $(, $arg)*).await
            })*
        }
    };
}

hand_through! {
    fn containers(selector: &Selector) -> Vec<FoundContainer>;
    fn status(container: &str) -> Option<ReplicaStatus>;
    fn create(request: &ContainerRequest) -> String;
    fn start(container: &str) -> ();
    fn run_hooks(container: &str, hooks: &[Hook], limit: Duration) -> Result<(), String>;
    fn stop(container: &str, grace: Duration) -> ();
    fn remove(container: &str) -> ();
    fn probe(container: &str, address: Option<Ipv4Addr>, probe: &Probe) -> Result<(), String>;
    fn last_logs(container: &str, lines: usize) -> Vec<String>;
    fn networks(app: &AppName) -> Vec<FoundNetwork>;
    fn create_network(request: &NetworkRequest) -> ();
    fn remove_network(name: &str) -> ();
    fn connect(container: &str, attachment: &Attachment) -> ();
    fn disconnect(container: &str, network: &str) -> ();
    fn volumes(app: &AppName) -> Vec<FoundVolume>;
    fn create_volume(request: &VolumeRequest) -> ();
    fn remove_volume(name: &str) -> ();
    fn tag(image: &ImageId, tag: &str) -> ();
    fn untag(tag: &str) -> ();
    fn tags(prefix: &str) -> Vec<String>;
    fn subnets() -> Vec<Ipv4Net>;
}
