//! A close look: what a container was made of, and what the engine has of ours. It only asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerInspectResponse, RestartPolicyNameEnum};
use bollard::query_parameters::ListContainersOptionsBuilder;
use landfall_core::id::AppName;
use landfall_core::label::key;
use landfall_core::secret::Secret;
use landfall_deploy::ports::EngineError;

use crate::client::DockerEngine;
use crate::timestamp;

/// What a container was made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenContainer {
    /// The image that it runs.
    pub image: String,
    /// It runs again after the engine stopped.
    pub restarts: bool,
    /// Frozen.
    pub paused: bool,
    /// Its variables, the image's included.
    pub environment: BTreeMap<String, Secret<String>>,
    /// What is mounted at each path inside: a volume's name, or a host path.
    pub mounts: BTreeMap<String, String>,
    /// Host port and container port of each that the engine publishes.
    pub ports: Vec<(u16, u16)>,
}

/// What the engine says of itself and of us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Where its data is, on the host.
    pub root_dir: String,
    /// For example `overlay2`.
    pub storage_driver: String,
    /// Its clock, in milliseconds since 1970.
    pub now_ms: Option<u64>,
    /// Apps that a container of ours is of.
    pub apps: BTreeSet<AppName>,
}

impl DockerEngine {
    /// One container by exact name or whole id; `None` when there is none.
    pub async fn look(&self, container: &str) -> Result<Option<SeenContainer>, EngineError> {
        Ok(self.inspect(container).await?.map(seen))
    }

    /// The engine's own facts, and the apps that it has containers of.
    pub async fn facts(&self) -> Result<Facts, EngineError> {
        let docker = self.docker().await?;
        let info = self.ask(docker.info()).await?;
        let ours = HashMap::from([("label".to_owned(), vec![key::APP.to_owned()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&ours).build();
        let all = self.ask(docker.list_containers(Some(options))).await?;
        let app = |labels: HashMap<String, String>| labels.get(key::APP)?.parse().ok();
        Ok(Facts {
            root_dir: info.docker_root_dir.unwrap_or_default(),
            storage_driver: info.driver.unwrap_or_default(),
            now_ms: info.system_time.as_deref().and_then(timestamp::parse),
            apps: all.into_iter().filter_map(|container| app(container.labels?)).collect(),
        })
    }
}

fn seen(container: ContainerInspectResponse) -> SeenContainer {
    let host = container.host_config.unwrap_or_default();
    let policy = host.restart_policy.and_then(|policy| policy.name);
    let variables = container.config.and_then(|config| config.env).unwrap_or_default();
    let split = |line: String| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), Secret::new(value.to_owned())))
    };
    let mounts = container.mounts.unwrap_or_default().into_iter().filter_map(|mount| {
        let is_volume = mount.typ.as_deref() == Some("volume");
        let source = if is_volume { mount.name } else { mount.source };
        Some((mount.destination?, source?))
    });
    let mut ports = Vec::new();
    for (inside, bindings) in host.port_bindings.unwrap_or_default() {
        let inside = inside.split('/').next().and_then(|port| port.parse::<u16>().ok());
        let bindings = bindings.into_iter().flatten();
        let outside = bindings.filter_map(|binding| binding.host_port?.parse::<u16>().ok());
        ports.extend(outside.filter_map(|outside| Some((outside, inside?))));
    }
    ports.sort_unstable();
    SeenContainer {
        image: container.image.unwrap_or_default(),
        restarts: policy == Some(RestartPolicyNameEnum::ALWAYS),
        paused: container.state.and_then(|state| state.paused).unwrap_or(false),
        environment: variables.into_iter().filter_map(split).collect(),
        mounts: mounts.collect(),
        ports,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_tells_is_put_into_our_words() {
        let told = r#"{
            "Image": "sha256:ab",
            "State": {"Paused": true},
            "Config": {"Env": ["A=1=2", "PATH=/bin", "BROKEN"]},
            "HostConfig": {
                "RestartPolicy": {"Name": "always"},
                "PortBindings": {"5432/tcp": [{"HostIp": "", "HostPort": "15432"}], "80/tcp": null}
            },
            "Mounts": [
                {"Type": "volume", "Name": "shop_data", "Source": "/x", "Destination": "/data"},
                {"Type": "bind", "Source": "/srv/conf", "Destination": "/etc/conf"}
            ]
        }"#;
        let seen = seen(serde_json::from_str(told).unwrap());
        assert!(seen.restarts && seen.paused && seen.image == "sha256:ab");
        assert_eq!(seen.environment["A"].expose(), "1=2");
        assert_eq!(seen.environment.len(), 2);
        assert_eq!(
            (&*seen.mounts["/data"], &*seen.mounts["/etc/conf"]),
            ("shop_data", "/srv/conf")
        );
        assert_eq!(seen.ports, [(15432, 5432)]);
    }
}
