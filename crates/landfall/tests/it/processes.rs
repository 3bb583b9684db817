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

#[test]
fn agent_and_edge_are_upgraded_in_the_background() {
    let host = Host::new();
    let copy = host.0.path("landfall");
    std::fs::copy(env!("CARGO_BIN_EXE_landfall"), &copy).unwrap();
    let run = |args: &[&str]| {
        let output = std::process::Command::new(&copy)
            .args(args)
            .env("LANDFALL_RUN_DIR", host.0.path("run"))
            .env("LANDFALL_STATE_DIR", host.0.path("state"))
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    assert_eq!(run(&["agent", "start", "--subnet-pool", "10.250.0.0/16"]).0, Some(0));
    let first = edge_pid(&host);

    // What is no landfall changes nothing, nor does one that does not know the store.
    let (code, text) = run(&["agent", "upgrade", "--binary", "/bin/true"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is no landfall"), "{text}");
    let old = host.0.path("old");
    std::fs::write(&old, "#!/bin/sh\n[ \"$1\" = --version ] && echo landfall 0.0.1\n").unwrap();
    let executable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(&old, executable.clone()).unwrap();
    let (code, text) = run(&["agent", "upgrade", "--binary", old.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("does not understand the store"), "{text}");
    assert!(!host.0.path("landfall.previous").exists());

    // One that says all is well and does not run is taken back.
    std::fs::write(
        &old,
        "#!/bin/sh\ncase \"$1 $2\" in \"--version \") echo landfall 0.0.1 ;; \"agent run\") exit 9 ;; esac\n",
    )
    .unwrap();
    let (code, text) = run(&["agent", "upgrade", "--binary", old.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("the previous version runs again"), "{text}");
    assert_eq!(edge_pid(&host), first);

    let (code, text) = run(&["agent", "upgrade", "--binary", env!("CARGO_BIN_EXE_landfall")]);
    assert_eq!(code, Some(0), "{text}");
    assert!(host.0.path("landfall.previous").exists());
    assert_ne!(edge_pid(&host), first);
    let agent = std::fs::read_to_string(host.0.path("run/agent.pid")).unwrap();
    let line = std::fs::read(format!("/proc/{}/cmdline", agent.trim())).unwrap();
    assert!(String::from_utf8_lossy(&line).contains("10.250.0.0/16"), "it keeps its arguments");
    let (_, text) = run(&["agent", "status"]);
    assert!(text.contains(&format!("pid {}, generation 0", edge_pid(&host))), "{text}");
}

#[test]
fn a_supervisor_hears_that_they_serve_live_and_end() {
    let host = Host::new();
    std::fs::create_dir_all(host.0.path("run")).unwrap();
    for role in ["agent", "edge"] {
        let path = host.0.path(&format!("{role}.notify"));
        let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"))
            .args([role, "run"])
            .env("LANDFALL_RUN_DIR", host.0.path("run"))
            .env("LANDFALL_STATE_DIR", host.0.path("state"))
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "60000")
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let hear = || {
            let mut buffer = [0; 256];
            let count = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..count].to_vec()).unwrap()
        };
        assert_eq!(hear(), format!("READY=1\nMAINPID={}", child.id()));
        assert_eq!(hear(), "WATCHDOG=1");
        assert_eq!(hear(), "WATCHDOG=1");
        host.0.run(&["agent", "stop", "--edge"]);
        assert!(child.wait().unwrap().success());
        let mut last = hear();
        while last == "WATCHDOG=1" {
            last = hear();
        }
        assert_eq!(last, "STOPPING=1");
    }
}

#[test]
fn services_are_written_for_an_image_and_taken_away_again() {
    let stage = Stage::new(&[]);
    let mut text = String::new();
    for args in [
        &["agent", "install", "--root", "image", "--binary", "/usr/bin/landfall"][..],
        &["agent", "install", "--root", "image", "--binary", "/usr/bin/landfall"],
        &[
            "agent",
            "install",
            "--root",
            "image",
            "--binary",
            "/usr/bin/landfall",
            "--format",
            "json",
        ],
        &["agent", "uninstall", "--root", "image", "--purge-state"],
        &["agent", "uninstall", "--root", "image"],
        &[
            "agent",
            "install",
            "--print",
            "--binary",
            "/usr/bin/landfall",
            "--socket-group",
            "docker",
        ],
    ] {
        text += &stage.transcript(args);
    }
    same_as_transcript("agent-install", &text);
}

/// I12: an agent that is stopped (SIGSTOP: a debugger, a paused machine) still owns its state folder.
/// Nobody takes over behind its back, and when it goes on nothing has changed under it.
#[test]
fn a_stopped_agent_keeps_a_second_one_out_and_goes_on_where_it_was() {
    let host = Host::new();
    host.0.run(&["agent", "start"]);
    let pid = std::fs::read_to_string(host.0.path("state/agent/agent.lock")).unwrap();
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args([name, pid.trim()]).status().unwrap();
        assert!(sent.success());
    };
    signal("-STOP");
    let beside = host.0.run(&["agent", "run"]);
    // With sockets and a pid file of its own, only the kernel's lock is in its way.
    let elsewhere = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(["agent", "run"])
        .env_clear()
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .env("LANDFALL_RUN_DIR", host.0.path("run2"))
        .env("LANDFALL_STATE_DIR", host.0.path("state"))
        .output()
        .unwrap();
    signal("-CONT");
    let pid = pid.trim();
    for (refused, why) in [
        (beside, format!("the agent runs already, with pid {pid}")),
        (elsewhere, format!("another agent (pid {pid}) uses")),
    ] {
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains(&why), "{text}");
    }
    let status = host.0.run(&["agent", "status"]);
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.contains(&format!("pid {pid}")), "{text}");
}
