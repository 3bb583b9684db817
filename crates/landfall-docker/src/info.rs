//! What the engine is, for `doctor` and for messages.

use landfall_deploy::ports::EngineError;

use crate::client::DockerEngine;

/// The engine in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// For example `20.10.24`.
    pub version: String,
    /// Newest API it speaks, for example `1.41`.
    pub api_version: String,
    /// API that we speak with it.
    pub api_pinned: String,
    /// For example `overlay2`.
    pub storage_driver: String,
    /// Containers outlive a restart of the engine.
    pub live_restore: bool,
    /// `1` or `2`; empty when the engine does not say.
    pub cgroup_version: String,
    /// For example `systemd`.
    pub cgroup_driver: String,
    /// Default log driver.
    pub log_driver: String,
    /// Where its data is, on the host.
    pub root_dir: String,
    /// For example `Debian GNU/Linux 12 (bookworm)`.
    pub operating_system: String,
    /// For example `x86_64`.
    pub architecture: String,
    /// Processors.
    pub cpus: u32,
    /// Memory of the host.
    pub memory_bytes: u64,
    /// Runs without root: not supported.
    pub rootless: bool,
    /// Takes part in a swarm.
    pub swarm: bool,
    /// The engine's own warnings.
    pub warnings: Vec<String>,
}

impl DockerEngine {
    /// What the engine is. Also the way to find out whether it is there.
    pub async fn info(&self) -> Result<EngineInfo, EngineError> {
        let docker = self.docker().await?;
        let version = self.ask(docker.version()).await?;
        let info = self.ask(docker.info()).await?;
        let options = info.security_options.unwrap_or_default();
        Ok(EngineInfo {
            version: version.version.unwrap_or_default(),
            api_version: version.api_version.unwrap_or_default(),
            api_pinned: format!("1.{}", self.api_minor()),
            storage_driver: info.driver.unwrap_or_default(),
            live_restore: info.live_restore_enabled.unwrap_or(false),
            cgroup_version: info.cgroup_version.map(|v| v.to_string()).unwrap_or_default(),
            cgroup_driver: info.cgroup_driver.map(|v| v.to_string()).unwrap_or_default(),
            log_driver: info.logging_driver.unwrap_or_default(),
            root_dir: info.docker_root_dir.unwrap_or_default(),
            operating_system: info.operating_system.unwrap_or_default(),
            architecture: info.architecture.unwrap_or_default(),
            cpus: info.ncpu.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            memory_bytes: info.mem_total.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            rootless: options.iter().any(|option| option == "name=rootless"),
            swarm: info
                .swarm
                .and_then(|swarm| swarm.local_node_state)
                .is_some_and(|state| state.to_string() == "active"),
            warnings: info.warnings.unwrap_or_default(),
        })
    }
}
