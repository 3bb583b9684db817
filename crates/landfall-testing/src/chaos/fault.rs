//! The faults, and how each strikes. Whoever plays somebody who removes things by hand does it with
//! the engine's own commands.

use std::fs;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::site::Site;
use super::units::Role;
use super::world::{Container, Thing, World};
use crate::host::{Running, pass, until};

/// A stopped agent stays so for this long.
const STOPPED_FOR: Duration = Duration::from_millis(1_500);
/// A full disk stays full for at most this long after the deploy began.
pub(super) const FULL_FOR: Duration = Duration::from_secs(8);

/// A person takes off what is joined, and tries again so often.
const REMOVALS_MAX: usize = 5;

/// A disk that can be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    Engine,
    Agent,
    Edge,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// The agent, by SIGKILL, before or after a record is durable. Strikes by itself.
    AgentKilled { before: bool },
    /// The agent, by SIGSTOP; a second one is refused meanwhile; then SIGCONT.
    AgentStopped,
    /// The edge, by SIGKILL.
    EdgeKilled,
    /// The client, by SIGKILL.
    ClientKilled,
    /// `dockerd`, by SIGTERM or SIGKILL, with or without live-restore.
    EngineEnds { kill: bool, live: bool },
    /// `containerd`, by SIGKILL.
    ContainerdKilled,
    /// The shim of a serving container, by SIGKILL.
    ShimKilled,
    /// A container of the candidate, removed by hand; of what serves where there is none.
    ContainerRemoved,
    /// A container of the candidate, removed by hand, if there is one.
    CandidateRemoved,
    /// The candidate's network, removed by hand with everything in it cut off.
    NetworkRemoved,
    /// A disk has no more room than this, for a while.
    DiskFull { which: Which, leave_kib: u64 },
}

/// What may become of a cell's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requests {
    /// Each has its answer on its one connection.
    Hold,
    /// Each has its answer, some of them by a second connection.
    SentAgain,
    /// Counted apart.
    MayFail,
}

impl Fault {
    /// Whether live-restore is on while it strikes.
    pub(super) fn live_restore(self) -> bool {
        self != Self::EngineEnds { kill: true, live: false }
            && self != Self::EngineEnds { kill: false, live: false }
    }

    /// The edge takes the connections with it that it had, an engine without live-restore the
    /// containers.
    pub(super) fn requests(self) -> Requests {
        match self {
            Self::EdgeKilled => Requests::SentAgain,
            _ if self.live_restore() => Requests::Hold,
            _ => Requests::MayFail,
        }
    }

    /// Whether somebody takes something away that is not his.
    pub(super) fn is_of_a_hand(self) -> bool {
        matches!(self, Self::ContainerRemoved | Self::CandidateRemoved | Self::NetworkRemoved)
    }

    /// Whether an operator looks after it: no deploy mends what a hand took of the release that serves,
    /// nor what an engine or its `containerd` leaves half started or half joined.
    pub(super) fn is_looked_after(self) -> bool {
        let ends_half_way = matches!(self, Self::EngineEnds { .. } | Self::ContainerdKilled);
        self.is_of_a_hand() || ends_half_way
    }

    /// A column's head.
    pub(super) fn title(self) -> String {
        match self {
            Self::AgentKilled { before: true } => "agent killed before".to_owned(),
            Self::AgentKilled { before: false } => "agent killed after".to_owned(),
            Self::AgentStopped => "agent stopped".to_owned(),
            Self::EdgeKilled => "edge killed".to_owned(),
            Self::ClientKilled => "client killed".to_owned(),
            Self::EngineEnds { kill, live } => {
                let signal = if kill { "KILL" } else { "TERM" };
                format!("dockerd {signal}, live-restore {}", if live { "on" } else { "off" })
            }
            Self::ContainerdKilled => "containerd killed".to_owned(),
            Self::ShimKilled => "shim killed".to_owned(),
            Self::ContainerRemoved => "container removed".to_owned(),
            Self::CandidateRemoved => "candidate's container removed".to_owned(),
            Self::NetworkRemoved => "network removed".to_owned(),
            Self::DiskFull { which, leave_kib } => {
                let disk = match which {
                    Which::Engine => "engine",
                    Which::Agent => "agent",
                    Which::Edge => "edge",
                };
                format!("{disk} disk: {leave_kib} KiB left")
            }
        }
    }
}

/// Strikes while the agent stands still at a record, and lets it go on. `Ok(false)`: here was nothing
/// to strike.
pub(super) fn strike(site: &Site, fault: Fault, client: &mut Option<Running>) -> io::Result<bool> {
    let go_on = || site.units.signal(Role::Agent, Signal::CONT);
    if fault.is_of_a_hand() || fault == Fault::ShimKilled {
        // The fault before this one may have ended the engine: a person tries again.
        site.engine.wait()?;
    }
    let there = match fault {
        // Struck by itself.
        Fault::AgentKilled { .. } => true,
        Fault::AgentStopped => {
            refuses_a_second_agent(site)?;
            pass(STOPPED_FOR);
            true
        }
        Fault::EdgeKilled => site.units.signal(Role::Edge, Signal::KILL),
        Fault::ClientKilled => match client.take() {
            Some(client) => client.kill().is_ok(),
            None => false,
        },
        Fault::EngineEnds { kill, .. } => {
            // It goes on first: its call is to be under way when the engine ends.
            go_on();
            site.units.signal(Role::Dockerd, if kill { Signal::KILL } else { Signal::TERM })
        }
        Fault::ContainerdKilled => {
            go_on();
            site.units.signal(Role::Containerd, Signal::KILL)
        }
        Fault::ShimKilled => kill_shim(&site.world()?)?,
        Fault::ContainerRemoved => remove_container(site, true)?,
        Fault::CandidateRemoved => remove_container(site, false)?,
        Fault::NetworkRemoved => remove_network(site)?,
        Fault::DiskFull { which, leave_kib } => {
            fill(site, which, leave_kib)?;
            true
        }
    };
    go_on();
    Ok(there)
}

/// Takes a disk's room.
pub(super) fn fill(site: &Site, which: Which, leave_kib: u64) -> io::Result<()> {
    let disk = match which {
        Which::Engine => &site.disks.engine,
        Which::Agent => &site.disks.agent,
        Which::Edge => &site.disks.edge,
    };
    disk.fill(leave_kib << 10)
}

/// Ends what lasts: gives all room back, and waits until engine, edge and agent answer.
pub(super) fn mend(site: &Site) -> io::Result<()> {
    site.disarm()?;
    site.units.signal(Role::Agent, Signal::CONT);
    site.disks.engine.free()?;
    site.disks.agent.free()?;
    site.disks.edge.free()?;
    site.engine.wait()?;
    site.wait_edge()?;
    site.wait_agent()
}

/// Whether the process is stopped.
pub(super) fn is_stopped(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok();
    // After the name, which may hold anything, comes the state.
    stat.and_then(|stat| stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with('T')))
        .unwrap_or(false)
}

/// While one agent is stopped, another must not take its state.
fn refuses_a_second_agent(site: &Site) -> io::Result<()> {
    let mut command = site.host.landfall();
    let mut second = command.args(["agent", "run"]).stderr(Stdio::null()).spawn()?;
    let status = until(Duration::from_secs(10), || second.try_wait().ok().flatten());
    match status {
        Some(status) if !status.success() => Ok(()),
        other => {
            second.kill()?;
            second.wait()?;
            Err(io::Error::other(format!("a second agent was not refused: {other:?}")))
        }
    }
}

/// The newest rollout of which there is a container, if it is not the one before.
fn candidate(world: &World) -> Option<u64> {
    let mut rollouts: Vec<u64> = world
        .ours()
        .filter(|one| one.label("scope") == "release")
        .filter_map(|one| one.label("rollout").parse().ok())
        .collect();
    rollouts.sort_unstable();
    rollouts.dedup();
    (rollouts.len() > 1).then(|| rollouts.pop()).flatten()
}

/// A replica of `web`: of the candidate if it has one yet, else of what serves.
fn web(world: &World, of_serving_too: bool) -> Option<&Container> {
    let newest = candidate(world);
    let webs = || world.ours().filter(|one| one.label("service") == "web" && one.running);
    let of_candidate =
        |one: &&Container| newest.is_some_and(|n| one.label("rollout") == n.to_string());
    webs().find(of_candidate).or_else(|| webs().next().filter(|_| of_serving_too))
}

fn remove_container(site: &Site, of_serving_too: bool) -> io::Result<bool> {
    let world = site.world()?;
    let Some(victim) = web(&world, of_serving_too) else { return Ok(false) };
    site.engine.docker(&["rm", "-f", &victim.id]).map(|_| true)
}

fn remove_network(site: &Site) -> io::Result<bool> {
    let mut attempts_left = REMOVALS_MAX;
    loop {
        let world = site.world()?;
        let Some(newest) = newest_network(&world) else { return Ok(false) };
        let connected = world.containers.iter().filter(|c| c.addresses.contains_key(&newest.name));
        for container in connected {
            // A container that never ran may not be joined yet: the removal tells.
            let words = ["network", "disconnect", "-f", &newest.id, &container.id];
            let _ = site.engine.docker(&words);
        }
        attempts_left -= 1;
        match site.engine.docker(&["network", "rm", &newest.id]) {
            Ok(_) => return Ok(true),
            // A call of the agent's was under way when it was stopped.
            Err(error) if error.to_string().contains("active endpoints") && attempts_left > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// The newest rollout's, if there are two.
fn newest_network(world: &World) -> Option<&Thing> {
    let release = |thing: &Thing| {
        let is_release = thing.labels.get("scope").is_some_and(|scope| scope == "release");
        is_release.then(|| thing.labels.get("rollout")?.parse::<u64>().ok()).flatten()
    };
    let mut networks: Vec<_> =
        world.networks.iter().filter_map(|network| Some((release(network)?, network))).collect();
    networks.sort_by_key(|(rollout, _)| *rollout);
    networks.pop().filter(|_| !networks.is_empty()).map(|(_, newest)| newest)
}

/// The shim's arguments name its container.
fn kill_shim(world: &World) -> io::Result<bool> {
    let serving = world.ours().filter(|one| one.label("service") == "web" && one.running);
    let Some(victim) = serving.min_by_key(|one| one.label("rollout").parse().unwrap_or(u64::MAX))
    else {
        return Ok(false);
    };
    for (pid, arguments) in processes()? {
        let mut words = arguments.split('\0');
        let is_shim = words.next().is_some_and(|program| program.contains("containerd-shim"));
        if is_shim && words.any(|word| word == victim.id) {
            return Ok(kill_process(pid, Signal::KILL).is_ok());
        }
    }
    Ok(false)
}

/// All processes of our namespace, with their arguments.
pub(super) fn processes() -> io::Result<Vec<(Pid, String)>> {
    let entries = fs::read_dir("/proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    let with_arguments = |pid: i32| {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some((Pid::from_raw(pid)?, String::from_utf8_lossy(&bytes).into_owned()))
    };
    Ok(pids.filter_map(with_arguments).collect())
}
