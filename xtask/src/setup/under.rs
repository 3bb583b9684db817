//! One of the engines that landfall is tried on, up for a run. Containers of an engine with a
//! network namespace of its own are reached from inside that only.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use super::engine::{self, Engine};
use super::newest::{self, ImageStore, Newest};
use super::which::Which;
use super::{images, packages};
use crate::cmd::cmd;

/// An engine that answers, with the base images that were asked for. One of our own ends with it.
pub(crate) struct UnderTest {
    engine: Engine,
    own: Option<Newest>,
}

impl UnderTest {
    /// Brings it up.
    pub(crate) fn start(which: Which, wanted: &[String]) -> Result<Self> {
        packages::install_tools()?;
        let installed = engine::ensure()?;
        images::ensure(&installed)?;
        let store = match which {
            Which::Installed => return Ok(Self { engine: installed, own: None }),
            Which::Newest => ImageStore::Classic,
            Which::NewestContainerd => ImageStore::Containerd,
        };
        let own = newest::start(&newest::fetch()?, store)?;
        images::copy(&installed, own.engine(), wanted)?;
        Ok(Self { engine: own.engine().clone(), own: Some(own) })
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A program that reaches the engine's containers.
    pub(crate) fn beside(&self, program: impl AsRef<OsStr>) -> Command {
        match &self.own {
            None => Command::new(program),
            Some(own) => {
                let mut enter = cmd("nsenter", ["--net", "--target", &own.pid().to_string(), "--"]);
                enter.arg(program);
                enter
            }
        }
    }

    /// Which engine and image store it is, in its own words.
    #[cfg(feature = "load")]
    pub(crate) fn describe(&self) -> Result<String> {
        let format = "Docker Engine {{.ServerVersion}}, storage driver {{.Driver}}{{range .DriverStatus}}\
                      {{if eq (index . 0) \"driver-type\"}} of containerd{{end}}{{end}}";
        crate::cmd::read(&mut self.engine.docker(["info", "--format", format]))
    }

    /// Ends the engine if it is our own.
    pub(crate) fn stop(self) -> Result<()> {
        self.own.map_or(Ok(()), Newest::stop)
    }
}
