//! What is behind the edge: the stand-in, in this process or in a container of an engine.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use anyhow::{Context as _, Result};
use landfall_testing::load::StandIn;

use super::PATIENCE;
use crate::cmd::{read, succeeds};
use crate::setup::engine::Engine;
use crate::wait;

/// The container's image and name.
pub(super) const IMAGE: &str = "debian:bookworm-slim";
const NAME: &str = "landfall-upgrades";
const PORT: u16 = 8080;

/// Ends when it is dropped.
pub(super) enum Behind {
    Here(StandIn),
    Container { engine: Engine, address: SocketAddr },
}

impl Behind {
    pub(super) fn here() -> Result<Self> {
        Ok(Self::Here(StandIn::start()?))
    }

    /// In a container of this engine.
    pub(super) fn container(engine: &Engine) -> Result<Self> {
        remove(engine);
        let address = start(engine).inspect_err(|_| remove(engine))?;
        Ok(Self::Container { engine: engine.clone(), address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Here(stand_in) => stand_in.address(),
            Self::Container { address, .. } => *address,
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Self::Container { engine, .. } = self {
            remove(engine);
        }
    }
}

/// The stand-in in its container: until somebody ends it.
pub(super) fn stand_in() -> Result<()> {
    let _stand_in = StandIn::start_on((Ipv4Addr::UNSPECIFIED, PORT).into())?;
    loop {
        std::thread::park();
    }
}

/// This very program in a container, with the libraries that it was built with, so that no image has
/// to have them.
fn start(engine: &Engine) -> Result<SocketAddr> {
    let program = std::env::current_exe()?;
    let program = format!("{}:/stand-in:ro", program.display());
    let run = ["run", "--detach", "--name", NAME, "--volume", &program];
    let what = ["--volume", "/usr:/usr:ro", IMAGE, "/stand-in", "upgrades", "--stand-in"];
    read(&mut engine.docker([&run[..], &what].concat()))?;
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = read(&mut engine.docker(["inspect", "--format", format, NAME]))?;
    let ip: Ipv4Addr = address.parse().with_context(|| format!("{NAME} is at {address:?}"))?;
    let address = SocketAddr::from((ip, PORT));
    wait::until(PATIENCE, || TcpStream::connect(address).ok()).with_context(|| {
        let log = read(&mut engine.docker(["logs", "--tail", "5", NAME]));
        format!("nobody listens at {address}: {}", log.unwrap_or_default())
    })?;
    Ok(address)
}

/// It may not be there.
fn remove(engine: &Engine) {
    succeeds(&mut engine.docker(["rm", "--force", "--volumes", NAME]));
}
