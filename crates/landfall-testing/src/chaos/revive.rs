//! What an operator does about an engine that has lost its way: starts it again. Each case is a fault of
//! the engine alone, recognised by what its own log says.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::site::Site;
use super::units::Role;
use crate::host::until;

/// It started on a full disk and does not know these containers, which run on, until it starts again.
const UNREGISTERED: &str = "failed to register container";
/// A container's start met the end of `containerd`: it runs, the engine thinks that it does not, and
/// fails to start it for ever.
const RUNNING_UNKNOWN: &str = "cannot delete running task";

/// Time for it to end.
const END_BOUND: Duration = Duration::from_mins(1);
/// Bytes of its log that are read at most: it may repeat itself thousands of times a second.
const LOG_BYTES_MAX: u64 = 256 << 20;

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
        let has_lost = self.said(site, UNREGISTERED)?
            || self.said(site, RUNNING_UNKNOWN)? && is_one_restarting(site)?;
        if has_lost {
            site.units.signal(Role::Dockerd, Signal::TERM);
            until(END_BOUND, || (!site.engine.answers()).then_some(()));
            site.engine.wait()?;
            *self = Self::begin(site)?;
        }
        Ok(has_lost)
    }

    fn said(&self, site: &Site, what: &str) -> io::Result<bool> {
        let mut log = File::open(site.engine.log())?;
        log.seek(SeekFrom::Start(self.from))?;
        let (mut log, mut window) = (log.take(LOG_BYTES_MAX), Vec::new());
        let mut piece = vec![0; 1 << 20];
        loop {
            let count = log.read(&mut piece)?;
            window.extend_from_slice(&piece[..count]);
            if window.windows(what.len()).any(|part| part == what.as_bytes()) {
                return Ok(true);
            }
            if count == 0 {
                return Ok(false);
            }
            // What was said may lie across two pieces.
            window.drain(..window.len().saturating_sub(what.len()));
        }
    }
}

fn is_one_restarting(site: &Site) -> io::Result<bool> {
    let containers = site.engine.json("/containers/json?all=1")?;
    let states = containers.as_array().into_iter().flatten().map(|one| &one["State"]);
    Ok(states.filter_map(Value::as_str).any(|state| state == "restarting"))
}
