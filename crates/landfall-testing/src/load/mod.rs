//! A load generator that sees what a strict client sees: every refused or reset connection, every
//! timeout, 5xx, truncated or wrong body counts as failed, and every acknowledged order is asked
//! for afterwards (invariant I9).
//!
//! It sends at a constant rate, whether answers come or not (open loop), from a thread of its own,
//! so the caller may block. It knows HTTP and the example shop's addresses, and nothing of landfall.
//! Reading order: `config`, `drive`, `client`, `call`, `stats`, `writes`, `report`.

mod call;
mod client;
mod config;
mod drive;
mod histogram;
mod report;
mod stand_in;
mod stats;
mod writes;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

pub use config::{Connection, Kind, LoadConfig, Part};
pub use report::{Failure, PhaseReport, Report, WritesReport};
pub use stand_in::StandIn;

use stats::Stats;

/// A running load. Dropping it stops the sending and forgets the report.
pub struct Load {
    stats: Arc<Mutex<Stats>>,
    stop: oneshot::Sender<()>,
    report: oneshot::Receiver<Report>,
}

impl Load {
    /// Starts sending, in a first phase of this name. Fails if the target's name does not resolve.
    pub fn start(config: LoadConfig, phase: &str) -> io::Result<Self> {
        let target = resolve(&config.target)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stats = Arc::new(Mutex::new(Stats::new(phase, Instant::now(), config.failures_max)));
        let (stop, stopped) = oneshot::channel();
        let (send_report, report) = oneshot::channel();
        let shared = Arc::clone(&stats);
        thread::Builder::new().name("load".to_owned()).spawn(move || {
            let result = runtime.block_on(drive::run(config, target, shared, stopped));
            // A caller who dropped the load does not want the report.
            let _ = send_report.send(result);
        })?;
        Ok(Self { stats, stop, report })
    }

    /// From now on, requests count for a new phase. One in flight counts where it was sent.
    pub fn phase(&self, name: &str) {
        lock(&self.stats).begin_phase(name, Instant::now());
    }

    /// The figures so far.
    pub fn phases(&self) -> Vec<PhaseReport> {
        lock(&self.stats).phases(Instant::now())
    }

    /// Stops sending, waits for the answers in flight, asks for every acknowledged order.
    pub async fn stop(self) -> Report {
        let _ = self.stop.send(()); // it may have stopped by a panic, which the next line tells
        self.report.await.expect("the load's thread ends with a report")
    }

    /// [`Load::stop`] for callers outside an async runtime.
    pub fn stop_blocking(self) -> Report {
        let _ = self.stop.send(());
        self.report.blocking_recv().expect("the load's thread ends with a report")
    }
}

fn resolve(target: &str) -> io::Result<SocketAddr> {
    let none = || io::Error::new(io::ErrorKind::NotFound, format!("{target} has no address"));
    target.to_socket_addrs()?.next().ok_or_else(none)
}

/// The figures stay usable when a holder of the lock panicked: they are only counters.
fn lock(stats: &Mutex<Stats>) -> MutexGuard<'_, Stats> {
    stats.lock().unwrap_or_else(PoisonError::into_inner)
}
