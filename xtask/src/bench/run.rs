//! The run: everybody starts, the rounds, the load, the edge, the tables.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use landfall_testing::host::{Project, rss_kib};

use super::Args;
use super::change::Contenders;
use super::compose::Compose;
use super::edge;
use super::floor::Floor;
use super::loading;
use super::table::{ALLOWED_MS, Figure, Idle, Results};
use crate::cmd::{print, root, say};
use crate::setup::newest;
use crate::stage::{Stage, free_port};
use crate::wait;

const APP: &str = "landfall-bench";
const PORT: u16 = 18484;
const COMPOSE_PORT: u16 = 18486;
/// How long agent and edge are left alone before their memory is read.
const CALM: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.only_loading {
        return loading::alone(args.json);
    }
    let mut stage = Stage::prepare("bench", &[APP])?;
    stage.host.start()?;
    wait::pass(CALM);
    let idle = idle(&mut stage)?;
    let measured = measure(&stage, args, idle);
    stage.host.clear(APP).context("clear the bench away")?;
    let mut results = measured?;
    stage.host.stop()?;
    let compose = compose_program();
    results.loading = Some(loading::measure(&stage.product, compose.as_deref())?);
    if !args.no_edge {
        say("the edge against nginx (about two minutes)");
        let table = edge::run(&stage.product).map_err(|error| anyhow!(error))?;
        results.edge = Some(table.to_string());
    }
    let json = serde_json::to_string_pretty(&results)?;
    stage.keep("report.json", &json)?;
    stage.keep("report.md", &(results.text() + "\n"))?;
    print(&if args.json { json } else { format!("\n{}", results.text()) });
    if results.under_load.failed > 0 {
        bail!("{} requests failed during deploys", results.under_load.failed);
    }
    if results.loading.as_ref().is_some_and(|loading| !loading.within_goal) {
        bail!("reading compose files takes longer than it may");
    }
    if !results.within_goal {
        bail!("a deploy takes more than {ALLOWED_MS:.0} ms above the engine's floor");
    }
    Ok(())
}

fn measure(stage: &Stage, args: &Args, idle: Idle) -> Result<Results> {
    let (port, compose_port) = (free_port(PORT)?, free_port(COMPOSE_PORT)?);
    let project = Project::new(root().join("examples/hello/compose.yaml"), APP)
        .with("HTTP_PORT", &port.to_string());
    let floor = Floor::start(&stage.engine)?;
    let compose = compose(stage, compose_port)?;
    let version = compose.as_ref().map(Compose::version).transpose()?;
    let mut contenders = Contenders { floor, compose, host: &stage.host, project };
    contenders.deploy("v0")?;

    let load_average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load_average = load_average.split(' ').next().unwrap_or("?").to_owned();
    let rounds = contenders.rounds(args.rounds)?;
    let (under_load, compose_under_load) = contenders.under_load(port, compose_port)?;
    drop(contenders);

    let figure = |value: fn(&super::change::Round) -> f64| Figure::of(rounds.iter().map(value));
    let floor = figure(|round| round.floor.total_ms);
    let landfall = figure(|round| round.landfall_ms);
    let compose_up =
        version.is_some().then(|| Figure::of(rounds.iter().filter_map(|round| round.compose_ms)));
    Ok(Results {
        engine: stage.engine.version()?,
        compose: version,
        cores: std::thread::available_parallelism().map_or(0, Into::into),
        load_average,
        floor,
        landfall,
        agent: figure(|round| round.agent_ms),
        compose_up,
        within_goal: landfall.median_ms <= floor.median_ms + ALLOWED_MS,
        under_load,
        compose_under_load,
        idle,
        edge: None,
        loading: None,
        rounds,
    })
}

/// Compose's program, where it can be had.
pub(super) fn compose_program() -> Option<PathBuf> {
    let tools =
        newest::fetch().inspect_err(|error| say(&format!("compose is left out: {error:#}")));
    tools.ok().map(|tools| tools.compose())
}

/// Compose as a contender.
fn compose(stage: &Stage, port: u16) -> Result<Option<Compose<'_>>> {
    let program = compose_program();
    program.map(|program| Compose::start(&stage.engine, program, port)).transpose()
}

fn idle(stage: &mut Stage) -> Result<Idle> {
    let agent = stage.host.agent_pid().and_then(rss_kib).context("the agent has ended")?;
    let edge = stage.host.edge_pid().and_then(rss_kib).context("the edge has ended")?;
    let binary_bytes = fs::metadata(&stage.product)?.len();
    Ok(Idle { agent_rss_kib: agent, edge_rss_kib: edge, binary_bytes })
}
