//! A container whose end its shim keeps back: the engine takes it for running.

use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use landfall_deploy::ports::Engine as _;

use crate::unreachable::{asked, json};

/// Ends what runs beside a shell.
const UNDOES: &str = r#"test -z "$!" || kill "$!""#;
/// More than a kernel gives.
const GONE: u32 = 5_000_000;
const READY: &str = "ready";
const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// A process that looks like a container's shim and does this, then waits.
fn shim(container: &str, does: &str) -> Child {
    let mut shim = Command::new("sh")
        .arg0("/usr/bin/containerd-shim-runc-v2")
        .args(["-c", &format!("{does} echo {READY}; read -r line; {UNDOES}"), "-id", container])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It is not what it looks like before the shell has begun.
    shim.stdout.as_mut().unwrap().read_exact(&mut [0; READY.len()]).unwrap();
    shim
}

/// What is said of the container: its state and its first process.
fn there(container: &str, state: &str, process: u32) -> String {
    let state = format!(r#"{{"Status":"{state}","Pid":{process}}}"#);
    json("200 OK", &format!(r#"{{"Id":"{container}","Name":"/redis","State":{state}}}"#))
}

fn assert_lives(mut shim: Child) {
    assert_eq!(shim.try_wait().unwrap(), None);
    drop(shim.stdin.take());
    shim.wait().unwrap();
}

#[test]
fn a_shim_that_holds_no_process_is_ended_before_its_container_is_stopped() {
    let mut shim = shim("ended-c1", "");
    let (running, exited) = (there("ended-c1", "running", GONE), there("ended-c1", "exited", 0));
    let updated = json("200 OK", r#"{"Warnings":null}"#);
    let answers = [&*running, &running, &running, &exited, &updated, &exited, DONE];
    asked(&answers, async |engine| engine.stop("redis", Duration::from_secs(1)).await.unwrap());
    let ended = shim.wait().unwrap();
    assert_eq!(ended.signal(), Some(9));
}

/// Stops a container that the engine takes for running, with this first process: at once, and its shim
/// goes on.
fn assert_left_alone(container: &str, does: &str, process: u32) {
    let (shim, running) = (shim(container, does), there(container, "running", process));
    let updated = json("200 OK", r#"{"Warnings":null}"#);
    let answers = [&*running, &updated, &running, DONE];
    asked(&answers, async |engine| engine.stop("redis", Duration::from_secs(1)).await.unwrap());
    assert_lives(shim);
}

#[test]
fn a_shim_that_holds_a_process_is_left_alone() {
    assert_left_alone("ended-c2", "sleep 60 &", GONE);
}

#[test]
fn a_shim_whose_container_has_its_first_process_elsewhere_is_left_alone() {
    assert_left_alone("ended-c3", "", std::process::id());
}

#[test]
fn an_end_that_is_told_meanwhile_is_no_reason_to_end_a_shim() {
    let shim = shim("ended-c4", "");
    let running = |process| there("ended-c4", "running", process);
    let updated = json("200 OK", r#"{"Warnings":null}"#);
    // It ended, and runs again.
    let answers = [&*running(GONE), &running(GONE + 1), &updated, &running(GONE + 1), DONE];
    asked(&answers, async |engine| engine.stop("redis", Duration::from_secs(1)).await.unwrap());
    assert_lives(shim);
}
