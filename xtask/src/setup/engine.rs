//! The distribution's Docker Engine at its usual socket: found, or installed and started. With
//! systemd the service is started, without it `dockerd` runs in a session of its own.
//!
//! An [`Engine`] is a socket; everything else asks it through the `docker` command.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::packages;
use crate::cmd::{cmd, find, last_lines, read, say, succeeds};
use crate::wait;

const SOCKET: &str = "/var/run/docker.sock";
const LOG: &str = "/var/log/landfall-dockerd.log";
const START_BOUND: Duration = Duration::from_mins(1);

/// A Docker Engine that answers, known by its socket.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    socket: PathBuf,
}

impl Engine {
    pub(crate) fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Its socket.
    #[cfg(feature = "load")]
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The address in the form of `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// A `docker` command against this engine, and no other, with the classic builder.
    pub(crate) fn docker<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = cmd("docker", args);
        command
            .env("DOCKER_HOST", self.host())
            .env_remove("DOCKER_CONTEXT")
            .env("DOCKER_BUILDKIT", "0")
            .env("DOCKER_CLI_HINTS", "false");
        command
    }

    /// Whether an image of this name is there.
    pub(crate) fn has_image(&self, name: &str) -> bool {
        succeeds(&mut self.docker(["image", "inspect", name]))
    }

    /// Whether the engine answers a ping within two seconds.
    pub(crate) fn answers(&self) -> bool {
        ping(&self.socket).unwrap_or(false)
    }

    /// The engine's own version, for messages.
    pub(crate) fn version(&self) -> Result<String> {
        read(&mut self.docker(["version", "--format", "{{.Server.Version}}"]))
    }
}

/// Finds, installs or starts the engine, and waits until it answers.
pub(crate) fn ensure() -> Result<Engine> {
    let engine = Engine::at(SOCKET);
    if find("docker").is_none() || (!engine.answers() && find("dockerd").is_none()) {
        packages::install(&["docker.io", "iptables", "ca-certificates"])?;
        if find("docker").is_none() {
            packages::install(&["docker-cli"])?; // a package of its own since Debian 13
        }
    }
    if !engine.answers() {
        start()?;
        if wait::until(START_BOUND, || engine.answers().then_some(())).is_none() {
            let log = std::fs::read_to_string(LOG).unwrap_or_default();
            bail!(
                "dockerd does not answer on {SOCKET}; the end of {LOG}:\n{}",
                last_lines(&log, 15)
            );
        }
    }
    say(&format!("engine: {} answers on {SOCKET}", engine.version()?));
    Ok(engine)
}

fn start() -> Result<()> {
    if Path::new("/run/systemd/system").exists() {
        say("engine: starting docker.service");
        read(&mut cmd("systemctl", ["start", "docker"]))?;
        return Ok(());
    }
    say(&format!("engine: starting dockerd in the background, log in {LOG}"));
    let log = File::options()
        .create(true)
        .append(true)
        .open(LOG)
        .with_context(|| format!("open {LOG} (starting an engine needs root)"))?;
    // `setsid` gives it a session of its own: it outlives this terminal and gets no Ctrl-C.
    cmd("setsid", ["--fork", "dockerd", "--host", &format!("unix://{SOCKET}")])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .context("start dockerd")?;
    Ok(())
}

fn ping(socket: &Path) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    let bound = Some(Duration::from_secs(2));
    stream.set_read_timeout(bound)?;
    stream.set_write_timeout(bound)?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer.ends_with(b" 200"))
}
