//! The contender most teams know: `docker compose up -d --wait` of the same service.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::cmd::{cmd, read, root, succeeds};
use crate::setup::engine::Engine;

const PROJECT: &str = "landfall-bench-compose";

/// The service as Compose keeps it.
pub(super) struct Compose<'a> {
    engine: &'a Engine,
    program: PathBuf,
    port: u16,
}

impl<'a> Compose<'a> {
    /// Starts the service.
    pub(super) fn start(engine: &'a Engine, program: PathBuf, port: u16) -> Result<Self> {
        let compose = Self { engine, program, port };
        compose.clear();
        compose.change("v0")?;
        Ok(compose)
    }

    /// Its version.
    pub(super) fn version(&self) -> Result<String> {
        read(&mut cmd(&self.program, ["version", "--short"]))
    }

    /// Replaces the service by its next release; milliseconds.
    pub(super) fn change(&self, release: &str) -> Result<f64> {
        let began = Instant::now();
        read(self.command(&["up", "--detach", "--wait"]).env("RELEASE", release))?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    fn command(&self, words: &[&str]) -> Command {
        let file = root().join("examples/hello/compose.yaml");
        let mut command = cmd(&self.program, ["--project-name", PROJECT, "--file"]);
        command
            .arg(file)
            .args(words)
            .env("DOCKER_HOST", self.engine.host())
            .env("HTTP_PORT", self.port.to_string());
        command
    }

    fn clear(&self) {
        succeeds(&mut self.command(&["down", "--volumes", "--timeout", "5"]));
    }
}

impl Drop for Compose<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}
