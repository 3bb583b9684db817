//! One host of our own: engine, disks, agent, edge, and the app; as a fresh machine would have them,
//! but in the namespaces of this process.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::app::App;
use super::disk::Disk;
use super::engine::{Engine, EngineSpec};
use super::kept;
use super::units::{Role, Units};
use super::world::World;
use crate::holder::Holder;
use crate::host::{Host, ask, run_ok, until};

/// Images the app is made of.
const IMAGES: [&str; 3] = ["python:3.11-slim", "redis:7-alpine", "busybox:latest"];
const ENGINE_DISK_MIB: u64 = 3072;
const AGENT_DISK_MIB: u64 = 128;
const EDGE_DISK_MIB: u64 = 24;
/// Agent and edge have this long to answer after they were started.
const START_BOUND: Duration = Duration::from_secs(30);
const COMMAND_BOUND: Duration = Duration::from_mins(3);

/// Where and with what chaos takes place. This process must stand in network, mount and process
/// namespaces of its own: what lives in them is struck without asking whose it is.
#[derive(Clone, Debug)]
pub struct Setup {
    /// A folder of its own; its path is short, since sockets stand in it.
    pub folder: PathBuf,
    /// The product, built with crash points.
    pub product: PathBuf,
    /// The engine's programs.
    pub engine: EngineSpec,
    /// An engine that has the base images, as `DOCKER_HOST` names it.
    pub images_from: String,
}

/// The disks that can be full.
pub(super) struct Disks {
    pub(super) engine: Disk,
    pub(super) agent: Disk,
    pub(super) edge: Disk,
}

/// All of it, running.
pub(super) struct Site {
    pub(super) units: Units,
    pub(super) engine: Engine,
    pub(super) host: Arc<Host>,
    pub(super) disks: Disks,
    pub(super) app: App,
    /// Where all of it is.
    pub(super) folder: PathBuf,
    strike: PathBuf,
}

impl Site {
    /// Starts everything but the app.
    pub(super) fn start(setup: &Setup) -> io::Result<Self> {
        let folder = &setup.folder;
        fs::create_dir_all(folder)?;
        run_ok(Command::new("ip").args(["link", "set", "lo", "up"]), COMMAND_BOUND)?;
        for stale in ["host", "exec", "ctrd", "docker.pid", "orders", "strike", "strike.trace"] {
            let path = folder.join(stale);
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path).or_else(missing)?;
            }
        }
        for image in ["engine.img", "agent.img", "edge.img"] {
            fs::remove_file(folder.join(image)).or_else(missing)?;
        }
        let state = folder.join("host/state");
        let disks = Disks {
            engine: Disk::mount(&folder.join("engine.img"), &folder.join("data"), ENGINE_DISK_MIB)?,
            agent: Disk::mount(&folder.join("agent.img"), &state.join("agent"), AGENT_DISK_MIB)?,
            edge: Disk::mount(&folder.join("edge.img"), &state.join("edge"), EDGE_DISK_MIB)?,
        };
        let units = Units::new();
        let engine = Engine::new(folder, &setup.engine, &units)?;
        engine.start(&units)?;
        let host = Host::new(setup.product.clone(), folder.join("host"), engine.docker_host())?;
        let (host, strike) = (Arc::new(host), folder.join("strike"));
        let app = App::new(folder)?;
        let folder = folder.clone();
        let site = Self { units, engine, host, disks, app, folder, strike };
        site.bring_images(&setup.images_from)?;
        site.app.build(&site.engine)?;
        site.make_strangers()?;
        site.add_units()?;
        site.units.start(Role::Edge);
        site.units.start(Role::Agent);
        site.wait_edge()?;
        site.wait_agent()?;
        Ok(site)
    }

    fn add_units(&self) -> io::Result<()> {
        let (host, strike) = (Arc::clone(&self.host), self.strike.clone());
        self.units.add(Role::Agent, self.host.agent_log(), move || {
            let mut command = host.landfall();
            command.args(["agent", "run"]).env("LANDFALL_CRASH_FILE", &strike);
            command
        });
        let host = Arc::clone(&self.host);
        self.units.add(Role::Edge, self.host.edge_log(), move || {
            let mut command = host.landfall();
            command.args(["edge", "run"]);
            command
        });
        let notify = self.folder.join("notify");
        fs::remove_file(&notify).or_else(missing)?;
        self.units.hold(Role::Edge, Holder::new(&notify)?);
        Ok(())
    }

    fn bring_images(&self, from: &str) -> io::Result<()> {
        let absent = |name: &&str| self.engine.docker(&["image", "inspect", name]).is_err();
        let absent: Vec<&str> = IMAGES.iter().copied().filter(absent).collect();
        if absent.is_empty() {
            return Ok(());
        }
        let mut save = Command::new("docker")
            .arg("save")
            .args(&absent)
            .env("DOCKER_HOST", from)
            .stdout(Stdio::piped())
            .spawn()?;
        let stream = save.stdout.take().ok_or_else(|| io::Error::other("no stream of images"))?;
        let load = Command::new("docker")
            .args(["load", "--quiet"])
            .env("DOCKER_HOST", self.engine.docker_host())
            .stdin(stream)
            .output()?;
        let saved = save.wait()?;
        // A load may fail behind a success: look.
        match absent.iter().find(|name| self.engine.docker(&["image", "inspect", name]).is_err()) {
            None if saved.success() => Ok(()),
            missing => {
                let said = String::from_utf8_lossy(&load.stderr).into_owned();
                Err(io::Error::other(format!("{missing:?} did not arrive: {said}")))
            }
        }
    }

    /// Objects that are not landfall's, and must stay as they are whatever happens.
    fn make_strangers(&self) -> io::Result<()> {
        self.engine.docker(&["network", "create", "stranger-net"])?;
        self.engine.docker(&["volume", "create", "stranger-data"])?;
        let run = ["run", "-d", "--name", "stranger", "--init", "--restart", "always"];
        let what = ["--network", "stranger-net", "-v", "stranger-data:/data", "busybox:latest"];
        self.engine.docker(&[&run[..], &what, &["sleep", "1000000"]].concat()).map(drop)
    }

    /// Waits until the agent answers.
    pub(super) fn wait_agent(&self) -> io::Result<()> {
        wait_socket(&self.host.agent_socket(), "/v1/info", &self.host.agent_log())
    }

    /// Waits until the edge answers.
    pub(super) fn wait_edge(&self) -> io::Result<()> {
        wait_socket(&self.host.edge_socket(), "/v1/status", &self.host.edge_log())
    }

    /// What the agent says of the app; `Null` before its first deploy.
    pub(super) fn status(&self) -> io::Result<Value> {
        Ok(self.host.status(App::NAME)?.unwrap_or_default())
    }

    /// What one of the operator's commands says of the app, and its exit code.
    pub(super) fn operator(&self, verb: &str) -> io::Result<(Option<i32>, Value)> {
        let words = [verb, "--project-name", App::NAME, "--format", "json"];
        let output = self.host.landfall().args(words).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().next().unwrap_or_default();
        let value = serde_json::from_str(line).map_err(|error| {
            let errors = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("`{verb}` said {line:?} ({error}): {errors}"))
        })?;
        Ok((output.status.code(), value))
    }

    /// What the engine has. It may answer, and still wait for its `containerd` to come back, which has
    /// its images.
    pub(super) fn world(&self) -> io::Result<World> {
        let mut last = None;
        let seen = until(START_BOUND, || match World::look(&self.engine) {
            Ok(world) => Some(world),
            Err(error) => {
                last = Some(error);
                None
            }
        });
        seen.ok_or_else(|| last.unwrap_or_else(|| io::Error::other("nothing was asked")))
    }

    /// Networks that the engine would not let go since this rollout was asked for.
    pub(super) fn kept_networks(&self, serving: u64) -> io::Result<BTreeSet<String>> {
        Ok(kept::since(&fs::read_to_string(self.host.agent_log())?, serving))
    }

    /// Plans a strike at a journal record: `kill` or `stop`.
    pub(super) fn arm(&self, seq: u64, moment: &str, what: &str) -> io::Result<()> {
        // Under its final name only when it is whole.
        let draft = self.strike.with_extension("draft");
        fs::write(&draft, format!("{seq}:{moment}:{what}"))?;
        fs::rename(draft, &self.strike)
    }

    /// Whether the strike is still to come.
    pub(super) fn is_armed(&self) -> bool {
        self.strike.exists()
    }

    /// Calls the strike off.
    pub(super) fn disarm(&self) -> io::Result<()> {
        fs::remove_file(&self.strike).or_else(missing)
    }

    /// The records appended since the last call: number, kind, step, way.
    pub(super) fn trace(&self) -> io::Result<String> {
        let path = self.strike.with_extension("trace");
        let text = fs::read_to_string(&path).or_else(|e| missing(e).map(|()| String::new()))?;
        fs::remove_file(path).or_else(missing)?;
        Ok(text)
    }
}

/// Waits until somebody answers there.
fn wait_socket(socket: &Path, path: &str, log: &Path) -> io::Result<()> {
    let answers = || ask(socket, "GET", path, None).is_ok_and(|a| a.status == 200);
    until(START_BOUND, || answers().then_some(())).ok_or_else(|| {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(10).collect();
        let said = lines.join("\n");
        io::Error::other(format!("nobody answers at {}:\n{said}", socket.display()))
    })
}

fn missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
