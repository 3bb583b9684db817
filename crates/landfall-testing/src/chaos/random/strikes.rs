//! The faults of one round, at their moments.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Random;
use super::plan::{Hit, Plan};
use crate::chaos::app::App;
use crate::chaos::fault::{self, Fault};
use crate::chaos::units::Role;
use crate::host::{Running, pass};

impl Random {
    /// All of them, and the cancel when it is wanted.
    pub(super) fn strike_all(
        &mut self,
        plan: &Plan,
        client: &mut Option<Running>,
    ) -> io::Result<()> {
        let (began, mut cancel_at_ms) = (Instant::now(), plan.cancel_at_ms);
        let wait = |at_ms| {
            pass((began + Duration::from_millis(at_ms)).saturating_duration_since(Instant::now()));
        };
        for (at_ms, hit) in &plan.hits {
            if let Some(cancel_at_ms) = cancel_at_ms.take_if(|cancel_at_ms| *cancel_at_ms <= *at_ms)
            {
                wait(cancel_at_ms);
                self.cancel()?;
            }
            wait(*at_ms);
            self.strike(*hit, client)?;
        }
        if let Some(cancel_at_ms) = cancel_at_ms {
            wait(cancel_at_ms);
            self.cancel()?;
        }
        Ok(())
    }

    /// Calls off what is open; there may be nothing any more.
    fn cancel(&self) -> io::Result<()> {
        let mut command = self.runner.site.host.landfall();
        command.args(["cancel", "-p", App::NAME]).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null()).status().map(drop)
    }

    fn strike(&mut self, hit: Hit, client: &mut Option<Running>) -> io::Result<()> {
        let site = &self.runner.site;
        let (name, there) = match hit {
            Hit::AgentKilled => {
                ("agent killed".to_owned(), site.units.signal(Role::Agent, Signal::KILL))
            }
            Hit::AgentStopped { for_ms } => {
                let there = site.units.signal(Role::Agent, Signal::STOP);
                pass(Duration::from_millis(for_ms));
                site.units.signal(Role::Agent, Signal::CONT);
                ("agent stopped and continued".to_owned(), there)
            }
            Hit::ClientKilled => {
                ("client killed".to_owned(), fault::strike(site, Fault::ClientKilled, client)?)
            }
            Hit::EdgeKilled => {
                let from = Instant::now();
                let there = site.units.signal(Role::Edge, Signal::KILL);
                site.wait_edge()?;
                self.tally.edge_away.push((from, Instant::now()));
                ("edge killed".to_owned(), there)
            }
            Hit::Fault(fault) => {
                let name = match fault {
                    Fault::DiskFull { which, .. } => format!("{which:?} disk full").to_lowercase(),
                    _ => fault.title(),
                };
                (name, fault::strike(site, fault, client)?)
            }
            Hit::DiskFreed => {
                for disk in [&site.disks.engine, &site.disks.agent, &site.disks.edge] {
                    disk.free()?;
                }
                return Ok(());
            }
        };
        *self.tally.hits.entry(name).or_default() += u64::from(there);
        Ok(())
    }
}
