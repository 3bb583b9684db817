//! Two writers beside the state that say after each line that it is written: one syncs first, the
//! other does not. The first must never lose a line, the second must: else the cuts cut nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::wait::pause;

const EVERY: Duration = Duration::from_millis(20);
/// Lines are of this length, so that a size tells a count.
const LINE: &[u8; 16] = b"acknowledged....";

/// A writer, and how many lines it has said to be written.
pub(super) struct Writer {
    name: &'static str,
    said: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Writer {
    pub(super) fn start(dir: &Path, name: &'static str, syncs: bool) -> Result<Self> {
        let mut file = File::create(dir.join(name))?;
        File::open(dir)?.sync_all()?;
        file.sync_all()?;
        let (said, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (saying, stopped) = (Arc::clone(&said), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                file.write_all(LINE)?;
                if syncs {
                    file.sync_all()?;
                }
                saying.fetch_add(1, Ordering::SeqCst);
                pause(EVERY);
            }
            Ok(())
        });
        Ok(Self { name, said, stop, thread: Some(thread) })
    }

    /// Lines that are said to be written, at this moment.
    pub(super) fn said(&self) -> u64 {
        self.said.load(Ordering::SeqCst)
    }

    /// Lines that a copy of the disk lacks of those that were said to be written.
    pub(super) fn lost(&self, said: u64, copy: &Path) -> u64 {
        let there = fs::metadata(copy.join(self.name)).map_or(0, |file| file.len());
        said.saturating_sub(there / LINE.len() as u64)
    }

    pub(super) fn stop(mut self) -> Result<()> {
        self.stop.store(true, Ordering::SeqCst);
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(anyhow!("the writer of {} panicked", self.name)),
            Some(Ok(outcome)) => outcome,
            None => Ok(()),
        }
    }
}
