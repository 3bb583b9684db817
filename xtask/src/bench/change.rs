//! Changing the trivial service, by every contender in turn: how long it takes, and what callers
//! notice of it.

use std::time::Duration;

use anyhow::{Result, bail};
use landfall_testing::host::{Host, Project};
use landfall_testing::load::{Load, LoadConfig};
use serde::Serialize;

use super::compose::Compose;
use super::floor::{Change, Floor};
use crate::cmd::say;
use crate::wait;

/// Changes under load, by each.
const CHANGES_UNDER_LOAD: u32 = 3;
const RATE_PER_S: u32 = 200;
const CALM: Duration = Duration::from_millis(500);

/// One round: each contender changed the service once.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Round {
    pub(super) floor: Change,
    /// The whole command.
    pub(super) landfall_ms: f64,
    /// The agent's share.
    pub(super) agent_ms: f64,
    pub(super) compose_ms: Option<f64>,
}

/// What callers noticed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Noticed {
    pub(super) changes: u32,
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) longest_gap_ms: f64,
}

/// The contenders, all serving.
pub(super) struct Contenders<'a> {
    pub(super) floor: Floor<'a>,
    pub(super) compose: Option<Compose<'a>>,
    pub(super) host: &'a Host,
    pub(super) project: Project,
}

impl Contenders<'_> {
    /// Takes turns, each round beginning with another one, so that none is always the first.
    pub(super) fn rounds(&mut self, count: u32) -> Result<Vec<Round>> {
        let mut rounds = Vec::new();
        for number in 1..=count {
            let release = format!("v{number}");
            let (mut floor, mut landfall, mut compose) = (None, None, None);
            for turn in 0..3 {
                match (number + turn) % 3 {
                    0 => floor = Some(self.floor.change(&release)?),
                    1 => landfall = Some(self.deploy(&release)?),
                    _ => {
                        if let Some(contender) = &self.compose {
                            compose = Some(contender.change(&release)?);
                        }
                    }
                }
            }
            let (Some(floor), Some((landfall_ms, agent_ms))) = (floor, landfall) else { continue };
            let compose_text = compose.map_or_else(String::new, |ms| format!(", compose {ms:.0}"));
            say(&format!(
                "round {number}/{count}: engine {:.0} ms, landfall {landfall_ms:.0}{compose_text}",
                floor.total_ms
            ));
            rounds.push(Round { floor, landfall_ms, agent_ms, compose_ms: compose });
        }
        Ok(rounds)
    }

    /// Deploys a release: milliseconds of the command, and of the agent.
    pub(super) fn deploy(&self, release: &str) -> Result<(f64, f64)> {
        let deploy = self.host.deploy(&self.project, &[("RELEASE", release)])?;
        let Some(agent_ms) = deploy.total_ms().filter(|_| deploy.exit_code == 0) else {
            bail!("deploying {release} did not succeed:\n{deploy}");
        };
        let agent_ms = f64::from(u32::try_from(agent_ms).unwrap_or(u32::MAX));
        Ok((deploy.seconds * 1e3, agent_ms))
    }

    /// Changes the service under load: by landfall, and by Compose.
    pub(super) fn under_load(
        &self,
        landfall_port: u16,
        compose_port: u16,
    ) -> Result<(Noticed, Option<Noticed>)> {
        say("changing the service under load");
        let landfall = noticed(landfall_port, |release| self.deploy(release).map(drop))?;
        let compose = self
            .compose
            .as_ref()
            .map(|contender| noticed(compose_port, |release| contender.change(release).map(drop)));
        Ok((landfall, compose.transpose()?))
    }
}

fn noticed(port: u16, change: impl Fn(&str) -> Result<()>) -> Result<Noticed> {
    let mut config = LoadConfig::plain(&format!("127.0.0.1:{port}"));
    config.rate_per_s = RATE_PER_S;
    let load = Load::start(config, "changes")?;
    for number in 0..CHANGES_UNDER_LOAD {
        wait::pass(CALM);
        change(&format!("loaded-{number}"))?;
    }
    wait::pass(CALM);
    let total = load.stop_blocking().total;
    Ok(Noticed {
        changes: CHANGES_UNDER_LOAD,
        sent: total.sent,
        failed: total.failed,
        longest_gap_ms: total.longest_gap_ms,
    })
}
