//! The run: load, deploys until there were enough, the judgement.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::Project;
use landfall_testing::load::{Connection, Kind, Load, LoadConfig, Part, Report};
use serde_json::json;

use super::leftover::{self, Shape};
use super::sample::{Sample, Trend, median, trends};
use super::{Args, leftover::shape};
use crate::cmd::{print, say};
use crate::stage::{Stage, free_port, shop_project};
use crate::text::{Checks, block, duration, mib, thousands};

const APP: &str = "landfall-soak";
const PORT: u16 = 18482;
const RELEASES: [&str; 2] = ["v2", "v1"];
/// Thousands of orders are asked for at the end.
const CHECK_BOUND: Duration = Duration::from_mins(5);

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut soak = Soak::start()?;
    let soaked = soak.soak(args);
    let cleared = soak.stage.host.clear(APP).context("clear the soak away");
    soaked.and(cleared)
}

struct Soak {
    stage: Stage,
    project: Project,
    target: String,
    began: Instant,
    samples: Vec<Sample>,
    checks: Checks,
}

impl Soak {
    fn start() -> Result<Self> {
        let mut stage = Stage::prepare("soak", &[APP])?;
        stage.host.start()?;
        let port = free_port(PORT)?;
        let project = shop_project(APP, port);
        let target = format!("127.0.0.1:{port}");
        let (samples, checks) = (Vec::new(), Checks::default());
        Ok(Self { stage, project, target, began: Instant::now(), samples, checks })
    }

    fn soak(&mut self, args: &Args) -> Result<()> {
        let first = self.stage.host.deploy(&self.project, &[("RELEASE", "v1")])?;
        if first.exit_code != 0 {
            bail!("the first deploy did not succeed:\n{first}");
        }
        let first = shape(&self.stage.host.things(APP)?);
        let load = Load::start(config(&self.target, args.rate), "soak")?;
        let deployed = self.deploy_until_enough(&load, args);
        let report = load.stop_blocking();
        deployed?;
        self.judge(args, &report, &first)
    }

    fn deploy_until_enough(&mut self, load: &Load, args: &Args) -> Result<()> {
        for number in 1.. {
            let release = RELEASES[(number as usize - 1) % RELEASES.len()];
            let deploy = self.stage.host.deploy(&self.project, &[("RELEASE", release)])?;
            if deploy.exit_code != 0 {
                bail!("deploy {number} of {release} did not succeed:\n{deploy}");
            }
            let mut sample = Sample::take(&mut self.stage.host, number, release, &deploy)?;
            if let Some(phase) = load.phases().last() {
                (sample.requests, sample.failed) = (phase.sent, phase.failed);
            }
            say(&format!(
                "{number}/{}: {release} in {}, {} requests so far, {} failed, agent {}, edge {}",
                args.deploys,
                duration(sample.total_ms),
                thousands(sample.requests),
                sample.failed,
                mib(sample.agent_rss_kib),
                mib(sample.edge_rss_kib)
            ));
            let enough = number >= args.deploys && sample.requests >= args.requests;
            self.samples.push(sample);
            if enough {
                break;
            }
        }
        Ok(())
    }

    fn judge(&mut self, args: &Args, report: &Report, first: &Shape) -> Result<()> {
        let there = leftover::judge(&self.stage, &self.project, first, &mut self.checks)?;
        let trends = trends(&self.samples);
        for trend in trends.iter().filter(|trend| !trend.flat) {
            self.checks.expect(false, || format!("not flat: {}", trend.text()));
        }
        let (total, writes) = (&report.total, &report.writes);
        self.checks.expect(total.failed == 0, || format!("{} requests failed", total.failed));
        self.checks.expect(total.skipped == 0, || {
            format!("{} requests were not sent: the rate is too high here", total.skipped)
        });
        self.checks.expect(total.ok >= args.requests.min(total.sent), || {
            format!("{} of {} requests were answered", total.ok, total.sent)
        });
        self.checks.expect(writes.acknowledged > 0 && writes.found == writes.acknowledged, || {
            format!("of {} acknowledged orders {} were found", writes.acknowledged, writes.found)
        });
        let lines = self.lines(args, report, &trends, &there);
        let text = lines.join("\n") + "\n";
        print(&format!("\n{}", text.trim_end()));
        let whole = json!({
            "deploys": self.samples, "load": report, "trends": trends, "left": there,
            "seconds": self.began.elapsed().as_secs(), "rate_per_s": args.rate,
            "broken": self.checks.broken,
        });
        self.stage.keep("report.json", &serde_json::to_string_pretty(&whole)?)?;
        self.stage.keep("report.txt", &text)?;
        if self.checks.broken.is_empty() {
            return Ok(());
        }
        bail!("{} of the soak's promises did not hold", self.checks.broken.len())
    }

    fn lines(&self, args: &Args, report: &Report, trends: &[Trend], there: &str) -> Vec<String> {
        let (total, writes) = (&report.total, &report.writes);
        let times = || self.samples.iter().map(|sample| sample.total_ms);
        let state = |sample: Option<&Sample>| mib(sample.map_or(0, |sample| sample.state_kib));
        let releases: Vec<String> = total
            .by_release
            .iter()
            .map(|(r, count)| format!("{r} {}", thousands(*count)))
            .collect();
        let mut lines = vec![
            block(
                "deploys",
                &format!(
                    "{} in {}, each {} (median; {} to {})",
                    self.samples.len(),
                    duration(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)),
                    duration(median(times().collect())),
                    duration(times().min().unwrap_or_default()),
                    duration(times().max().unwrap_or_default())
                ),
            ),
            block(
                "requests",
                &format!(
                    "{} sent at {} a second, {} failed, {} not sent, {} slow, {} sent again on a \
                     closed connection, p50 {:.1} ms, p99 {:.0} ms, longest gap {:.0} ms; \
                     answered by {}",
                    thousands(total.sent),
                    args.rate,
                    total.failed,
                    total.skipped,
                    total.slow,
                    total.retried,
                    total.p50_ms,
                    total.p99_ms,
                    total.longest_gap_ms,
                    releases.join(", ")
                ),
            ),
            block(
                "orders",
                &format!(
                    "{} acknowledged, {} found afterwards, {} lost",
                    thousands(writes.acknowledged),
                    thousands(writes.found),
                    writes.lost
                ),
            ),
        ];
        lines.extend(trends.iter().map(|trend| block("over time", &trend.text())));
        let (first, last) = (self.samples.first(), self.samples.last());
        lines.push(block("state", &format!("{} at first, {} at last", state(first), state(last))));
        lines.push(block("left", there));
        lines
            .extend(report.failures.iter().take(10).map(|failure| block("", &failure.to_string())));
        if self.checks.broken.is_empty() {
            lines.push(block("verdict", "all of it held"));
        }
        lines.extend(self.checks.broken.iter().map(|broken| block("NOT HELD", broken)));
        lines
    }
}

/// Mostly static files and versions; one request in ten is what customers do otherwise.
fn config(target: &str, rate_per_s: u32) -> LoadConfig {
    use Connection::{Fresh, KeepAlive};
    LoadConfig {
        mix: vec![
            Part::new(Kind::Static, KeepAlive, 800),
            Part::new(Kind::Static, Fresh, 60),
            Part::new(Kind::Version, KeepAlive, 60),
            Part::new(Kind::Version, Fresh, 20),
            Part::new(Kind::Page, KeepAlive, 16),
            Part::new(Kind::Page, Fresh, 8),
            Part::new(Kind::Api, KeepAlive, 8),
            Part::new(Kind::Order, KeepAlive, 10),
            Part::new(Kind::Order, Fresh, 6),
            Part::new(Kind::Slow, KeepAlive, 4),
            Part::new(Kind::Slow, Fresh, 4),
            Part::new(Kind::Upload, KeepAlive, 2),
            Part::new(Kind::Upload, Fresh, 2),
        ],
        rate_per_s,
        // A machine that stalls for a moment must not make us leave requests out.
        in_flight_max: 512,
        page_text: "Catalog".to_owned(),
        check_bound: CHECK_BOUND,
        ..LoadConfig::soak(target)
    }
}
