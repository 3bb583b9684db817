//! What systemd is elsewhere: starts processes, and starts them again a moment after they end
//! (`Restart=always`, `RestartSec=`), until they are asked to stop, and holds the sockets of those
//! that ask for it (`FileDescriptorStoreMax=`).
//!
//! Processes are known by their role and struck by their own ids.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::holder::Holder;
use crate::host::{pass, until};

/// Time from the end of a process to its next start.
const RESTART_AFTER: Duration = Duration::from_millis(100);
/// Pause between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Asked to end, a process has this long before it is killed.
const STOP_BOUND: Duration = Duration::from_secs(20);

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Containerd,
    Dockerd,
    Edge,
    Agent,
    Registry,
}

struct Unit {
    role: Role,
    make: Box<dyn Fn() -> Command + Send>,
    log: PathBuf,
    holder: Option<Holder>,
    child: Option<Child>,
    wanted: bool,
    due: Instant,
    lives: u32,
}

impl Unit {
    fn pid(&self) -> Option<Pid> {
        self.child.as_ref().and_then(|child| Pid::from_raw(i32::try_from(child.id()).ok()?))
    }

    /// Starts it when it should run and does not.
    fn look(&mut self, now: Instant) {
        if self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
            self.child = None;
            self.due = now + RESTART_AFTER;
        }
        if self.wanted && self.child.is_none() && now >= self.due {
            // One that cannot be started is tried again, as one that ends at once.
            self.due = now + RESTART_AFTER;
            self.child = self.spawn().ok();
            self.lives += u32::from(self.child.is_some());
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = (self.make)();
        if let Some(holder) = &self.holder {
            command = holder.equip(&command)?;
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
    }
}

/// All supervised processes. Dropping it kills them.
pub(super) struct Units {
    all: Arc<Mutex<Vec<Unit>>>,
    ending: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
}

impl Units {
    pub(super) fn new() -> Self {
        let units = Arc::new(Mutex::new(Vec::<Unit>::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let (its_units, its_ending) = (Arc::clone(&units), Arc::clone(&ending));
        let keeper = thread::spawn(move || {
            while !its_ending.load(Ordering::Acquire) {
                let now = Instant::now();
                lock(&its_units).iter_mut().for_each(|unit| unit.look(now));
                pass(LOOK_EVERY);
            }
        });
        Self { all: units, ending, keeper: Some(keeper) }
    }

    /// Makes a process known; [`Units::start`] starts it.
    pub(super) fn add(
        &self,
        role: Role,
        log: PathBuf,
        make: impl Fn() -> Command + Send + 'static,
    ) {
        let (make, due) = (Box::new(make), Instant::now());
        let (holder, child, wanted, lives) = (None, None, false, 0);
        lock(&self.all).push(Unit { role, make, log, holder, child, wanted, due, lives });
    }

    /// Its sockets are held from now on, from one of its processes to the next.
    pub(super) fn hold(&self, role: Role, holder: Holder) {
        self.with(role, |unit| unit.holder = Some(holder));
    }

    fn with<T>(&self, role: Role, what: impl FnOnce(&mut Unit) -> T) -> Option<T> {
        lock(&self.all).iter_mut().find(|unit| unit.role == role).map(what)
    }

    /// From now on it runs.
    pub(super) fn start(&self, role: Role) {
        let now = Instant::now();
        self.with(role, |unit| {
            (unit.wanted, unit.due) = (true, now);
            unit.look(now);
        });
    }

    /// From now on it does not run: asked to end by this signal, killed when it does not.
    pub(super) fn stop(&self, role: Role, signal: Signal) {
        self.with(role, |unit| unit.wanted = false);
        self.signal(role, signal);
        if until(STOP_BOUND, || self.pid(role).is_none().then_some(())).is_none() {
            self.signal(role, Signal::KILL);
            until(STOP_BOUND, || self.pid(role).is_none().then_some(()));
        }
        self.with(role, |unit| unit.holder.iter().for_each(Holder::clear));
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self, role: Role) -> Option<Pid> {
        self.with(role, |unit| {
            unit.look(Instant::now());
            unit.pid()
        })?
    }

    /// How often it was started.
    pub(super) fn lives(&self, role: Role) -> u32 {
        self.with(role, |unit| unit.lives).unwrap_or_default()
    }

    /// Strikes it; whether it was there.
    pub(super) fn signal(&self, role: Role, signal: Signal) -> bool {
        // Looked at and struck under one lock, so that the id is still its own.
        self.with(role, |unit| unit.pid().is_some_and(|pid| kill_process(pid, signal).is_ok()))
            .unwrap_or(false)
    }
}

impl Drop for Units {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // It only looks and sleeps.
        let _ = self.keeper.take().map(JoinHandle::join);
        for unit in lock(&self.all).iter_mut().rev() {
            if let Some(mut child) = unit.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// Each change under the lock is complete in itself.
fn lock(units: &Mutex<Vec<Unit>>) -> MutexGuard<'_, Vec<Unit>> {
    units.lock().unwrap_or_else(PoisonError::into_inner)
}
