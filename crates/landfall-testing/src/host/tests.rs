//! The parts that need no engine: events, output under way, the socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::deploy::Running;
use super::{Host, Project, ask, open_files, rss_kib, run_dir_of};

const BOUND: Duration = Duration::from_secs(10);

const EVENTS: &str = r#"
{"seq":1,"at_ms":10,"app":"shop","rollout":7,"event":"step_started","step":0,"name":"start","subject":"web","action":"do"}
{"seq":2,"at_ms":25,"app":"shop","rollout":7,"event":"step_failed","step":0,"action":"do","reason":{"message":"no"},"will_retry":false}
{"seq":3,"at_ms":30,"app":"shop","rollout":7,"event":"ended","outcome":{"outcome":"rolled_back","reason":{"kind":"crashed","message":"exited with 1","service":"web","logs":[]}},"serving":2,"total_ms":20}
"#;

fn script(text: &str) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", text]).env("EVENTS", EVENTS.trim());
    Running::start(command).unwrap()
}

#[test]
fn a_deploy_tells_exit_code_steps_reason_and_what_serves() {
    let deploy = script(r#"printf '%s\n' "$EVENTS"; echo talk >&2; exit 3"#).wait().unwrap();
    let deploy = deploy.expect_exit(3);
    assert_eq!(
        (deploy.rollout(), deploy.serving(), deploy.total_ms()),
        (Some(7), Some(2), Some(20))
    );
    assert_eq!(deploy.outcome(), Some("rolled_back"));
    assert_eq!(deploy.reason().as_deref(), Some("web: exited with 1"));
    assert_eq!(deploy.stderr, "talk\n");
    let steps = deploy.steps();
    assert_eq!((steps.len(), steps[0].ms, steps[0].ok), (1, 15, false));
}

#[test]
fn an_event_is_seen_while_the_command_still_runs() {
    let running = script(r#"printf '%s\n' "$EVENTS"; exec sleep 600"#);
    assert!(running.wait_for_step(BOUND, "start").is_some());
    let missing = running.wait_for(Duration::from_millis(10), |event| event["event"] == "stuck");
    assert_eq!(missing, None);
    assert_eq!(running.kill().unwrap().exit_code, -1);
}

#[test]
fn a_socket_is_asked_and_answers() {
    let folder = std::env::temp_dir().join(format!("landfall-host-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 512];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.0 201 Created\r\nX: y\r\n\r\n{\"a\":1}").unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let answer = ask(&socket, "POST", "/v1/x", Some(&json!({"b": 2}))).unwrap();
    assert_eq!((answer.status, answer.json().unwrap()), (201, json!({"a": 1})));
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /v1/x HTTP/1.0\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"b\":2}"), "{request}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn sockets_stay_short_enough_and_at_one_place() {
    let deep = std::env::temp_dir().join("deep/".repeat(30));
    assert!(run_dir_of(&deep).as_os_str().len() < 90);
    assert_eq!(run_dir_of(&deep), run_dir_of(&deep));
}

#[test]
fn an_agent_that_ends_at_once_is_told_with_its_last_words() {
    let folder = std::env::temp_dir().join(format!("landfall-host-end-{}", std::process::id()));
    let mut host =
        Host::new("/bin/false".into(), folder.clone(), "unix:///nowhere".into()).unwrap();
    let error = host.start_agent().unwrap_err();
    assert!(error.to_string().contains("ended while it started"), "{error}");
    assert_eq!(host.agent_pid(), None);
    drop(host);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_project_is_a_folder_or_a_file() {
    let mut command = Command::new("landfall");
    Project::new("/", "shop").with("RELEASE", "v1").apply(&mut command);
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["-p", "shop"]);
    let mut command = Command::new("landfall");
    Project::new("/compose.yaml", "shop").apply(&mut command);
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["-p", "shop", "-f", "/compose.yaml"]);
}

#[test]
fn our_own_memory_is_known_and_that_of_nobody_is_not() {
    assert!(rss_kib(std::process::id()).is_some_and(|kib| kib > 500));
    assert_eq!(rss_kib(u32::MAX), None);
    assert!(open_files(std::process::id()).is_some_and(|files| files > 2));
    assert_eq!(open_files(u32::MAX), None);
}
