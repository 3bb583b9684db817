//! The app that is deployed while the power is cut: it answers its release's word, needs no file of
//! the state folder, and starts in a moment. A broken release makes undone rollouts.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use landfall_testing::host::Project;

pub(super) const APP: &str = "landfall-powercut";
const BOUND: Duration = Duration::from_secs(5);

const COMPOSE: &str = r#"services:
  web:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "mkdir -p /site; echo $WORD > /site/index.html; exec httpd -f -p ${INNER} -h /site"]
    ports: ["127.0.0.1:${OUTER}:8080"]
    depends_on: {setup: {condition: service_completed_successfully}}
    x-landfall: {health: {path: /, timeout: 2s}}
  setup:
    image: busybox:latest
    command: ["true"]
"#;

/// Writes the compose file.
pub(super) fn project(folder: &Path, port: u16) -> Result<Project> {
    fs::create_dir_all(folder)?;
    let file = folder.join("compose.yaml");
    fs::write(&file, COMPOSE)?;
    Ok(Project::new(file, APP).with("OUTER", &port.to_string()))
}

/// What a release is made of: a broken one listens where nobody asks.
pub(super) fn variables(word: &str, broken: bool) -> [(&'static str, String); 2] {
    let inner = if broken { "9" } else { "8080" };
    [("WORD", word.to_owned()), ("INNER", inner.to_owned())]
}

/// The word that is served.
pub(super) fn answer(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("nobody answers")?;
    stream.set_read_timeout(Some(BOUND))?;
    write!(stream, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.trim().to_owned());
    body.context("no HTTP answer")
}
