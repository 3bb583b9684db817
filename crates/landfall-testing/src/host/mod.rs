//! The real binary on a real engine: agent and edge as processes of their own below one folder, and
//! the command line as people call it. For the demo, the soak and the stories on engines.
//!
//! It knows programs, sockets and exit codes, and none of landfall's types: what a script sees is
//! what it judges by. Reading order: `process`, `project`, `deploy`, `things`, `socket`.

mod deploy;
mod process;
mod project;
mod socket;
mod things;

#[cfg(test)]
mod tests;

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

pub use deploy::{Deploy, Running, StepTime};
pub use process::{open_files, rss_kib, until};
pub use project::Project;
pub use socket::{Answer, ask};
pub use things::{Thing, Things};

use process::{Process, run};
pub(crate) use process::{pass, run_ok};

/// Agent and edge have this long to answer after they were started.
const START_BOUND: Duration = Duration::from_secs(30);
/// Asked to end, they have this long before they are killed.
const STOP_BOUND: Duration = Duration::from_secs(5);
/// The longest path of a unix socket is 107 bytes.
const SOCKET_PATH_MAX: usize = 100;

/// A host with its own agent and edge. Dropping it stops those that it started.
pub struct Host {
    bin: PathBuf,
    work_dir: PathBuf,
    run_dir: PathBuf,
    engine: String,
    agent_env: Vec<(String, String)>,
    edge_env: Vec<(String, String)>,
    agent: Option<Process>,
    edge: Option<Process>,
}

impl Host {
    /// A host whose state is below `work_dir`, on the engine of `docker_host` (`unix://…`).
    /// Nothing is started yet.
    pub fn new(bin: PathBuf, work_dir: PathBuf, docker_host: String) -> io::Result<Self> {
        fs::create_dir_all(work_dir.join("state"))?;
        let run_dir = run_dir_of(&work_dir);
        fs::create_dir_all(&run_dir)?;
        let (engine, agent_env, edge_env) = (docker_host, Vec::new(), Vec::new());
        Ok(Self { bin, work_dir, run_dir, engine, agent_env, edge_env, agent: None, edge: None })
    }

    /// The agent gets this variable when it is started next, for example `LANDFALL_CRASH`.
    pub fn set_agent_env(&mut self, name: &str, value: &str) {
        self.agent_env.retain(|(known, _)| known != name);
        self.agent_env.push((name.to_owned(), value.to_owned()));
    }

    /// The agent is started without that variable.
    pub fn clear_agent_env(&mut self, name: &str) {
        self.agent_env.retain(|(known, _)| known != name);
    }

    /// Agent and edge get this variable when they are started next.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.set_agent_env(name, value);
        self.edge_env.push((name.to_owned(), value.to_owned()));
    }

    /// Where agent and edge keep their state.
    pub fn state_dir(&self) -> PathBuf {
        self.work_dir.join("state")
    }

    /// Where their sockets and pid files are.
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// The agent's socket.
    pub fn agent_socket(&self) -> PathBuf {
        self.run_dir.join("agent.sock")
    }

    /// The edge's control socket.
    pub fn edge_socket(&self) -> PathBuf {
        self.run_dir.join("edge.sock")
    }

    /// What the agent wrote, over all its lives.
    pub fn agent_log(&self) -> PathBuf {
        self.work_dir.join("agent.log")
    }

    /// What the edge wrote, over all its lives.
    pub fn edge_log(&self) -> PathBuf {
        self.work_dir.join("edge.log")
    }

    /// Starts the edge, then the agent; both answer afterwards.
    pub fn start(&mut self) -> io::Result<()> {
        self.start_edge()?;
        self.start_agent()
    }

    /// Starts the agent and waits until it answers.
    pub fn start_agent(&mut self) -> io::Result<()> {
        self.spawn_agent()?;
        self.wait_agent()
    }

    /// Starts the agent without waiting: one that is to crash may never answer.
    pub fn spawn_agent(&mut self) -> io::Result<()> {
        let mut command = self.landfall();
        command.args(["agent", "run"]).envs(self.agent_env.iter().map(|(n, v)| (n, v)));
        self.agent = Some(spawn(command, &self.agent_log())?);
        Ok(())
    }

    /// Waits until the agent answers. Fails at once when it has ended, with the end of its log.
    pub fn wait_agent(&mut self) -> io::Result<()> {
        let (socket, log) = (self.agent_socket(), self.agent_log());
        answers("agent", self.agent.as_mut(), &socket, "/v1/info", &log)
    }

    /// Starts the edge and waits until it answers.
    pub fn start_edge(&mut self) -> io::Result<()> {
        let mut command = self.landfall();
        command.args(["edge", "run"]).envs(self.edge_env.iter().map(|(n, v)| (n, v)));
        self.edge = Some(spawn(command, &self.edge_log())?);
        let (socket, log) = (self.edge_socket(), self.edge_log());
        answers("edge", self.edge.as_mut(), &socket, "/v1/status", &log)
    }

    /// Kills the agent (SIGKILL) and waits until it is gone.
    pub fn kill_agent(&mut self) -> io::Result<()> {
        self.agent.take().map_or(Ok(()), Process::kill)
    }

    /// Kills the edge (SIGKILL) and waits until it is gone.
    pub fn kill_edge(&mut self) -> io::Result<()> {
        self.edge.take().map_or(Ok(()), Process::kill)
    }

    /// Asks the agent to end (SIGTERM) and waits for it.
    pub fn stop_agent(&mut self) -> io::Result<()> {
        self.agent.take().map_or(Ok(()), |agent| agent.stop(STOP_BOUND))
    }

    /// Asks the edge to end (SIGTERM) and waits for it.
    pub fn stop_edge(&mut self) -> io::Result<()> {
        self.edge.take().map_or(Ok(()), |edge| edge.stop(STOP_BOUND))
    }

    /// Waits until the agent has ended by itself, for example at a planted crash; false when it
    /// still runs after the bound.
    pub fn wait_agent_gone(&mut self, bound: Duration) -> bool {
        let gone = self.agent.as_mut().is_none_or(|agent| agent.wait(bound));
        if gone {
            self.agent = None;
        }
        gone
    }

    /// The agent's process, while it runs.
    pub fn agent_pid(&mut self) -> Option<u32> {
        self.agent.as_mut().and_then(Process::pid)
    }

    /// The edge's process, while it runs.
    pub fn edge_pid(&mut self) -> Option<u32> {
        self.edge.as_mut().and_then(Process::pid)
    }

    /// Stops what an earlier host of this folder left running, for example after
    /// [`Host::leave_running`].
    pub fn stop_earlier(&self) -> io::Result<()> {
        if !["agent.pid", "edge.pid"].iter().any(|file| self.run_dir.join(file).exists()) {
            return Ok(());
        }
        let mut command = self.landfall();
        command.args(["agent", "stop", "--edge"]);
        let ended = run(&mut command, Duration::from_mins(2))?;
        if ended.code == 0 { Ok(()) } else { Err(io::Error::other(ended.stderr)) }
    }

    /// Agent and edge outlive this process.
    pub fn leave_running(mut self) {
        (self.agent, self.edge) = (None, None);
    }

    /// Deploys to the end. The variables are laid over the project's own.
    pub fn deploy(&self, project: &Project, env: &[(&str, &str)]) -> io::Result<Deploy> {
        self.spawn_deploy(project, env)?.wait()
    }

    /// Begins a deploy and returns at once.
    pub fn spawn_deploy(&self, project: &Project, env: &[(&str, &str)]) -> io::Result<Running> {
        self.spawn_verb(project, &["deploy"], env)
    }

    /// Goes back to the release before.
    pub fn rollback(&self, project: &Project) -> io::Result<Deploy> {
        self.verb(project, &["rollback"], &[])
    }

    /// Takes the app down; its data stays.
    pub fn down(&self, project: &Project) -> io::Result<Deploy> {
        self.verb(project, &["down", "--yes"], &[])
    }

    /// Runs any verb about a project to its end, for example `&["rollback", "r1"]`.
    pub fn verb(
        &self,
        project: &Project,
        words: &[&str],
        env: &[(&str, &str)],
    ) -> io::Result<Deploy> {
        self.spawn_verb(project, words, env)?.wait()
    }

    /// Begins any verb about a project.
    pub fn spawn_verb(
        &self,
        project: &Project,
        words: &[&str],
        env: &[(&str, &str)],
    ) -> io::Result<Running> {
        let mut command = self.landfall();
        command.args(["--format", "json"]);
        project.apply(&mut command);
        command.args(words).envs(env.iter().copied());
        Running::start(command)
    }

    /// What the agent says about an app; `None` when it does not know the app.
    pub fn status(&self, app: &str) -> io::Result<Option<Value>> {
        let answer = ask(&self.agent_socket(), "GET", &format!("/v1/apps/{app}"), None)?;
        match answer.status {
            200 => answer.json().map(Some),
            404 => Ok(None),
            status => Err(io::Error::other(format!("status of {app}: {status} {}", answer.text()))),
        }
    }

    /// Waits until no rollout of the app is on its way (one that is stuck waits for a person, and
    /// counts as settled), and returns the app's status. Outlasts an agent that is away.
    pub fn wait_settled(&self, app: &str, bound: Duration) -> io::Result<Value> {
        let mut seen = "the agent does not answer".to_owned();
        let settled = process::until(bound, || match self.status(app) {
            Ok(Some(status)) if is_settled(&status) => Some(status),
            Ok(status) => {
                seen = status.map_or_else(|| "no such app".to_owned(), |s| s["open"].to_string());
                None
            }
            Err(error) => {
                seen = error.to_string();
                None
            }
        });
        let late = || io::Error::other(format!("{app} has not settled after {bound:?}: {seen}"));
        settled.ok_or_else(late)
    }

    /// What the engine has of an app, by label.
    pub fn things(&self, app: &str) -> io::Result<Things> {
        things::of(&self.engine, Some(app))
    }

    /// What the engine has of any app, by label: after `down` and with its volumes removed, nothing.
    pub fn leftovers(&self) -> io::Result<Things> {
        things::of(&self.engine, None)
    }

    /// The tags that hold the images of an app's releases, for example `landfall/shop:r2-web`.
    pub fn image_tags(&self, app: &str) -> io::Result<Vec<String>> {
        things::tags(&self.engine, app)
    }

    /// Removes everything of an app from the engine, its data and its image tags too.
    pub fn clear(&self, app: &str) -> io::Result<()> {
        things::clear(&self.engine, app)
    }

    /// Stops what was started.
    pub fn stop(&mut self) -> io::Result<()> {
        let agent = self.stop_agent();
        self.stop_edge().and(agent)
    }

    /// The binary, told where this host's folders and engine are, and nothing else of ours.
    pub fn landfall(&self) -> Command {
        let mut command = Command::new(&self.bin);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["LANDFALL_", "COMPOSE_", "DOCKER_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(&*name);
            }
        }
        if let Some(level) = std::env::var_os("LANDFALL_LOG") {
            command.env("LANDFALL_LOG", level);
        }
        command
            .env("LANDFALL_RUN_DIR", &self.run_dir)
            .env("LANDFALL_STATE_DIR", self.state_dir())
            .env("DOCKER_HOST", &self.engine)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A process that ended before needs no stopping.
        let _ = self.stop();
    }
}

fn is_settled(status: &Value) -> bool {
    status["open"].is_null() || status["open"]["phase"]["phase"] == "stuck"
}

/// Below the work folder, or where that is too deep for a socket, at a short path made from it: the
/// next host of this folder finds the same.
fn run_dir_of(work_dir: &Path) -> PathBuf {
    let below = work_dir.join("run");
    if below.join("agent.sock").as_os_str().len() <= SOCKET_PATH_MAX {
        return below;
    }
    let mut hash = DefaultHasher::new();
    work_dir.hash(&mut hash);
    std::env::temp_dir().join(format!("landfall-{:016x}", hash.finish()))
}

fn spawn(mut command: Command, log: &Path) -> io::Result<Process> {
    let log = File::options().create(true).append(true).open(log)?;
    command.stdout(log.try_clone()?).stderr(log);
    Process::spawn(command)
}

fn answers(
    role: &str,
    process: Option<&mut Process>,
    socket: &Path,
    path: &str,
    log: &Path,
) -> io::Result<()> {
    let process = process.ok_or_else(|| io::Error::other(format!("the {role} was not started")))?;
    let answered = process::until(START_BOUND, || {
        if process.pid().is_none() {
            return Some(false);
        }
        ask(socket, "GET", path, None).is_ok_and(|answer| answer.status == 200).then_some(true)
    });
    let what = match answered {
        Some(true) => return Ok(()),
        Some(false) => "ended while it started",
        None => "does not answer",
    };
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(15)..].join("\n");
    Err(io::Error::other(format!("the {role} {what}; the end of {}:\n{tail}", log.display())))
}
