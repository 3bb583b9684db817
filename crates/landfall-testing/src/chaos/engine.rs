//! An engine of our own: `containerd` and `dockerd` as two supervised processes, with their data on a
//! disk of their own, in the namespaces of this process.
//!
//! containerd is started beside dockerd and not by it: one that dockerd starts keeps its socket when
//! dockerd is killed, and then the next start fails.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::units::{Role, Units};
use crate::host::{ask, run_ok, until};

const START_BOUND: Duration = Duration::from_mins(2);
const COMMAND_BOUND: Duration = Duration::from_mins(5);

/// Which programs an engine consists of.
#[derive(Clone, Debug)]
pub struct EngineSpec {
    /// A search path with its programs first.
    pub path: String,
    /// More arguments of `dockerd`.
    pub arguments: Vec<String>,
    /// The control group of all containers, for example `/landfall-chaos`.
    pub cgroup: String,
}

/// The engine's places.
pub(super) struct Engine {
    folder: PathBuf,
}

impl Engine {
    /// Makes its two units known. `folder` is short: sockets stand in it.
    pub(super) fn new(folder: &Path, spec: &EngineSpec, units: &Units) -> io::Result<Self> {
        let engine = Self { folder: folder.to_owned() };
        let text = format!(
            "version = 2\nroot = \"{}\"\nstate = \"{}\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = \"{}\"\n",
            folder.join("data/containerd").display(),
            folder.join("ctrd").display(),
            engine.containerd_socket().display(),
        );
        let config = folder.join("containerd.toml");
        fs::write(&config, text)?;
        engine.write_config(true)?;
        let dockerd = engine.dockerd_arguments(spec);
        let (path, other_path) = (spec.path.clone(), spec.path.clone());
        units.add(Role::Containerd, folder.join("containerd.log"), move || {
            let mut command = on_path("containerd", &path);
            command.arg("--config").arg(&config);
            command
        });
        units.add(Role::Dockerd, engine.log(), move || {
            let mut command = on_path("dockerd", &other_path);
            command.args(&dockerd);
            command
        });
        Ok(engine)
    }

    fn dockerd_arguments(&self, spec: &EngineSpec) -> Vec<String> {
        let place = |name: &str| self.folder.join(name).display().to_string();
        let mut arguments: Vec<String> = [
            ("--config-file", place("daemon.json")),
            ("--containerd", self.containerd_socket().display().to_string()),
            ("--data-root", place("data/docker")),
            ("--exec-root", place("exec")),
            ("--pidfile", place("docker.pid")),
            ("--host", self.docker_host()),
            ("--default-address-pool", "base=10.213.0.0/16,size=24".to_owned()),
            ("--log-level", "warn".to_owned()),
            ("--cgroup-parent", spec.cgroup.clone()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect();
        arguments.extend(spec.arguments.iter().cloned());
        arguments
    }

    fn write_config(&self, live_restore: bool) -> io::Result<()> {
        let config = json!({ "live-restore": live_restore });
        fs::write(self.folder.join("daemon.json"), config.to_string())
    }

    fn containerd_socket(&self) -> PathBuf {
        self.folder.join("ctrd.sock")
    }

    /// What the engine writes.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("dockerd.log")
    }

    /// Its socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    /// In the form of `DOCKER_HOST`.
    pub(super) fn docker_host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Where it writes down what it knows of a container.
    pub(super) fn container_folder(&self, id: &str) -> PathBuf {
        self.folder.join("data/docker/containers").join(id)
    }

    /// What a power loss takes: everything that a host keeps below `/run`.
    pub(super) fn volatile(&self) -> [PathBuf; 5] {
        ["ctrd", "exec", "ctrd.sock", "docker.sock", "docker.pid"].map(|n| self.folder.join(n))
    }

    /// Below these are its mounts.
    pub(super) fn mount_roots(&self) -> [String; 3] {
        ["data/", "exec/", "ctrd/"].map(|name| self.folder.join(name).display().to_string())
    }

    /// Starts both; the engine answers afterwards.
    pub(super) fn start(&self, units: &Units) -> io::Result<()> {
        units.start(Role::Containerd);
        let socket = self.containerd_socket();
        until(START_BOUND, || socket.exists().then_some(()));
        units.start(Role::Dockerd);
        self.wait()
    }

    /// Waits until it answers.
    pub(super) fn wait(&self) -> io::Result<()> {
        let answered = until(START_BOUND, || self.answers().then_some(()));
        answered.ok_or_else(|| {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(12).collect();
            io::Error::other(format!(
                "dockerd does not answer; newest first:\n{}",
                lines.join("\n")
            ))
        })
    }

    /// Whether it answers.
    pub(super) fn answers(&self) -> bool {
        self.get("/_ping").is_ok()
    }

    /// Its versions, and where it keeps images, in words.
    pub(super) fn describe(&self) -> io::Result<String> {
        let (version, info) = (self.json("/version")?, self.json("/info")?);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parts = version["Components"].as_array().map(Vec::as_slice).unwrap_or_default();
        let part =
            |name: &str| parts.iter().find(|p| p["Name"] == name).map(|p| text(&p["Version"]));
        let containerd = part("containerd").unwrap_or_default();
        let driver_status = info["DriverStatus"].to_string();
        let store = if driver_status.contains("io.containerd.snapshotter") {
            "containerd's image store"
        } else {
            "classic image store"
        };
        let (engine, driver) = (text(&version["Version"]), text(&info["Driver"]));
        let runc = part("runc").unwrap_or_default();
        Ok(format!(
            "Docker Engine {engine}, {store} ({driver}), containerd {containerd}, runc {runc}"
        ))
    }

    /// Whether containers outlive the daemon from now on.
    pub(super) fn set_live_restore(&self, units: &Units, on: bool) -> io::Result<()> {
        self.write_config(on)?;
        units.signal(Role::Dockerd, Signal::HUP);
        let done = until(START_BOUND, || {
            let info = self.json("/info").ok()?;
            (info["LiveRestoreEnabled"] == on).then_some(())
        });
        done.ok_or_else(|| io::Error::other("the engine does not take live-restore"))
    }

    /// An answer's body.
    fn get(&self, path: &str) -> io::Result<Vec<u8>> {
        let answer = ask(&self.socket(), "GET", path, None)?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(io::Error::other(format!("GET {path}: {status} {}", answer.text()))),
        }
    }

    /// An answer.
    pub(super) fn json(&self, path: &str) -> io::Result<Value> {
        serde_json::from_slice(&self.get(path)?).map_err(io::Error::other)
    }

    /// Makes a container; its id.
    pub(super) fn create(&self, name: &str, body: &Value) -> io::Result<String> {
        let answer =
            ask(&self.socket(), "POST", &format!("/containers/create?name={name}"), Some(body))?;
        let made: Value = serde_json::from_slice(&answer.body)?;
        let id = made["Id"].as_str().map(str::to_owned);
        id.ok_or_else(|| io::Error::other(format!("creating {name}: {made}")))
    }

    /// The first process of a container that runs.
    pub(super) fn process_of(&self, id: &str) -> io::Result<Pid> {
        let seen = self.json(&format!("/containers/{id}/json"))?;
        let pid = seen["State"]["Pid"].as_i64().and_then(|pid| pid.try_into().ok());
        pid.and_then(Pid::from_raw).ok_or_else(|| io::Error::other(format!("{id} does not run")))
    }

    /// Runs the engine's own command line.
    pub(super) fn docker(&self, words: &[&str]) -> io::Result<String> {
        run_ok(&mut self.docker_command(words), COMMAND_BOUND)
    }

    /// The engine's own command line.
    pub(super) fn docker_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .args(words)
            .env("DOCKER_HOST", self.docker_host())
            .env_remove("DOCKER_CONTEXT")
            .env("DOCKER_BUILDKIT", "0")
            .env("DOCKER_CLI_HINTS", "false");
        command
    }
}

/// A program looked up along a path: `env` does it with the path that it is given.
fn on_path(program: &str, path: &str) -> Command {
    let mut command = Command::new("env");
    command.arg(format!("PATH={path}")).arg(program).env_remove("DOCKER_HOST").current_dir("/");
    command
}
