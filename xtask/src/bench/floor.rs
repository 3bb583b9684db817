//! The engine's own floor: the trivial service changed by nothing but calls to the Engine API. A new
//! container is created and started, answers, and the old one is stopped and removed. Nobody who
//! deploys by containers can be faster than that.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::{Answer, ask};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cmd::{read, succeeds};
use crate::setup::engine::Engine;
use crate::wait;

const NAME: &str = "landfall-bench-floor";
const IMAGE: &str = "busybox:latest";
const PORT: u16 = 8080;
/// The service of `examples/hello`.
const SCRIPT: &str =
    "mkdir -p /www && echo \"${RELEASE}\" > /www/index.html && exec httpd -f -p 8080 -h /www";
const PROBE_EVERY: Duration = Duration::from_millis(2);
const READY_BOUND: Duration = Duration::from_secs(20);

/// One change, by parts.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "a number carries its unit")]
pub(super) struct Change {
    pub(super) create_ms: f64,
    pub(super) start_ms: f64,
    pub(super) answer_ms: f64,
    pub(super) stop_ms: f64,
    pub(super) remove_ms: f64,
    pub(super) total_ms: f64,
}

/// A service that only the Engine API keeps.
pub(super) struct Floor<'a> {
    engine: &'a Engine,
    socket: PathBuf,
    serving: Option<String>,
}

impl<'a> Floor<'a> {
    /// Starts the service on a network of its own.
    pub(super) fn start(engine: &'a Engine) -> Result<Self> {
        let mut floor = Self { engine, socket: engine.socket().to_owned(), serving: None };
        floor.clear();
        read(&mut engine.docker(["network", "create", NAME]))?;
        floor.change("v0")?;
        Ok(floor)
    }

    /// Replaces the service by its next release.
    pub(super) fn change(&mut self, release: &str) -> Result<Change> {
        let began = Instant::now();
        let mut last = began;
        let mut lap = || {
            let now = Instant::now();
            let ms = (now - std::mem::replace(&mut last, now)).as_secs_f64() * 1e3;
            (ms * 10.0).round() / 10.0
        };
        let id = self.create(release)?;
        let create_ms = lap();
        self.call("POST", &format!("/containers/{id}/start"), None)?;
        let start_ms = lap();
        self.answers(&id, release)?;
        let answer_ms = lap();
        let (mut stop_ms, mut remove_ms) = (0.0, 0.0);
        if let Some(old) = self.serving.replace(id) {
            self.call("POST", &format!("/containers/{old}/stop?t=10"), None)?;
            stop_ms = lap();
            self.call("DELETE", &format!("/containers/{old}"), None)?;
            remove_ms = lap();
        }
        let total_ms = create_ms + start_ms + answer_ms + stop_ms + remove_ms;
        Ok(Change { create_ms, start_ms, answer_ms, stop_ms, remove_ms, total_ms })
    }

    fn create(&self, release: &str) -> Result<String> {
        let container = json!({
            "Image": IMAGE,
            "Cmd": ["sh", "-c", SCRIPT],
            "Env": [format!("RELEASE={release}")],
            "HostConfig": {
                "Init": true, "NetworkMode": NAME, "RestartPolicy": {"Name": "unless-stopped"},
            },
        });
        let path = format!("/containers/create?name={NAME}-{release}");
        let created = self.call("POST", &path, Some(&container))?;
        let id = created.json()?["Id"].as_str().map(str::to_owned);
        id.context("the engine gave the container no id")
    }

    /// Waits until it answers with its release.
    fn answers(&self, id: &str, release: &str) -> Result<()> {
        let found = self.call("GET", &format!("/containers/{id}/json"), None)?.json()?;
        let address = &found["NetworkSettings"]["Networks"][NAME]["IPAddress"];
        let address: Ipv4Addr = address.as_str().unwrap_or_default().parse()?;
        let wanted = || get(address).is_ok_and(|text| text.trim_end().ends_with(release));
        wait::until_every(PROBE_EVERY, READY_BOUND, || wanted().then_some(()))
            .with_context(|| format!("{address} does not answer with {release}"))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let answer = ask(&self.socket, method, path, body)?;
        if answer.status >= 400 {
            bail!("{method} {path}: {} {}", answer.status, answer.text());
        }
        Ok(answer)
    }

    fn clear(&mut self) {
        let filter = format!("name={NAME}");
        let mut list = self.engine.docker(["ps", "--all", "--quiet", "--filter", &filter]);
        for id in read(&mut list).unwrap_or_default().lines() {
            succeeds(&mut self.engine.docker(["rm", "--force", id]));
        }
        succeeds(&mut self.engine.docker(["network", "rm", NAME]));
    }
}

impl Drop for Floor<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn get(address: Ipv4Addr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&(address, PORT).into(), Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}
