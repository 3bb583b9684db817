//! The acts, one after the other, and what must hold in each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::{Deploy, Project, Things, rss_kib};
use landfall_testing::load::{Load, LoadConfig, Report};
use serde_json::{Value, json};

use super::Args;
use crate::cmd::print;
use crate::stage::{Stage, free_port, shop_project};
use crate::text::{Checks, block, duration, mib, requests, steps, thousands};
use crate::wait;

const APP: &str = "landfall-demo";
const PORT: u16 = 18480;
/// How long a release is watched when nothing else happens.
const CALM: Duration = Duration::from_secs(4);

/// A deploy under load.
struct Act {
    /// What the shop is deployed as.
    release: &'static str,
    /// What is wrong with it.
    about: &'static str,
    /// The exit code it must have.
    exit_code: i32,
}

const ACTS: [Act; 5] = [
    Act { release: "v2", about: "a migration, a new field, new static files", exit_code: 0 },
    Act { release: "crash", about: "exits while it starts", exit_code: 3 },
    Act { release: "never-ready", about: "runs, and is never ready", exit_code: 3 },
    Act { release: "flaky", about: "is ready, and answers nothing else", exit_code: 3 },
    Act { release: "bad-migration", about: "its migration fails", exit_code: 3 },
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut demo = Demo::start(args)?;
    let played = demo.play(args);
    if args.keep {
        demo.leave();
    } else {
        // What went wrong before is worth more than what goes wrong now.
        let cleared = demo.stage.host.clear(APP).context("clear the demo away");
        return played.and(cleared);
    }
    played
}

struct Demo {
    stage: Stage,
    project: Project,
    port: u16,
    began: Instant,
    checks: Checks,
    told: Vec<Value>,
}

/// Memory of agent and edge.
#[derive(Clone, Copy)]
struct Memory {
    agent_kib: u64,
    edge_kib: u64,
}

impl Demo {
    fn start(args: &Args) -> Result<Self> {
        let mut stage = Stage::prepare("demo", &[APP])?;
        let began = Instant::now();
        stage.host.start()?;
        let port = free_port(PORT)?;
        print(&format!(
            "\nthe shop on port {port}, {} requests a second from the first moment it serves\n",
            args.rate
        ));
        let project = shop_project(APP, port);
        Ok(Self { stage, project, port, began, checks: Checks::default(), told: Vec::new() })
    }

    fn play(&mut self, args: &Args) -> Result<()> {
        let before = self.memory()?;
        let first = self.stage.host.deploy(&self.project, &[("RELEASE", "v1")])?;
        self.tell("v1", "the first deploy", &first);
        if first.exit_code != 0 {
            bail!("the first deploy did not succeed:\n{first}");
        }

        let mut config = LoadConfig::shop(&format!("127.0.0.1:{}", self.port));
        config.rate_per_s = args.rate;
        let load = Load::start(config, "v1 serves")?;
        wait::pass(CALM);
        tell_requests(&load);

        for act in &ACTS {
            load.phase(act.release);
            let env = [("RELEASE", act.release)];
            let deploy = self.stage.host.deploy(&self.project, &env)?;
            self.act(act.release, act.about, act.exit_code, 2, &deploy);
            tell_requests(&load);
        }
        load.phase("rollback");
        let back = self.stage.host.rollback(&self.project)?;
        self.act("rollback", "to v1", 0, 1, &back);
        tell_requests(&load);
        load.phase("v1 again");
        wait::pass(CALM);
        let report = load.stop_blocking();
        let after = self.memory()?;
        self.judge_load(&report);
        let kept = if args.keep { None } else { Some(self.take_down()?) };
        self.conclude(&report, before, after, kept.as_ref())
    }

    /// Judges and tells a rollout under load.
    fn act(&mut self, name: &str, about: &str, exit_code: i32, serving: u64, deploy: &Deploy) {
        self.tell(name, about, deploy);
        self.checks.expect(deploy.exit_code == exit_code, || {
            format!("{name}: exit code {} where {exit_code} was due", deploy.exit_code)
        });
        self.checks.expect(deploy.serving() == Some(serving), || {
            format!("{name}: r{serving} should serve, and {:?} does", deploy.serving())
        });
    }

    fn tell(&mut self, name: &str, about: &str, deploy: &Deploy) {
        let took = duration(deploy.total_ms().unwrap_or_default());
        let ended = match deploy.exit_code {
            0 => format!("done in {took}"),
            3 => format!("undone after {took}, the release before serves on"),
            code => format!("EXIT CODE {code} after {took}"),
        };
        print(&format!("{name} ({about}): {ended}"));
        if let Some(reason) = deploy.reason() {
            print(&block("  why", &reason));
        }
        print(&block("  steps", &steps(deploy)));
        let steps: Vec<Value> = deploy
            .steps()
            .iter()
            .map(|step| json!({"name": step.name, "subject": step.subject, "action": step.action, "ms": step.ms}))
            .collect();
        self.told.push(json!({
            "name": name, "exit_code": deploy.exit_code, "seconds": deploy.seconds,
            "total_ms": deploy.total_ms(), "reason": deploy.reason(), "steps": steps,
        }));
    }

    fn judge_load(&mut self, report: &Report) {
        let answered_by = [
            ("v1 serves", &["v1"][..]),
            ("v2", &["v1", "v2"]),
            ("crash", &["v2"]),
            ("never-ready", &["v2"]),
            ("flaky", &["v2"]),
            ("bad-migration", &["v2"]),
            ("rollback", &["v1", "v2"]),
            ("v1 again", &["v1"]),
        ];
        for (name, releases) in answered_by {
            let Some(phase) = report.phase(name) else { continue };
            let found: Vec<&str> = phase.by_release.keys().map(String::as_str).collect();
            self.checks.expect(found == releases, || {
                format!("{name}: {releases:?} should have answered, and {found:?} did")
            });
            self.checks.expect(phase.failed == 0 && phase.skipped == 0, || {
                format!("{name}: {} requests failed, {} not sent", phase.failed, phase.skipped)
            });
        }
        let writes = &report.writes;
        self.checks.expect(writes.acknowledged > 0 && writes.found == writes.acknowledged, || {
            let lost = writes.acknowledged - writes.found;
            format!("{lost} of {} acknowledged orders were not found", writes.acknowledged)
        });
    }

    /// Takes the app down; returns what is left, which must be its data alone.
    fn take_down(&mut self) -> Result<Things> {
        let down = self.stage.host.down(&self.project)?;
        self.tell("down", "its data stays", &down);
        self.checks.expect(down.exit_code == 0, || format!("down: exit code {}", down.exit_code));
        let left = self.stage.host.things(APP)?;
        let needless = left.without_volumes();
        self.checks.expect(needless.is_empty(), || format!("left over after down: {needless}"));
        let needless = left.of_scope("release");
        self.checks.expect(needless.is_empty(), || format!("left of a release: {needless}"));
        self.checks.expect(left.volumes.len() == 3, || format!("volumes after down: {left}"));
        Ok(left)
    }

    fn memory(&mut self) -> Result<Memory> {
        let host = &mut self.stage.host;
        let agent = host.agent_pid().and_then(rss_kib).context("the agent has ended")?;
        let edge = host.edge_pid().and_then(rss_kib).context("the edge has ended")?;
        Ok(Memory { agent_kib: agent, edge_kib: edge })
    }

    fn conclude(
        &mut self,
        report: &Report,
        before: Memory,
        after: Memory,
        kept: Option<&Things>,
    ) -> Result<()> {
        let (total, writes) = (&report.total, &report.writes);
        let seconds = self.began.elapsed().as_secs();
        print(&format!(
            "\nrequests    {} sent, {} failed, {} slow, {} sent again on a closed connection",
            thousands(total.sent),
            total.failed,
            total.slow,
            total.retried
        ));
        print(&format!(
            "orders      {} acknowledged, {} found afterwards, {} lost",
            thousands(writes.acknowledged),
            thousands(writes.found),
            writes.lost
        ));
        print(&format!(
            "memory      agent {} at the start, {} at the end; edge {}, {}",
            mib(before.agent_kib),
            mib(after.agent_kib),
            mib(before.edge_kib),
            mib(after.edge_kib)
        ));
        if let Some(kept) = kept {
            print(&format!("after down  {kept} (the demo's data, removed now)"));
        }
        for failure in report.failures.iter().take(10) {
            print(&format!("            {failure}"));
        }
        let memory = |m: Memory| json!({"agent_rss_kib": m.agent_kib, "edge_rss_kib": m.edge_kib});
        let whole = json!({
            "deploys": self.told, "load": report, "memory_start": memory(before),
            "memory_end": memory(after), "seconds": seconds, "broken": self.checks.broken,
        });
        self.stage.keep("report.json", &serde_json::to_string_pretty(&whole)?)?;
        if self.checks.broken.is_empty() {
            print(&format!("verdict     all of it held, in {seconds} s"));
            return Ok(());
        }
        for broken in &self.checks.broken {
            print(&format!("NOT HELD    {broken}"));
        }
        bail!("{} of the demo's promises did not hold", self.checks.broken.len())
    }

    /// The shop stays; says how to look at it and how to end it.
    fn leave(self) {
        let host = self.stage.host;
        print(&format!("\nthe shop stays at http://127.0.0.1:{}/", self.port));
        print(&format!("    export LANDFALL_RUN_DIR={}", host.run_dir().display()));
        print(&format!("    export LANDFALL_STATE_DIR={}", host.state_dir().display()));
        print(&format!("    {} -p {APP} status", self.stage.product.display()));
        host.leave_running();
    }
}

/// The figures of the phase under way.
fn tell_requests(load: &Load) {
    let figures = load.phases().last().map(requests).unwrap_or_default();
    print(&format!("{}\n", block("  requests", &figures)));
}
