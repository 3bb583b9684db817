//! Hooks on a real engine: when they run, what becomes of those that fail.

use std::time::{Duration, Instant};

use landfall_core::secret::Secret;
use landfall_core::spec::Hook;
use landfall_deploy::ports::{ContainerRequest, Engine as _, Status};

use crate::support::{Corner, in_corner, until};

const LIMIT: Duration = Duration::from_secs(10);

fn hook(line: &str) -> Hook {
    Hook { command: ["sh", "-c", line].map(str::to_owned).to_vec(), ..Hook::default() }
}

/// Writes to its own log, which an exec cannot, by way of PID 1.
fn told(word: &str) -> Hook {
    hook(&format!("echo {word} > /proc/1/fd/1"))
}

fn steady(corner: &Corner) -> ContainerRequest {
    let mut request = corner.container("app", "trap 'exit 0' TERM; while :; do sleep 0.05; done");
    request.container.init = None;
    request
}

async fn log(corner: &Corner, request: &ContainerRequest) -> Vec<String> {
    corner.engine.last_logs(&request.name, 20).await.unwrap()
}

#[test]
fn hooks_run_in_order_as_whom_and_where_they_are_asked_to() {
    in_corner("hooks", async |corner| {
        let request = steady(corner);
        corner.run(&request).await;
        let mut first = hook("id -u > /tmp/who; pwd >> /tmp/who; echo $A >> /tmp/who");
        first.user = Some("1000".into());
        first.working_dir = Some("/etc".into());
        first.environment = [("A".into(), Secret::new("b".into()))].into();
        let second = hook("cat /tmp/who > /proc/1/fd/1");
        let ran = corner.engine.run_hooks(&request.name, &[first, second], LIMIT).await;
        assert_eq!(ran, Ok(Ok(())));
        until("it was told", async || log(corner, &request).await.len() == 3).await;
        assert_eq!(log(corner, &request).await, ["1000", "/etc", "b"]);
    });
}

#[test]
fn the_first_hook_that_fails_or_hangs_is_the_last() {
    in_corner("badhooks", async |corner| {
        let request = steady(corner);
        corner.run(&request).await;
        let bad = [hook("echo no luck >&2; exit 4"), told("never")];
        let ran = corner.engine.run_hooks(&request.name, &bad, LIMIT).await;
        assert_eq!(ran, Ok(Err("sh ended with exit code 4: no luck".to_owned())));
        let began = Instant::now();
        let slow = [hook("sleep 5"), told("never")];
        let limit = Duration::from_millis(300);
        let ran = corner.engine.run_hooks(&request.name, &slow, limit).await;
        assert!(ran.unwrap().unwrap_err().contains("no answer"));
        assert!(began.elapsed() < Duration::from_secs(3));
        let missing = [Hook { command: vec!["/no/such".into()], ..Hook::default() }];
        assert!(corner.engine.run_hooks(&request.name, &missing, LIMIT).await.unwrap().is_err());
        assert_eq!(log(corner, &request).await, Vec::<String>::new());
    });
}

#[test]
fn a_container_says_farewell_before_it_stops_and_greets_when_it_starts_again() {
    in_corner("farewell", async |corner| {
        let mut request = steady(corner);
        request.container.pre_stop = vec![told("farewell")];
        request.container.post_start = vec![told("hello")];
        corner.run(&request).await;
        assert_eq!(
            log(corner, &request).await,
            Vec::<String>::new(),
            "the first start is the step's"
        );
        let began = Instant::now();
        corner.engine.stop(&request.name, LIMIT).await.unwrap();
        assert!(began.elapsed() < LIMIT);
        assert_eq!(log(corner, &request).await, ["farewell"]);
        corner.engine.stop(&request.name, LIMIT).await.unwrap();
        assert_eq!(log(corner, &request).await, ["farewell"], "once");
        corner.engine.start(&request.name).await.unwrap();
        until("it was greeted", async || log(corner, &request).await.len() == 2).await;
        corner.engine.start(&request.name).await.unwrap();
        assert_eq!(log(corner, &request).await, ["farewell", "hello"]);
    });
}

#[test]
fn a_farewell_that_fails_or_hangs_keeps_nobody_alive() {
    in_corner("stubborn", async |corner| {
        for (thing, bad) in [("fails", hook("exit 1")), ("hangs", hook("sleep 60"))] {
            let mut request = steady(corner);
            request.name = corner.name(thing);
            request.container.pre_stop = vec![bad, told("never")];
            corner.run(&request).await;
            let began = Instant::now();
            corner.engine.stop(&request.name, Duration::from_secs(1)).await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
            let seen = corner.engine.status(&request.name).await.unwrap().unwrap();
            assert_eq!(seen.status, Status::Exited);
        }
    });
}
