//! What came of all cuts, and the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};

use super::control::Control;
use super::judge::Loss;
use crate::cmd::print;

/// Losses that are told one by one.
const SHOWN_MAX: usize = 20;

/// Counted over all cuts.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) cuts: u32,
    /// By what the world knew to be under way.
    at: BTreeMap<String, u32>,
    /// Acknowledged records.
    records: usize,
    /// How often one of them was looked for.
    looks: usize,
    pub(super) losses: Vec<String>,
}

impl Tally {
    /// One more cut; `records` are acknowledged by now.
    pub(super) fn count(&mut self, at: String, records: usize, lost: &[Loss]) {
        self.cuts += 1;
        *self.at.entry(at).or_default() += 1;
        self.records = records;
        self.looks += records;
        let lost = lost.iter();
        let cut = self.cuts;
        self.losses
            .extend(lost.map(|loss| format!("cut {cut}: {}: {}", loss.of.name(), loss.what)));
    }

    /// Prints the first of them.
    pub(super) fn tell_losses(&self) {
        self.losses.iter().take(SHOWN_MAX).for_each(|loss| print(&format!("LOST {loss}")));
    }

    /// Prints it; an error if anything is lost, or the control is not.
    pub(super) fn report(&self, deploys: u32, took: Duration, control: &Control) -> Result<()> {
        let rows = [
            ("power cuts, each with a start from what it left", self.cuts.to_string()),
            ("deploys and roll backs", deploys.to_string()),
            ("acknowledged records", self.records.to_string()),
            ("looked for after every later cut, in all", self.looks.to_string()),
            ("losses", self.losses.len().to_string()),
            ("seconds", took.as_secs().to_string()),
            ("control: cuts of a product that does not sync", control.cuts.to_string()),
            ("control: of them lost something of the agent", control.agent.to_string()),
            ("control: of them lost something of the edge", control.edge.to_string()),
        ];
        for (what, value) in rows {
            print(&format!("{what:52} {value:>8}"));
        }
        control.examples.iter().for_each(|example| print(&format!("  for example {example}")));
        print("cuts by what was under way:");
        self.at.iter().for_each(|(at, cuts)| print(&format!("  {at:50} {cuts:>8}")));
        self.tell_losses();
        if !self.losses.is_empty() {
            bail!("something acknowledged is not there after a power cut");
        }
        if !control.is_seen() {
            bail!("what does not sync lost nothing: these cuts prove nothing");
        }
        Ok(())
    }
}
