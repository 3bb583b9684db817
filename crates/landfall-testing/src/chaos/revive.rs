//! What an operator does about an engine that has lost its way: starts it again. Each case is a fault of
//! the engine alone, recognised by what its own log says.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::app::App;
use super::site::Site;
use super::units::Role;
use crate::host::until;

/// It started on a full disk and does not know these containers, which run on, until it starts again.
const UNREGISTERED: &str = "failed to register container";
/// It started while `containerd`, which has its images, was away, and does not know these either.
const UNMOUNTED: &str = "failed to load container mount";
/// It started while `containerd` was away: it lists them, and can do nothing with them.
const UNRESTORED: &str = "failed to restore container with containerd";
/// A container's start met the end of `containerd`: it runs, the engine thinks that it does not, and
/// fails to start it for ever.
const RUNNING_UNKNOWN: &str = "cannot delete running task";

/// Time for it to end.
const END_BOUND: Duration = Duration::from_mins(1);
/// Bytes of its log that are read at most: it may repeat itself thousands of times a second.
const LOG_BYTES_MAX: u64 = 256 << 20;
const PIECE_BYTES: usize = 1 << 20;

/// Watches an engine's log from here on.
#[derive(Debug)]
pub(super) struct Watch {
    from: u64,
}

impl Watch {
    pub(super) fn begin(site: &Site) -> io::Result<Self> {
        Ok(Self { from: File::open(site.engine.log())?.metadata()?.len() })
    }

    /// Restarts the engine if it has lost its way since the last look; says whether it had.
    pub(super) fn revive(&mut self, site: &Site) -> io::Result<bool> {
        site.engine.wait()?;
        let [running_unknown, lost @ ..] = self.said(site)?;
        let has_lost = lost.contains(&true) || running_unknown && is_one_restarting(site)?;
        if has_lost {
            restart(site)?;
            *self = Self::begin(site)?;
        }
        Ok(has_lost)
    }

    /// Which of them it said since it is watched.
    fn said(&self, site: &Site) -> io::Result<[bool; 4]> {
        let mut log = File::open(site.engine.log())?;
        log.seek(SeekFrom::Start(self.from))?;
        said(log.take(LOG_BYTES_MAX), [RUNNING_UNKNOWN, UNREGISTERED, UNMOUNTED, UNRESTORED])
    }
}

/// Restarts the engine, whose containers run on, and lets a rollout go on that got stuck meanwhile.
pub(super) fn restart(site: &Site) -> io::Result<()> {
    end_engine(site, Signal::TERM)?;
    let mut resume = site.host.landfall();
    // There may be none. Whoever calls waits until it has settled.
    resume
        .args(["resume", "-p", App::NAME, "--detach"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    resume.status().map(drop)
}

/// Ends the engine and waits until the next one answers.
pub(super) fn end_engine(site: &Site, signal: Signal) -> io::Result<()> {
    let lives = site.units.lives(Role::Dockerd);
    site.units.signal(Role::Dockerd, signal);
    let is_next = || (site.units.lives(Role::Dockerd) > lives).then_some(());
    until(END_BOUND, is_next).ok_or_else(|| io::Error::other("dockerd does not end"))?;
    site.engine.wait()
}

fn said<const N: usize>(mut log: impl Read, those: [&str; N]) -> io::Result<[bool; N]> {
    let longest = those.iter().map(|what| what.len()).max().unwrap_or_default();
    let (mut found, mut window, mut piece) = ([false; N], Vec::new(), vec![0; PIECE_BYTES]);
    loop {
        let count = log.read(&mut piece)?;
        window.extend_from_slice(&piece[..count]);
        for (found, what) in found.iter_mut().zip(those) {
            *found |= window.windows(what.len()).any(|part| part == what.as_bytes());
        }
        if count == 0 || found.iter().all(|found| *found) {
            return Ok(found);
        }
        // What was said may lie across two pieces.
        window.drain(..window.len().saturating_sub(longest));
    }
}

fn is_one_restarting(site: &Site) -> io::Result<bool> {
    let containers = site.engine.json("/containers/json?all=1")?;
    let states = containers.as_array().into_iter().flatten().map(|one| &one["State"]);
    Ok(states.filter_map(Value::as_str).any(|state| state == "restarting"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::said;

    /// Gives a few bytes at a time.
    struct Pieces<'a>(&'a [u8]);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(3);
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn what_was_said_is_found_across_pieces() {
        let log = Pieces(b"level=error msg=\"cannot delete running task 12\"\n");
        let found = said(log, ["failed to register", "cannot delete running task"]);
        assert_eq!(found.unwrap(), [false, true]);
    }
}
