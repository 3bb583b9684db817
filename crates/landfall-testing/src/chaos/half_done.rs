//! What an engine that ended half-way leaves, made by hand so that it is there for sure. Containers that
//! run and that it takes for ones between an exit and the next start: it neither signals them nor lets them
//! go. An interface in a container that no network knows: no other can be joined. Nothing gets stuck on
//! these, and `repair` brings them back. And a join of which the container knows nothing, and a container
//! that knows nothing of its network: the agent mends these itself.

use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::app::App;
use super::cell::{Runner, SETTLE_BOUND, Scenario, finish};
use super::judge::Verdict;
use super::outcome::Outcome;
use super::points::Point;
use super::revive::restart;
use super::site::Site;
use super::units::Role;
use super::world::{Container, World};
use crate::host::run_ok;

/// Where redis is joined to the networks of a release.
pub(super) const JOINS: &str = "link stateful";
/// Where the singleton of a release is made.
pub(super) const MAKES: &str = "hand over beat";
/// Interfaces left behind, of which one is in the engine's way.
const STRAYS: u32 = 6;
/// What `repair` says to do about a container on Engine 20.10, before and after the processes' ids.
const BY_HAND: [&str; 2] = ["`kill ", "`, then restart the engine"];
const COMMAND_BOUND: Duration = Duration::from_secs(10);

/// Services whose containers are taken so, at once: what a release has of its own, and what outlives it.
pub(super) const CASES: [(&str, &[&str]); 2] = [
    ("a release's taken for restarting", &["web", "worker", "beat"]),
    ("redis taken for restarting", &["redis"]),
];

impl Runner {
    /// Containers of these services are mistaken before a deploy, which may go through or be undone.
    pub(super) fn mistaken_before(&mut self, services: &[&str]) -> io::Result<Outcome> {
        self.left_before("restarting", |site| mistake(site, services))
    }

    /// An interface is left behind in redis before a deploy, which is undone.
    pub(super) fn stray_before(&mut self) -> io::Result<Outcome> {
        self.left_before("network", leave_interface)
    }

    /// The engine forgets that it joined redis to the release's network, at this step: the agent finds the
    /// network's word against the container's, and has it joined again.
    pub(super) fn forgotten_at(&mut self, step: &Point) -> io::Result<Outcome> {
        self.half_done_at(Scenario::Upgrade, before_done(step)?, forget_join)
    }

    /// The engine has made the singleton by half, at this step: the agent has it made anew.
    pub(super) fn half_made_at(&mut self, step: &Point) -> io::Result<Outcome> {
        self.half_done_at(Scenario::Upgrade, before_done(step)?, make_by_half)
    }

    /// The agent is killed too, before or after this record. It goes through with the deploy, and leaves
    /// nothing to repair. `leave` says whether it found something to strike.
    pub(super) fn half_done_at(
        &mut self,
        scenario: Scenario,
        at: (u64, &str),
        leave: impl FnOnce(&Site) -> io::Result<bool>,
    ) -> io::Result<Outcome> {
        self.live_restore(true)?;
        let wish = self.wish(scenario);
        self.under_load(|runner, outcome| {
            let before = runner.before()?;
            let client = runner.begin_to_stand(&wish, at)?;
            let (site, began) = (&runner.site, Instant::now());
            outcome.struck = leave(site)?;
            site.units.signal(Role::Agent, Signal::KILL);
            let deploy = finish(client, None)?;
            site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
            let (_, drift) = site.operator("drift")?;
            if drift["findings"].as_array().is_none_or(|findings| !findings.is_empty()) {
                outcome.broken.push(format!("something was left for `repair`: {drift}"));
            }
            runner.settle(&before, &wish, outcome);
            if outcome.struck && outcome.verdict == Some(Verdict::Undone) {
                // Then it was something else that the agent met.
                outcome.broken.push(format!("the deploy should go through: {deploy}"));
            }
            outcome.seconds = began.elapsed().as_secs_f64();
            outcome.compare(&deploy);
            Ok(())
        })
    }

    /// `leave` says how many containers it struck; `drift` must find so many of this kind, and `repair`
    /// mend them.
    fn left_before(
        &mut self,
        kind: &str,
        leave: impl FnOnce(&Site) -> io::Result<usize>,
    ) -> io::Result<Outcome> {
        self.live_restore(true)?;
        let wish = self.wish(Scenario::Upgrade);
        self.under_load(|runner, outcome| {
            let (before, began) = (runner.before()?, Instant::now());
            let count = leave(&runner.site)?;
            let (_, drift) = runner.site.operator("drift")?;
            let findings = drift["findings"].as_array().into_iter().flatten();
            let told = findings.filter(|one| one["kind"] == kind && one["mend"] == "repair");
            outcome.struck = count > 0;
            if told.count() != count {
                outcome.broken.push(format!("`drift` should tell of {count}: {drift}"));
            }
            let deploy = finish(runner.begin(&wish)?, None)?;
            let repaired = by_hand(&runner.site)?;
            outcome.repaired = runner.put_right()? || repaired;
            runner.settle(&before, &wish, outcome);
            outcome.seconds = began.elapsed().as_secs_f64();
            outcome.compare(&deploy);
            Ok(())
        })
    }
}

/// The moment before it is written down that a step is done.
pub(super) fn before_done(step: &Point) -> io::Result<(u64, &'static str)> {
    let done = step.outcome.ok_or_else(|| io::Error::other("the step has no outcome"))?;
    Ok((done, "before"))
}

/// Repairs, and does what that says that only a person can: ends processes and restarts the engine.
/// Whether there was something to repair.
fn by_hand(site: &Site) -> io::Result<bool> {
    let (_, repaired) = site.operator("repair")?;
    let any = repaired["done"].as_array().is_some_and(|done| !done.is_empty());
    let told = repaired["failed"].to_string();
    let parts = told.split(BY_HAND[0]).filter_map(|part| part.split_once(BY_HAND[1]));
    let processes: Vec<_> = parts.flat_map(|(processes, _)| processes.split(' ')).collect();
    if processes.is_empty() {
        return Ok(any);
    }
    for process in processes {
        let process = process.parse().ok().and_then(Pid::from_raw);
        let process = process.ok_or_else(|| io::Error::other(format!("no process: {told}")))?;
        kill_process(process, Signal::TERM)?;
    }
    restart(site)?;
    site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
    Ok(true)
}

/// Lets the next engine find on its disk what one leaves that ended between a failed start and the next,
/// when `containerd` has the container running. How many containers it takes for restarting then.
fn mistake(site: &Site, services: &[&str]) -> io::Result<usize> {
    let world = site.world()?;
    let of_these = |service: &str| services.contains(&service);
    let struck: Vec<_> =
        world.ours().filter(|one| one.running && of_these(one.label("service"))).collect();
    rewrite(site, struck.iter().map(|one| one.id.as_str()), |config| {
        let state = &mut config["State"];
        (state["Restarting"], state["Pid"]) = (true.into(), 0.into());
    })?;
    Ok(struck.len())
}

/// Lets the next engine find what one leaves that is killed between joining redis to its newest network
/// and writing that down. Whether there was one.
fn forget_join(site: &Site) -> io::Result<bool> {
    let world = site.world()?;
    let Some(redis) = running(&world, "redis") else { return Ok(false) };
    let number = |network: &str| network.rsplit_once("-d")?.1.parse::<u64>().ok();
    let newest = redis.addresses.keys().max_by_key(|network| number(network));
    let Some(network) = newest.filter(|network| number(network).is_some()) else {
        return Ok(false);
    };
    let mut forgotten = false;
    rewrite(site, [redis.id.as_str()].into_iter(), |config| {
        let networks = config["NetworkSettings"]["Networks"].as_object_mut();
        forgotten = networks.is_some_and(|networks| networks.remove(network).is_some());
    })?;
    Ok(forgotten)
}

/// Lets the next engine find what one leaves that is killed while it makes the singleton, and has written
/// it down without its network. Whether there was one.
fn make_by_half(site: &Site) -> io::Result<bool> {
    let world = site.world()?;
    let Some(beat) = running(&world, "beat") else { return Ok(false) };
    let seen = site.engine.json(&format!("/containers/{}/json", beat.id))?;
    let mut body = seen["Config"].clone();
    body["HostConfig"] = seen["HostConfig"].clone();
    site.engine.docker(&["rm", "--force", &beat.id])?;
    let made = site.engine.create(&beat.name, &body)?;
    rewrite(site, std::iter::once(made.as_str()), |config| {
        config["NetworkSettings"]["Networks"] = Value::Null;
    })?;
    Ok(true)
}

/// Kills the engine, and has the next one find this on its disk of these containers.
fn rewrite<'a>(
    site: &Site,
    containers: impl Iterator<Item = &'a str>,
    mut change: impl FnMut(&mut Value),
) -> io::Result<()> {
    site.units.stop(Role::Dockerd, Signal::KILL);
    for id in containers {
        let path = site.engine.container_folder(id).join("config.v2.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path)?)?;
        change(&mut config);
        fs::write(&path, serde_json::to_vec(&config)?)?;
    }
    site.engine.start(&site.units)
}

pub(super) fn running<'a>(world: &'a World, service: &str) -> Option<&'a Container> {
    world.ours().find(|one| one.running && one.label("service") == service)
}

/// Leaves what an engine leaves that is killed between giving redis an interface and writing it down.
fn leave_interface(site: &Site) -> io::Result<usize> {
    let world = site.world()?;
    let Some(redis) = running(&world, "redis") else { return Ok(0) };
    let pid = site.engine.process_of(&redis.id)?.as_raw_nonzero().to_string();
    let inside = |words: &[&str]| {
        let mut command = Command::new("nsenter");
        run_ok(command.args(["--net", "--target", &pid, "--", "ip"]).args(words), COMMAND_BOUND)
    };
    let links = inside(&["-brief", "link"])?;
    let numbers = links.lines().filter_map(|line| line.strip_prefix("eth")?.split('@').next());
    let last = numbers.filter_map(|number| number.parse::<u32>().ok()).max().unwrap_or_default();
    // The engine counts on from the last one that there was, which may be gone.
    for number in last + 1..=last + STRAYS {
        let (name, peer) = (format!("eth{number}"), format!("stray{number}"));
        inside(&["link", "add", &name, "type", "veth", "peer", "name", &peer])?;
    }
    Ok(1)
}
