//! A state folder read as a starting agent would read it, and told: each rollout's records and what
//! the fold says comes next, each sealed copy. For tests that cut the power; nothing is driven.

use std::path::Path;

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::record::{Record, Verdict};
use landfall_core::rollout::{Next, Rollout};
use serde::Serialize;
use serde_json::Value;

use crate::store::{Copies, Journal, StoreError, Stored};

/// What stands in a state folder.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// All rollouts of all apps, in order.
    pub rollouts: Vec<InspectedRollout>,
    /// Releases whose content is stored.
    pub kept: Vec<(AppName, ReleaseNumber)>,
    /// Sealed copies that can be read.
    pub copies: Vec<(AppName, ReleaseNumber)>,
    /// Sealed copies that cannot, and why.
    pub broken_copies: Vec<String>,
}

/// One rollout.
#[derive(Debug, Serialize)]
pub struct InspectedRollout {
    /// Whose.
    pub app: AppName,
    /// Its number.
    pub rollout: RolloutNumber,
    /// Its records as they stand on disk, without the plan.
    pub records: Vec<Value>,
    /// What comes next, in words.
    pub next: String,
    /// The cutover is recorded as done.
    pub past_pivot: bool,
}

/// Reads and checks all of it: pages, hashes, numbers, formats, folds.
pub fn read_state(state_dir: &Path) -> Result<Inspection, StoreError> {
    let stored = Stored::read(state_dir)?;
    let mut broken_copies = Vec::new();
    let mut copies = Vec::new();
    for (path, copy) in Copies::new(state_dir).all()? {
        match copy {
            Ok(copy) => copies.push((copy.sealed.app, copy.sealed.number)),
            Err(error) => broken_copies.push(format!("{}: {error}", path.display())),
        }
    }
    let rollouts = stored.journals.iter().map(told).collect::<Result<_, _>>()?;
    Ok(Inspection { rollouts, kept: stored.kept, copies, broken_copies })
}

fn told(journal: &Journal) -> Result<InspectedRollout, StoreError> {
    let records = || journal.entries.iter().map(|entry| entry.record.clone());
    let rollout =
        Rollout::replay(records()).map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(InspectedRollout {
        app: journal.header.app.clone(),
        rollout: journal.header.rollout,
        records: records().map(|record| short(&record)).collect(),
        next: next(&rollout.next()),
        past_pivot: rollout.is_past_pivot(),
    })
}

fn short(record: &Record) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("plan");
    }
    value
}

fn next(next: &Next) -> String {
    let ended = |verdict: &Verdict| match verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::RolledBack { .. } => "rolled back",
        Verdict::Abandoned { .. } => "abandoned",
    };
    match next {
        Next::Do(step) => format!("do {step}"),
        Next::Undo(step) => format!("undo {step}"),
        Next::Turn(_) => "turn".to_owned(),
        Next::Hold | Next::Held => "hold".to_owned(),
        Next::Stick(_) | Next::Stuck(_) => "stuck".to_owned(),
        Next::End(verdict) | Next::Ended(verdict) => ended(verdict).to_owned(),
    }
}
