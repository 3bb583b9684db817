//! The control: the same product, told not to sync, in the same deploys. Cuts of it must find losses
//! on the agent's disk and on the edge's, or the other cuts prove nothing. Nothing is started from
//! what these leave.

use anyhow::{Result, bail};

use super::app::Wish;
use super::judge::{Loss, Of};
use super::play::Play;

/// Tells agent and edge not to sync.
const UNSYNCED: &str = "LANDFALL_UNSYNCED";
/// At the most.
const CUTS_MAX: u32 = 10;

/// Of how many cuts.
#[derive(Default)]
pub(super) struct Control {
    pub(super) cuts: u32,
    /// These lost something of the agent's.
    pub(super) agent: u32,
    /// These lost something of the edge's.
    pub(super) edge: u32,
    /// What the first of them lost, of each.
    pub(super) examples: Vec<String>,
}

impl Control {
    /// Whether both disks have lost something.
    pub(super) fn is_seen(&self) -> bool {
        self.agent > 0 && self.edge > 0
    }

    fn count(&mut self, lost: &[Loss]) {
        self.cuts += 1;
        for (of, count) in [(Of::Agent, &mut self.agent), (Of::Edge, &mut self.edge)] {
            if let Some(loss) = lost.iter().find(|loss| loss.of == of) {
                if *count == 0 {
                    self.examples.push(format!("{}: {}", of.name(), loss.what));
                }
                *count += 1;
            }
        }
    }
}

impl Play {
    pub(super) fn control(&mut self, cuts: u32) -> Result<Control> {
        // The way of cutting alone must lose nothing.
        if let Some(loss) = self.control_cut()?.first() {
            bail!("even what syncs lost: {}", loss.what);
        }
        self.host.stop()?;
        self.host.set_env(UNSYNCED, "1");
        self.host.start()?;
        let mut control = Control::default();
        // A cut may come when all is written by chance: then one more tells.
        while control.cuts < cuts || (!control.is_seen() && control.cuts < CUTS_MAX) {
            control.count(&self.control_cut()?);
        }
        Ok(control)
    }

    fn control_cut(&mut self) -> Result<Vec<Loss>> {
        // What was told before is forgotten: only what is told from now on may be lost.
        self.events.clear();
        self.deploy_whole()?;
        let under_way = self.begin(Wish::Upgrade)?;
        self.let_pass(Wish::Upgrade);
        let (lost, running) = self.cut_and_go_on(under_way)?;
        self.events.extend(running.wait()?.events);
        self.settled()?;
        Ok(lost)
    }
}
