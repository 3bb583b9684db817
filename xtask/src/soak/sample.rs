//! What is looked at after every deploy, and whether it stays flat.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use landfall_testing::host::{Deploy, Host, open_files, rss_kib};
use serde::Serialize;

use crate::text::mib;

/// Memory may differ by this between two quarters: allocators give back late.
const MARGIN_PERCENT: u64 = 5;
const MARGIN_KIB: u64 = 1024;
/// Open files may differ by this: connections come and go.
const MARGIN_FILES: u64 = 32;
/// Fewer samples make no quarters.
const SAMPLES_MIN: usize = 12;

/// After one deploy.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sample {
    pub(super) deploy: u32,
    pub(super) release: &'static str,
    pub(super) exit_code: i32,
    pub(super) total_ms: u64,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) agent_rss_kib: u64,
    pub(super) edge_rss_kib: u64,
    pub(super) agent_files: u64,
    pub(super) edge_files: u64,
    /// Releases, journals, the edge's tables.
    pub(super) state_kib: u64,
}

impl Sample {
    pub(super) fn take(
        host: &mut Host,
        number: u32,
        release: &'static str,
        deploy: &Deploy,
    ) -> Result<Self> {
        let agent = host.agent_pid().context("the agent has ended")?;
        let edge = host.edge_pid().context("the edge has ended")?;
        let rss = |pid| rss_kib(pid).context("a process has ended");
        let files = |pid| open_files(pid).map(|files| files as u64).context("a process has ended");
        Ok(Self {
            deploy: number,
            release,
            exit_code: deploy.exit_code,
            total_ms: deploy.total_ms().unwrap_or_default(),
            requests: 0,
            failed: 0,
            agent_rss_kib: rss(agent)?,
            edge_rss_kib: rss(edge)?,
            agent_files: files(agent)?,
            edge_files: files(edge)?,
            state_kib: size(&host.state_dir()) / 1024,
        })
    }
}

/// One figure over time: the medians of the second and of the last quarter. The first quarter is
/// left out, since caches and pools fill then.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Trend {
    pub(super) what: &'static str,
    pub(super) second_quarter: u64,
    pub(super) last_quarter: u64,
    pub(super) at_most: u64,
    pub(super) flat: bool,
}

impl Trend {
    /// `agent memory 15.1 MiB → 15.2 MiB (at most 16.1 MiB)`.
    pub(super) fn text(&self) -> String {
        let show = |value: u64| {
            if self.what.ends_with("memory") { mib(value) } else { value.to_string() }
        };
        format!(
            "{} {} → {} (at most {})",
            self.what,
            show(self.second_quarter),
            show(self.last_quarter),
            show(self.at_most)
        )
    }
}

/// Memory and open files of both processes; nothing when there are too few samples to tell.
pub(super) fn trends(samples: &[Sample]) -> Vec<Trend> {
    if samples.len() < SAMPLES_MIN {
        return Vec::new();
    }
    let memory = |kib: u64| kib + (kib * MARGIN_PERCENT / 100).max(MARGIN_KIB);
    let files = |files: u64| files + MARGIN_FILES;
    vec![
        trend("agent memory", samples, |sample| sample.agent_rss_kib, memory),
        trend("edge memory", samples, |sample| sample.edge_rss_kib, memory),
        trend("agent open files", samples, |sample| sample.agent_files, files),
        trend("edge open files", samples, |sample| sample.edge_files, files),
    ]
}

fn trend(
    what: &'static str,
    samples: &[Sample],
    figure: impl Fn(&Sample) -> u64,
    at_most: impl Fn(u64) -> u64,
) -> Trend {
    let quarter = |number: usize| {
        let range = samples.len() * number / 4..samples.len() * (number + 1) / 4;
        median(samples[range].iter().map(&figure).collect())
    };
    let (second_quarter, last_quarter) = (quarter(1), quarter(3));
    let at_most = at_most(second_quarter);
    Trend { what, second_quarter, last_quarter, at_most, flat: last_quarter <= at_most }
}

/// The middle value; zero of none.
pub(super) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Bytes of all files below a folder. What vanishes meanwhile counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(u32) -> u64) -> Vec<Sample> {
        let sample = |number| Sample {
            deploy: number,
            release: "v1",
            exit_code: 0,
            total_ms: 0,
            requests: 0,
            failed: 0,
            agent_rss_kib: memory(number),
            edge_rss_kib: 20_000,
            agent_files: 20,
            edge_files: 60,
            state_kib: 0,
        };
        (1..=40).map(sample).collect()
    }

    fn agent_is_flat(memory: impl Fn(u32) -> u64) -> bool {
        trends(&samples(memory))[0].flat
    }

    #[test]
    fn memory_that_fills_once_is_flat_and_memory_that_leaks_is_not() {
        assert!(agent_is_flat(|_| 20_000));
        assert!(agent_is_flat(|number| 20_000 + u64::from(number.min(8)) * 1_000));
        assert!(!agent_is_flat(|number| 20_000 + u64::from(number) * 100));
        assert!(trends(&samples(|_| 1)[..SAMPLES_MIN - 1]).is_empty());
    }
}
