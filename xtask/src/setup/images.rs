//! The base images that the examples' compose files name. Where an image registry answers they are
//! pulled; where none does, `assets/base-images.sh` builds stand-ins of Debian packages. An image
//! that is already there is left as it is.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::engine::Engine;
use crate::cmd::{cmd, read, root, run, say, succeeds};

/// Image names, with the recipe of `base-images.sh` that builds a stand-in.
const BASE: [(&str, &str); 6] = [
    ("debian:bookworm-slim", "debian"),
    ("busybox:latest", "busybox"),
    ("python:3.11-slim", "python"),
    ("postgres:15-alpine", "postgres"),
    ("redis:7-alpine", "redis"),
    ("nginx:1.22-alpine", "nginx"),
];

const REACH_BOUND: Duration = Duration::from_secs(3);
/// Seconds for one pull, in the form that `timeout` takes.
const PULL_BOUND: &str = "120";

/// The names of all base images.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BASE.iter().map(|(name, _)| *name)
}

/// Pulls or builds what is missing.
pub(crate) fn ensure(engine: &Engine) -> Result<()> {
    let mut missing: Vec<_> = BASE.iter().filter(|(name, _)| !engine.has_image(name)).collect();
    if !missing.is_empty() && registry_answers(engine) {
        missing.retain(|(name, _)| !pull(engine, name));
    }
    if !missing.is_empty() {
        say("images: building stand-ins from Debian packages (about a minute for all)");
        let script = root().join("xtask/assets/base-images.sh");
        let mut command = cmd("bash", [script]);
        command.args(missing.iter().map(|(_, recipe)| recipe));
        run(command.env("DOCKER_HOST", engine.host()))?;
    }
    if let Some(name) = names().find(|name| !engine.has_image(name)) {
        bail!("the base image {name} is still missing");
    }
    say(&format!("images: {} base images present", BASE.len()));
    Ok(())
}

/// Copies images into another engine; those it has already are left out.
pub(crate) fn copy(from: &Engine, to: &Engine, images: &[String]) -> Result<()> {
    let absent: Vec<&str> =
        images.iter().map(String::as_str).filter(|name| !to.has_image(name)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let mut save = from
        .docker(["save"])
        .args(&absent)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .context("start docker save")?;
    let stream = save.stdout.take().context("docker save has no stdout")?;
    read_from(&mut to.docker(["load", "--quiet"]), stream)?;
    let status = save.wait()?;
    if !status.success() {
        bail!("docker save: {status}");
    }
    // A load may fail behind a success (the engine streams its errors): look.
    match absent.iter().find(|name| !to.has_image(name)) {
        Some(name) => bail!("{name} did not arrive in the engine at {}", to.host()),
        None => Ok(()),
    }
}

fn read_from(command: &mut std::process::Command, input: std::process::ChildStdout) -> Result<()> {
    let output = command.stdin(input).output().context("start docker load")?;
    if !output.status.success() {
        bail!("docker load: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn pull(engine: &Engine, name: &str) -> bool {
    say(&format!("images: pulling {name}"));
    let docker = engine.docker(["pull", "--quiet", name]);
    let mut command = cmd("timeout", [PULL_BOUND]);
    command.arg(docker.get_program()).args(docker.get_args());
    succeeds(command.env("DOCKER_HOST", engine.host()))
}

/// Whether the engine's default registry takes a connection within [`REACH_BOUND`], name lookup
/// included.
fn registry_answers(engine: &Engine) -> bool {
    let address = read(&mut engine.docker(["info", "--format", "{{.IndexServerAddress}}"]));
    let Some(host) = address.ok().as_deref().and_then(host_of).map(str::to_owned) else {
        return false;
    };
    let (sender, answer) = mpsc::channel();
    // A thread of its own, since a name lookup cannot be bounded; it dies with the process.
    std::thread::spawn(move || {
        let reached = (host.as_str(), 443)
            .to_socket_addrs()
            .into_iter()
            .flatten()
            .any(|address| TcpStream::connect_timeout(&address, REACH_BOUND).is_ok());
        sender.send(reached)
    });
    answer.recv_timeout(REACH_BOUND).unwrap_or(false)
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_is_what_stands_between_scheme_and_path() {
        assert_eq!(host_of("https://index.example.test/v1/"), Some("index.example.test"));
        assert_eq!(host_of("index.example.test:443"), Some("index.example.test"));
        assert_eq!(host_of(""), None);
    }
}
