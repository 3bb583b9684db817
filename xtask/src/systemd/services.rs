//! Agent and edge as systemd sees them.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::machine::Machine;
use crate::wait::until;

pub(super) const BINARY: &str = "/usr/local/bin/landfall";
pub(super) const AGENT: &str = "landfall-agent.service";
pub(super) const EDGE: &str = "landfall-edge.service";
/// In the order in which they are struck.
pub(super) const SERVICES: [&str; 2] = [EDGE, AGENT];

/// Until a service runs again.
const BOUND: Duration = Duration::from_mins(1);
/// In place of the units' own 30 and 60 seconds.
const WATCHDOG: &str = "[Service]\nWatchdogSec=3\n";
/// The bit of `CAP_NET_BIND_SERVICE`.
const LOW_PORTS: u64 = 1 << 10;
/// The bits of `CAP_SYS_ADMIN`, `CAP_NET_ADMIN` and `CAP_SYS_MODULE`: the agent is root, but not for these.
const NEVER: u64 = 1 << 21 | 1 << 12 | 1 << 16;

/// Installs both; returns what was written.
pub(super) fn install(machine: &Machine) -> Result<Vec<Value>> {
    let told = machine.read([BINARY, "--format", "json", "agent", "install"])?;
    let told: Value = serde_json::from_str(told.lines().last().unwrap_or_default())?;
    ensure!(told["started"] == true, "{told}");
    Ok(told["changed"].as_array().context("no list of changed files")?.clone())
}

/// Both run, and start with the machine.
pub(super) fn run(machine: &Machine) -> Result<()> {
    for service in SERVICES {
        for (verb, expected) in [("is-active", "active"), ("is-enabled", "enabled")] {
            let state = machine.read(["systemctl", verb, service])?;
            ensure!(state == expected, "{service} is {state}");
        }
    }
    Ok(())
}

/// The edge is no root and may bind low ports, nothing else; neither can get more than it has.
pub(super) fn are_confined(machine: &Machine) -> Result<()> {
    let edge = Status::of(machine, EDGE)?;
    ensure!(edge.number("Uid:", 10)? != 0, "the edge is root");
    ensure!(edge.number("CapEff:", 16)? == LOW_PORTS, "the edge's capabilities: {}", edge.text);
    let agent = Status::of(machine, AGENT)?;
    ensure!(agent.number("CapBnd:", 16)? & NEVER == 0, "the agent's capabilities: {}", agent.text);
    for status in [edge, agent] {
        ensure!(status.number("NoNewPrivs:", 10)? == 1, "{}", status.text);
    }
    Ok(())
}

/// What the kernel says of a process.
struct Status {
    text: String,
}

impl Status {
    fn of(machine: &Machine, service: &str) -> Result<Self> {
        let path = machine.file(&format!("/proc/{}/status", pid(machine, service)?));
        Ok(Self { text: fs::read_to_string(path)? })
    }

    fn number(&self, field: &str, radix: u32) -> Result<u64> {
        let line = self.text.lines().find_map(|line| line.strip_prefix(field));
        let first = line.and_then(|line| line.split_whitespace().next());
        let first = first.with_context(|| format!("there is no {field} in {}", self.text))?;
        Ok(u64::from_str_radix(first, radix)?)
    }
}

/// Its process, as the machine numbers it.
pub(super) fn pid(machine: &Machine, service: &str) -> Result<u32> {
    match show(machine, service, "MainPID")? {
        0 => bail!("{service} does not run"),
        pid => Ok(pid),
    }
}

/// How often systemd has started it again.
pub(super) fn starts(machine: &Machine, service: &str) -> Result<u32> {
    show(machine, service, "NRestarts")
}

fn show(machine: &Machine, service: &str, property: &str) -> Result<u32> {
    let property = format!("--property={property}");
    let shown = machine.read(["systemctl", "show", "--value", &property, service])?;
    shown.parse().with_context(|| format!("{service}: {property} is {shown:?}"))
}

/// Waits until systemd has started it once more, and it says that it is ready.
pub(super) fn started_again(machine: &Machine, service: &str, before: u32) -> Result<()> {
    let again = until(BOUND, || {
        let is_active = machine.read(["systemctl", "is-active", service]).is_ok();
        (is_active && starts(machine, service).ok()? > before).then_some(())
    });
    again.with_context(|| format!("{service} was not started again within {BOUND:?}"))
}

/// Shorter watchdogs, as an administrator would set them.
pub(super) fn set_watchdogs(machine: &Machine) -> Result<()> {
    for service in SERVICES {
        let folder = machine.file(&format!("/run/systemd/system/{service}.d"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("watchdog.conf"), WATCHDOG)?;
    }
    machine.read(["systemctl", "daemon-reload"])?;
    machine.read(["systemctl", "restart", EDGE, AGENT]).map(drop)
}
