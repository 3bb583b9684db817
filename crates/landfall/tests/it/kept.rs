//! An edge that is killed under a supervisor that holds its sockets: nobody is refused.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use landfall_testing::holder::Holder;
use landfall_testing::host::{ask, until};
use landfall_testing::load::{Connection, Kind, Load, LoadConfig, Part, Report, StandIn};
use serde_json::{Value, json};

/// The bound of each wait: long enough for a busy machine, and never waited for in vain.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a killed edge had in its hands is told as failed within this time.
const CUT_WITHIN_MS: f64 = 500.0;
/// More than killed edges have in their hands while their sockets are held.
const REFUSED: u64 = 30;

/// An edge's folder, and what a supervisor does for it.
struct Site {
    dir: tempfile::TempDir,
    holder: Holder,
    generation: u64,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("lf").tempdir().unwrap();
        let holder = Holder::new(&dir.path().join("notify")).unwrap();
        Self { dir, holder, generation: 0 }
    }

    fn control(&self) -> PathBuf {
        self.dir.path().join("edge.sock")
    }

    /// Starts an edge with what is held and waits until it answers.
    fn start(&self, more: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command.args(["edge", "run"]).args(more);
        command.env("LANDFALL_RUN_DIR", self.dir.path());
        command.env("LANDFALL_STATE_DIR", self.dir.path().join("state"));
        let mut command = self.holder.equip(&command).unwrap();
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pid = u64::from(child.id());
        let serves = || (self.status()?["pid"] == pid).then_some(());
        until(PATIENCE, serves).expect("the edge serves");
        child
    }

    fn status(&self) -> Option<Value> {
        ask(&self.control(), "GET", "/v1/status", None).ok()?.json().ok()
    }

    fn serve(&mut self, listen: &[SocketAddr], backend: SocketAddr) {
        self.generation += 1;
        let upstream = json!({"service": "web", "endpoints": [backend]});
        let route = |listen: &SocketAddr| json!({"listen": listen, "host": null, "path": "/", "upstream": upstream});
        let routes: Vec<Value> = listen.iter().map(route).collect();
        let app = json!({"release": 1, "rollout": self.generation, "routes": routes});
        let table = json!({"generation": self.generation, "apps": {"site": app}});
        let answer = ask(&self.control(), "PUT", "/v1/table", Some(&table)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn holds(&self, listen: &[SocketAddr]) -> bool {
        let mut names: Vec<_> =
            listen.iter().map(|at| format!("listen-{at}").replace(':', "_")).collect();
        let mut held = self.holder.names();
        names.sort();
        held.sort();
        names == held
    }

    fn wait_for_hold(&self, listen: &[SocketAddr]) {
        let holds = || self.holds(listen).then_some(());
        until(PATIENCE, holds).unwrap_or_else(|| panic!("{:?}", self.holder.names()));
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn kill(mut edge: Child) {
    edge.kill().unwrap();
    edge.wait().unwrap();
}

/// Every request on a connection of its own.
fn strict(target: SocketAddr) -> LoadConfig {
    LoadConfig {
        mix: vec![
            Part::new(Kind::Static, Connection::Fresh, 3),
            Part::new(Kind::Order, Connection::Fresh, 1),
        ],
        rate_per_s: 200,
        timeout: PATIENCE,
        failures_max: 10_000,
        ..LoadConfig::plain(&target.to_string())
    }
}

/// Requests that found nobody who listens.
fn refused(report: &Report) -> usize {
    report.failures.iter().filter(|failure| failure.what.contains("connect:")).count()
}

/// Waits until the load got this many more right answers.
fn served(load: &Load, more: u64) {
    let ok = || load.phases().iter().map(|phase| phase.ok).sum::<u64>();
    let before = ok();
    until(PATIENCE, || (ok() >= before + more).then_some(())).expect("the edge serves");
}

/// An edge whose one listener is held, and strict clients at it.
fn under_load() -> (StandIn, Site, SocketAddr, Child, Load) {
    let backend = StandIn::start().unwrap();
    let (mut site, listen) = (Site::new(), free_address());
    let edge = site.start(&[]);
    site.serve(&[listen], backend.address());
    site.wait_for_hold(&[listen]);
    let load = Load::start(strict(listen), "load").unwrap();
    (backend, site, listen, edge, load)
}

#[test]
fn a_killed_edge_refuses_nobody_while_its_sockets_are_held() {
    let (_backend, site, listen, mut edge, load) = under_load();
    let (began, mut kills_ms) = (Instant::now(), Vec::new());
    let mut killed = |edge| {
        kill(edge);
        kills_ms.push(began.elapsed().as_secs_f64() * 1e3);
    };
    for _ in 0..5 {
        served(&load, 50);
        killed(edge);
        edge = site.start(&[]);
    }
    // A successor serves on the same sockets; they are held for the one after it, too.
    served(&load, 50);
    let successor = site.start(&["--take-over"]);
    assert!(edge.wait().unwrap().success());
    site.wait_for_hold(&[listen]);
    served(&load, 50);
    killed(successor);
    let edge = site.start(&[]);
    served(&load, 50);
    let report = load.stop_blocking();
    assert_eq!(refused(&report), 0, "{report}");
    assert_eq!(report.failures.len() as u64, report.total.failed, "{report}");
    // What a killed edge had in its hands at that moment is lost, and nothing else.
    for failure in &report.failures {
        let is_near = |kill_ms: &f64| (failure.at_ms - kill_ms).abs() < CUT_WITHIN_MS;
        assert!(kills_ms.iter().any(is_near), "{failure}, killed at {kills_ms:?}\n{report}");
    }
    assert_eq!(report.writes.found, report.writes.acknowledged, "{report}");
    kill(edge);
}

#[test]
fn an_edge_that_is_stopped_and_started_again_loses_nothing() {
    let (_backend, site, _, mut edge, load) = under_load();
    for _ in 0..3 {
        served(&load, 50);
        let asked = Command::new("kill").args(["-TERM", &edge.id().to_string()]).status();
        assert!(asked.unwrap().success());
        assert!(edge.wait().unwrap().success());
        edge = site.start(&[]);
    }
    served(&load, 50);
    let report = load.stop_blocking();
    assert!(report.is_clean() && report.total.retried == 0, "{report}");
    kill(edge);
}

#[test]
fn without_somebody_who_holds_them_the_sockets_go_with_the_edge() {
    let (_backend, site, _, edge, load) = under_load();
    served(&load, 50);
    site.holder.clear();
    kill(edge);
    let failed = || load.phases().iter().map(|phase| phase.failed).sum::<u64>();
    until(PATIENCE, || (failed() > REFUSED).then_some(())).expect("requests fail");
    let report = load.stop_blocking();
    assert!(refused(&report) > 0, "{report}");
}

#[test]
fn only_what_the_table_names_is_held_and_the_rest_refuses_at_once() {
    let backend = StandIn::start().unwrap();
    let (mut site, kept, left) = (Site::new(), free_address(), free_address());
    let edge = site.start(&[]);
    site.serve(&[kept, left], backend.address());
    site.wait_for_hold(&[kept, left]);
    site.serve(&[kept], backend.address());
    site.wait_for_hold(&[kept]);
    let refuses = || std::net::TcpStream::connect(left).is_err().then_some(());
    until(PATIENCE, refuses).expect("nobody listens there");
    // And can be had again, by the same edge and by the next.
    site.serve(&[kept, left], backend.address());
    site.wait_for_hold(&[kept, left]);
    kill(edge);
    let edge = site.start(&[]);
    let listeners = site.status().unwrap()["listeners"].as_array().unwrap().len();
    assert_eq!(listeners, 2);
    kill(edge);
    // A socket that no table names is not served, and let go.
    std::fs::remove_dir_all(site.dir.path().join("state")).unwrap();
    let edge = site.start(&[]);
    site.wait_for_hold(&[]);
    until(PATIENCE, refuses).expect("nobody listens there");
    kill(edge);
}
