//! Agent and edge in the background, without an engine: they start, are left alone, and stop.

use crate::stage::{Stage, same_as_transcript};

/// Stops what a failed test leaves.
struct Host(Stage);

impl Drop for Host {
    fn drop(&mut self) {
        self.0.run(&["agent", "stop", "--edge"]);
    }
}

impl Host {
    fn new() -> Self {
        // No engine is there, so the test needs none.
        let stage = Stage::new(&[]).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        Self(stage)
    }

    /// Without process ids and versions.
    fn transcript(&self, args: &[&str]) -> String {
        let text = self.0.transcript(args);
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("pid ") {
            out.push_str(before);
            out.push_str("pid [PID]");
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        out + rest
    }
}

#[test]
fn they_start_once_answer_and_stop() {
    let host = Host::new();
    let mut text = String::new();
    for args in [
        &["agent", "status"][..],
        &["agent", "start"],
        &["agent", "start"],
        &["agent", "status"],
        &["status"],
        &["agent", "run"],
        &["agent", "stop"],
        &["agent", "status"],
        &["agent", "stop", "--edge"],
        &["agent", "stop", "--edge"],
    ] {
        text += &host.transcript(args);
    }
    same_as_transcript("agent-life", &text);
}

#[test]
fn what_cannot_start_shows_the_end_of_its_log() {
    let host = Host::new();
    // A folder stands where the agent's store has to be.
    std::fs::create_dir_all(host.0.path("state")).unwrap();
    std::fs::write(host.0.path("state/agent"), "in the way").unwrap();
    let output = host.0.run(&["agent", "start"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("error: the agent ended while it started"), "{text}");
    assert!(text.contains("error: cannot use the state folder"), "{text}");
    assert!(text.contains("hint: its log is"), "{text}");
    // What an earlier life wrote is not shown again.
    let again = String::from_utf8(host.0.run(&["agent", "start"]).stderr).unwrap();
    assert_eq!(again.matches("error: cannot use the state folder").count(), 1, "{again}");
}

#[test]
fn an_agent_whose_database_is_lost_names_what_recovers_it() {
    let host = Host::new();
    std::fs::create_dir_all(host.0.path("state/agent/sealed/shop")).unwrap();
    std::fs::write(host.0.path("state/agent/sealed/shop/r1.json"), "a copy").unwrap();
    let mut text = host.transcript(&["agent", "run"]);
    text += &host.transcript(&["recover"]);
    same_as_transcript("agent-lost", &text);
}

/// Pid of the edge, by its own word.
fn edge_pid(host: &Host) -> String {
    let text = std::fs::read_to_string(host.0.path("run/edge.pid")).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[test]
fn an_edge_takes_over_and_is_stopped_as_the_one_before_it() {
    let host = Host::new();
    host.0.run(&["agent", "start"]);
    let first = edge_pid(&host);
    let binary = env!("CARGO_BIN_EXE_landfall");
    let run_edge = |args: &[&str]| {
        std::process::Command::new(binary)
            .args(["edge", "run"])
            .args(args)
            .env("LANDFALL_RUN_DIR", host.0.path("run"))
            .env("LANDFALL_STATE_DIR", host.0.path("state"))
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let refused = run_edge(&[]).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("runs already"), "{text}");

    let mut second = run_edge(&["--take-over"]);
    let bound = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while edge_pid(&host) == first {
        assert!(std::time::Instant::now() < bound, "nobody took over");
        std::thread::yield_now();
    }
    assert_eq!(edge_pid(&host), second.id().to_string());
    let text = host.0.transcript(&["agent", "status"]);
    assert!(text.contains(&format!("pid {}, generation 0", second.id())), "{text}");
    let text = host.0.transcript(&["agent", "stop", "--edge"]);
    assert!(text.contains(&format!("edge stopped (pid {})", second.id())), "{text}");
    assert!(second.wait().unwrap().success());
}
