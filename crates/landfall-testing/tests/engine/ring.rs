//! A host for one story: its own agent and edge, the fixture's app, and everything removed at the end.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use landfall_testing::host::{Host, Things};
use landfall_testing::load::{Load, LoadConfig};

use crate::fixture::{self, Variant};

const APP: &str = "ring";
const BOUND: Duration = Duration::from_mins(2);

/// The host of one story.
pub(crate) struct Ring {
    host: RefCell<Host>,
    folder: tempfile::TempDir,
    port: u16,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// `None`: a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// Talk: what people read.
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Self { exit_code: output.status.code(), stderr }
    }
}

impl Ring {
    /// Starts agent and edge on a host that has nothing of this app.
    pub(crate) fn new() -> Self {
        let variable = |name: &str| std::env::var(name).expect("`cargo xtask test` sets it");
        let folder = tempfile::tempdir().expect("there is room");
        let bin = PathBuf::from(variable("LANDFALL_BIN"));
        let mut host = Host::new(bin, folder.path().join("host"), variable("DOCKER_HOST"))
            .expect("there is room");
        host.clear(APP).expect("the engine answers");
        host.start().expect("agent and edge start");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let port = port.expect("there is a free port").port();
        Self { host: RefCell::new(host), folder, port }
    }

    /// The agent's database goes, whatever else of its state stays.
    pub(crate) fn lose_database(&self) {
        let store = self.host.borrow().state_dir().join("agent/store");
        std::fs::remove_dir_all(store).expect("it is there");
    }

    /// The app's public port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The binary with these words, in a folder of the story's own.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.host.borrow().landfall();
        command.args(words).env("NO_COLOR", "1").stdin(Stdio::null());
        command.current_dir(self.folder.path());
        command
    }

    /// A deploy of one release of the fixture, not begun.
    pub(crate) fn deploy_command(&self, word: &str, variant: Variant) -> Command {
        let file = fixture::write(&self.folder.path().join("app"), word, variant, self.port);
        let file = file.to_str().expect("a path of ours").to_owned();
        self.command(&["-f", &file, "deploy"])
    }

    /// A folder of the story's own.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The agent's socket.
    pub(crate) fn agent_socket(&self) -> PathBuf {
        self.host.borrow().agent_socket()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.command(words).output().expect("the binary runs").into()
    }

    /// Deploys one release of the fixture.
    pub(crate) fn deploy(&self, word: &str, variant: Variant) -> Said {
        self.deploy_command(word, variant).output().expect("the binary runs").into()
    }

    /// The same with further flags.
    pub(crate) fn deploy_with(&self, word: &str, variant: Variant, flags: &[&str]) -> Said {
        let mut command = self.deploy_command(word, variant);
        command.args(flags).output().expect("the binary runs").into()
    }

    /// What the agent says of the app.
    pub(crate) fn status(&self) -> serde_json::Value {
        let status = self.host.borrow().status(APP).expect("the agent answers");
        status.expect("the app is known")
    }

    /// Deploys a compose file of the story's own.
    pub(crate) fn deploy_text(&self, text: &str) -> Said {
        let folder = self.folder.path().join("app");
        std::fs::create_dir_all(&folder).expect("there is room");
        let file = folder.join("compose.yaml");
        std::fs::write(&file, text).expect("there is room");
        self.run(&["-f", file.to_str().expect("a path of ours"), "deploy"])
    }

    /// Deploys one release, which must work.
    #[track_caller]
    pub(crate) fn deploys(&self, word: &str, variant: Variant) {
        let said = self.deploy(word, variant);
        assert_eq!(said.exit_code, Some(0), "{word}: {}", said.stderr);
    }

    /// Begins a deploy; the caller waits for its end.
    pub(crate) fn spawn_deploy(&self, word: &str, variant: Variant) -> Child {
        let mut command = self.deploy_command(word, variant);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs")
    }

    /// Waits until a rollout of the app has been journaled.
    pub(crate) fn wait_open(&self) {
        let began = Instant::now();
        loop {
            let status = self.host.borrow().status(APP).ok().flatten();
            let open = status.is_some_and(|s| s["open"]["phase"]["phase"] == "forward");
            if open {
                return;
            }
            assert!(began.elapsed() < BOUND, "no rollout began");
        }
    }

    /// Waits until no rollout of the app is on its way; none may be stuck.
    pub(crate) fn wait_settled(&self) {
        let status = self.host.borrow().wait_settled(APP, BOUND).expect("it settles");
        assert!(status["open"].is_null(), "stuck: {}", status["open"]);
    }

    /// Kills the agent (SIGKILL).
    pub(crate) fn kill_agent(&self) {
        self.host.borrow_mut().kill_agent().expect("it runs");
    }

    /// Starts the agent again.
    pub(crate) fn start_agent(&self) {
        self.host.borrow_mut().start_agent().expect("it starts");
    }

    /// What users get now.
    pub(crate) fn answer(&self) -> String {
        self.answer_at(SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    /// What is answered elsewhere.
    #[expect(clippy::unused_self, reason = "it reads as the other question does")]
    pub(crate) fn answer_at(&self, address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).expect("the edge listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket of ours");
        let request = "GET /index.html HTTP/1.1\r\nHost: ring\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("the edge listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("a whole answer");
        answer.lines().last().unwrap_or_default().to_owned()
    }

    /// Constant requests to the app, each of which must be answered well.
    pub(crate) fn load(&self) -> Load {
        let target = format!("127.0.0.1:{}", self.port);
        Load::start(LoadConfig::plain(&target), "story").expect("the load starts")
    }

    /// What the engine has of the app.
    pub(crate) fn leftovers(&self) -> Things {
        self.host.borrow().things(APP).expect("the engine answers")
    }
}

/// Ends a load: nothing may have failed, and every acknowledged write must be there.
#[track_caller]
pub(crate) fn clean(load: Load) {
    let report = load.stop_blocking();
    assert!(report.is_clean(), "{report}");
    println!("{report}");
}

/// A file of the fixture's data volume.
pub(crate) fn data(file: &str) -> String {
    let mount = ["run", "--rm", "--network", "none", "-v", "ring_data:/data:ro", "busybox:latest"];
    let file = format!("/data/{file}");
    docker(&[&mount[..], &["cat", &file]].concat())
}

/// What the engine's own command line says.
pub(crate) fn docker(words: &[&str]) -> String {
    let host = std::env::var("DOCKER_HOST").expect("`cargo xtask test` sets it");
    let mut command = Command::new("docker");
    let output = command.env("DOCKER_HOST", host).args(words).output().expect("docker runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Drop for Ring {
    fn drop(&mut self) {
        let host = self.host.get_mut();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(host.agent_log()).unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(40).collect();
            println!("the agent's log, newest first:\n{}", lines.join("\n"));
        }
        // A story that failed may leave anything: stop, then clear by label.
        let stopped = host.stop();
        let cleared = host.clear(APP);
        if !std::thread::panicking() {
            stopped.expect("agent and edge end");
            cleared.expect("the engine answers");
        }
    }
}
