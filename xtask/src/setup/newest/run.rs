//! A running newest engine, in network and mount namespaces of its own with a data folder of its
//! own, so that it disturbs no other engine. Containers are reached from inside its network
//! namespace: `nsenter --net --target PID`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::fetch::{Tools, cache};
use super::reap;
use crate::cmd::{cmd, last_lines, read, say};
use crate::setup::engine::Engine;
use crate::wait;

const START_BOUND: Duration = Duration::from_mins(1);
const STOP_BOUND: Duration = Duration::from_secs(40);

/// Where an engine keeps its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageStore {
    /// Its own, the default until Docker Engine 28.
    Classic,
    /// That of containerd, the default of new installations since Docker Engine 29.
    Containerd,
}

/// A newest engine that answers. Dropping it stops it.
pub(crate) struct Newest {
    engine: Engine,
    daemon: Child,
    state: PathBuf,
    stopped: bool,
}

impl Newest {
    /// The engine at its socket, which every network namespace can reach.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The daemon's process: its namespaces are the engine's.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    /// Stops the daemon and whatever outlived it, and removes its data.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(());
        }
        read(&mut cmd("kill", [self.pid().to_string()])).ok(); // it may have ended by itself
        let ended = wait::until(STOP_BOUND, || self.daemon.try_wait().ok().flatten());
        if ended.is_none() {
            self.daemon.kill().ok();
            self.daemon.wait()?;
        }
        reap::leftovers(&self.state)
    }
}

impl Drop for Newest {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            say(&format!("newest engine: not cleaned up: {error:#}"));
        }
    }
}

/// Starts an engine and waits until it answers.
pub(crate) fn start(tools: &Tools, store: ImageStore) -> Result<Newest> {
    let runs = cache().join("run");
    reap::abandoned(&runs)?;
    // Short, since the path of a unix socket has at most 107 bytes.
    let state = runs.join(std::process::id().to_string());
    fs::create_dir_all(&state).with_context(|| format!("make {}", state.display()))?;
    let containerd = store == ImageStore::Containerd;
    let settings = format!("{{\"features\": {{\"containerd-snapshotter\": {containerd}}}}}");
    fs::write(state.join("daemon.json"), settings)?;
    let daemon = command(tools, &state)?.spawn().context("start unshare")?;
    let engine = Engine::at(state.join("docker.sock"));
    let mut newest = Newest { engine, daemon, state, stopped: false };
    loopback_up(newest.pid())?;
    let answered = wait::until(START_BOUND, || {
        let gone = newest.daemon.try_wait().ok().flatten().is_some();
        (gone || newest.engine.answers()).then_some(!gone)
    });
    if answered != Some(true) {
        let log = fs::read_to_string(newest.state.join("log")).unwrap_or_default();
        bail!("the newest engine does not come up:\n{}", last_lines(&log, 15));
    }
    say(&format!("newest engine: {} answers", newest.engine.version()?));
    Ok(newest)
}

fn command(tools: &Tools, state: &Path) -> Result<Command> {
    let log = File::create(state.join("log"))?;
    // Each of them replaces itself by the next, so the child's id is dockerd's in the end. A
    // session of its own keeps a Ctrl-C at the terminal away from it: the engine is stopped last.
    let mut command = cmd("setsid", ["unshare", "--net", "--mount"]);
    command
        .arg(tools.dockerd())
        .arg("--config-file")
        .arg(state.join("daemon.json"))
        .arg("--data-root")
        .arg(state.join("data"))
        .arg("--exec-root")
        .arg(state.join("exec"))
        .arg("--pidfile")
        .arg(state.join("docker.pid"))
        .arg("--host")
        .arg(format!("unix://{}", state.join("docker.sock").display()))
        .args(["--default-address-pool", "base=10.213.0.0/16,size=24", "--log-level", "warn"])
        .env("PATH", tools.path())
        .env_remove("DOCKER_HOST")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// A new network namespace begins with its loopback down.
fn loopback_up(pid: u32) -> Result<()> {
    let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/net")).ok();
    let ours = namespace("self");
    let pid = pid.to_string();
    wait::until(Duration::from_secs(5), || {
        namespace(&pid).filter(|its| Some(its) != ours.as_ref())
    })
    .context("the newest engine got no network namespace of its own (are you root?)")?;
    read(&mut cmd("nsenter", ["--net", "--target", &pid, "ip", "link", "set", "lo", "up"]))?;
    Ok(())
}
