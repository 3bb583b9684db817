//! The app on the machine: two replicas at port 80, which only root and the edge may have, and a
//! one-off that leaves a line each time it runs.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use landfall_testing::load::{self, LoadConfig};
use serde_json::Value;

use super::machine::Machine;
use super::services::BINARY;
use crate::cmd::print;
use crate::http;
use crate::wait::{pass, until};

/// All that the compose file names.
pub(super) const IMAGE: &str = "busybox:latest";
/// Where the machine has it.
pub(super) const FOLDER: &str = "/srv/app";
pub(super) const FILE: &str = "/srv/app/compose.yaml";
pub(super) const IMAGE_FILE: &str = "/srv/app/image.tar";

const NAME: &str = "landfall-systemd";
const ADDRESS: &str = "127.0.0.1:80";
/// Until it answers, or a rollout has settled.
const BOUND: Duration = Duration::from_mins(1);
/// A load lasts at least so long.
const LOAD_FOR: Duration = Duration::from_secs(2);

pub(super) const COMPOSE: &str = r#"name: landfall-systemd
services:
  web:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "mkdir -p /site; echo ${WORD} > /site/index.html; exec httpd -f -p 8080 -h /site"]
    ports: ["80:8080"]
    deploy: {replicas: 2}
    depends_on: {setup: {condition: service_completed_successfully}}
    x-landfall: {health: {path: /, timeout: 2s}}
  setup:
    image: busybox:latest
    command: ["sh", "-c", "echo ${WORD} >> /data/runs; sleep 1"]
    volumes: ["data:/data"]
volumes: {data: {}}
"#;

/// A deploy under way, on the machine.
pub(super) struct Deploy(Child);

/// Begins the n-th deploy.
pub(super) fn deploy(machine: &Machine, number: u32) -> Result<Deploy> {
    let word = format!("WORD=w{number}");
    let mut command = machine.run(["env", &word, BINARY, "deploy", "--file", FILE]);
    Ok(Deploy(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?))
}

impl Deploy {
    /// It ends well.
    pub(super) fn done(self) -> Result<()> {
        let output = self.0.wait_with_output()?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "the deploy ended with {}:\n{told}", output.status);
        Ok(())
    }

    /// It ended with its machine; had it ended before, the power failed too late.
    pub(super) fn lost(self) -> Result<()> {
        let output = self.0.wait_with_output()?;
        ensure!(!output.status.success(), "the deploy had ended before");
        Ok(())
    }
}

/// Waits until every answer is the word of one of these deploys, and always the same. Returns it.
pub(super) fn serves(machine: &Machine, numbers: &[u32]) -> Result<String> {
    let mut seen = String::new();
    let word = until(BOUND, || {
        let answers: Result<BTreeSet<String>> = (0..6).map(|_| answer()).collect();
        seen = format!("{answers:?}");
        let answers = answers.ok()?;
        let one = answers.first().filter(|_| answers.len() == 1)?;
        numbers.iter().any(|number| *one == format!("w{number}")).then(|| one.clone())
    });
    let of = || status(machine).map_or_else(|error| error.to_string(), |status| status.to_string());
    word.with_context(|| format!("one of {numbers:?} should serve: {seen}; {}", of()))
}

/// What port 80 says.
pub(super) fn answer() -> Result<String> {
    http::word(ADDRESS)?.map_err(|status| anyhow!("it answers {status:?}"))
}

fn status(machine: &Machine) -> Result<Value> {
    let words = [BINARY, "--format", "json", "status", "--project-name", NAME];
    Ok(serde_json::from_str(&machine.read(words)?)?)
}

/// Waits until no rollout is open.
pub(super) fn settled(machine: &Machine) -> Result<()> {
    let mut seen = String::new();
    let settled = until(BOUND, || {
        let status = status(machine);
        seen = format!("{status:?}");
        status.ok()?["open"].is_null().then_some(())
    });
    settled.with_context(|| format!("the rollout does not settle: {seen}"))
}

/// Which containers run, and how often the one-off has run.
pub(super) fn state(machine: &Machine) -> Result<(BTreeSet<String>, usize)> {
    let running = machine.read(["docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"])?;
    let volume = machine.read(["docker", "volume", "ls", "--quiet"])?;
    let volume = volume.lines().find(|name| name.contains("data")).context("no volume")?;
    let mount = format!("{volume}:/data:ro");
    let runs =
        machine.read(["docker", "run", "--rm", "--volume", &mount, IMAGE, "cat", "/data/runs"])?;
    Ok((running.lines().map(str::to_owned).collect(), runs.lines().count()))
}

/// Requests all the time.
pub(super) struct Load(load::Load);

impl Load {
    /// Nothing is sent twice.
    pub(super) fn strict() -> Result<Self> {
        Ok(Self(load::Load::start(LoadConfig::plain(ADDRESS), "strict")?))
    }

    /// A read whose connection ended before an answer goes out again, once, as a browser does.
    pub(super) fn that_repeats() -> Result<Self> {
        let config = LoadConfig { repeats_max: 1, ..LoadConfig::plain(ADDRESS) };
        Ok(Self(load::Load::start(config, "repeats")?))
    }

    /// Ends it; not one request may have failed.
    pub(super) fn clean(self) -> Result<()> {
        pass(LOAD_FOR);
        let report = self.0.stop_blocking();
        ensure!(report.is_clean(), "{report}");
        let total = &report.total;
        print(&format!("  {} requests, 0 failed, {} sent again", total.sent, total.retried));
        Ok(())
    }
}
