//! An engine killed while it begins a check of redis: the shim waits half a minute to be listened to, and
//! keeps the end of redis back for so long. Here redis ends meanwhile, by itself or since it is replaced.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::cell::{Runner, Scenario};
use super::fault::processes;
use super::half_done::{before_done, running};
use super::outcome::Outcome;
use super::points::Point;
use super::site::Site;
use super::units::Role;
use crate::host::until;

/// Where redis is replaced.
pub(super) const REPLACES: &str = "start stateful redis";
/// Checks that are begun at once; of these, one is on its way.
const CHECKS: usize = 6;
const BEGUN_BOUND: Duration = Duration::from_secs(10);
const END_BOUND: Duration = Duration::from_secs(5);

/// When redis ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// When it is stopped, to be replaced.
    Stopped,
    /// By itself, when it is to be replaced.
    BeforeItIsReplaced,
    /// By itself, when it has just been replaced.
    AfterItWasReplaced,
}

impl End {
    pub(super) const ALL: [Self; 3] =
        [Self::Stopped, Self::BeforeItIsReplaced, Self::AfterItWasReplaced];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Stopped => "a check of redis begun, then redis stopped",
            Self::BeforeItIsReplaced => "redis's end kept back, then redis stopped",
            Self::AfterItWasReplaced => "the new redis's end kept back",
        }
    }
}

impl Runner {
    /// Redis is replaced by a deploy that goes through.
    pub(super) fn kept_back_at(&mut self, step: &Point, end: End) -> io::Result<Outcome> {
        let at = match end {
            End::AfterItWasReplaced => before_done(step)?,
            End::Stopped | End::BeforeItIsReplaced => (step.intent, "after"),
        };
        let by_itself = end != End::Stopped;
        self.half_done_at(Scenario::Replace, at, |site| keep_back(site, by_itself))
    }
}

/// Whether the next engine takes redis for running although it has ended, or a check is on its way.
fn keep_back(site: &Site, ends: bool) -> io::Result<bool> {
    let world = site.world()?;
    let Some(redis) = running(&world, "redis") else { return Ok(false) };
    let process = site.engine.process_of(&redis.id)?;
    let check = || {
        let mut check = site.engine.docker_command(&["exec", &redis.id, "redis-cli", "ping"]);
        check.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let mut checks = (0..CHECKS).map(|_| check()).collect::<io::Result<Vec<_>>>()?;
    let begun = until(BEGUN_BOUND, || is_begun(&redis.id).then_some(()));
    site.units.stop(Role::Dockerd, Signal::KILL);
    for check in &mut checks {
        // Its engine is gone, and so it goes.
        if until(END_BOUND, || check.try_wait().ok().flatten()).is_none() {
            check.kill()?;
            check.wait()?;
        }
    }
    let ended = if ends { end(process)? } else { true };
    site.engine.start(&site.units)?;
    let seen = running(&site.world()?, "redis").is_some_and(|one| one.id == redis.id);
    Ok(begun.is_some() && ended && seen)
}

/// Whether a process is just being started in a container.
fn is_begun(container: &str) -> bool {
    let is_start = |arguments: &str| {
        let mut words = arguments.split('\0');
        words.next().is_some_and(|program| program.ends_with("runc"))
            && words.clone().any(|word| word == "exec")
            && words.any(|word| word == container)
    };
    processes().is_ok_and(|all| all.iter().any(|(_, arguments)| is_start(arguments)))
}

fn end(process: Pid) -> io::Result<bool> {
    kill_process(process, Signal::TERM)?;
    Ok(until(END_BOUND, || test_kill_process(process).is_err().then_some(())).is_some())
}
