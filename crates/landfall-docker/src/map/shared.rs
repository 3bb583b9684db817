//! What a container shares with the host or with other containers.

use std::str::FromStr as _;

use bollard::models::{HostConfig, HostConfigCgroupnsModeEnum};
use landfall_core::id::ServiceName;
use landfall_core::spec::Namespace;
use landfall_deploy::ports::{ContainerRequest, EngineError};

use crate::error::invalid;
use crate::name;

/// Adds the namespaces. Without one of its own or of others, the first network is the network mode.
pub(super) fn namespaces(
    request: &ContainerRequest,
    base: HostConfig,
) -> Result<HostConfig, EngineError> {
    let wanted = &request.container.namespaces;
    let mode = |namespace: &Option<Namespace>| {
        namespace.as_ref().map(|namespace| mode(request, namespace)).transpose()
    };
    let own = request.attachments.first().map_or("none", |first| first.network.as_str());
    let cgroup = wanted.cgroup.as_deref().map(|word| {
        HostConfigCgroupnsModeEnum::from_str(word)
            .map_err(|_| invalid(format!("{word:?} is no cgroup namespace the engine has")))
    });
    Ok(HostConfig {
        network_mode: Some(mode(&wanted.network)?.unwrap_or_else(|| own.to_owned())),
        pid_mode: mode(&wanted.pid)?,
        ipc_mode: mode(&wanted.ipc)?,
        uts_mode: wanted.uts_host.then(|| "host".to_owned()),
        userns_mode: wanted.user.clone(),
        cgroupns_mode: cgroup.transpose()?,
        ..base
    })
}

/// `volumes_from`, by container.
pub(super) fn volumes_from(request: &ContainerRequest) -> Result<Vec<String>, EngineError> {
    let all = request.container.volumes_from.iter().map(|from| {
        let container = match &from.from {
            Namespace::Service(service) => peer(request, service)?,
            Namespace::Container(container) => name::object(container)?,
            Namespace::Host | Namespace::Private | Namespace::Shareable | Namespace::None => {
                return Err(invalid("volumes come from a service or a container".to_owned()));
            }
        };
        let access = if from.read_only { "ro" } else { "rw" };
        Ok(format!("{container}:{access}"))
    });
    all.collect()
}

fn mode(request: &ContainerRequest, namespace: &Namespace) -> Result<String, EngineError> {
    Ok(match namespace {
        Namespace::Host => "host".to_owned(),
        Namespace::Private => "private".to_owned(),
        Namespace::Shareable => "shareable".to_owned(),
        Namespace::None => "none".to_owned(),
        Namespace::Service(service) => format!("container:{}", peer(request, service)?),
        Namespace::Container(container) => format!("container:{}", name::object(container)?),
    })
}

fn peer<'r>(request: &'r ContainerRequest, service: &ServiceName) -> Result<&'r str, EngineError> {
    let container = request.peers.get(service).map(String::as_str);
    let container = container
        .ok_or_else(|| invalid(format!("no container of service {service} is planned")))?;
    name::object(container)
}
