//! `cargo xtask simulate`: the agent in a simulated world, optimised, on all cores.

use anyhow::Result;

use crate::cmd::{cmd, root, run as run_program};
use crate::product::executable;

/// Seeds of every test run.
const QUICK_SEEDS: &str = "5000";

/// What to run; without anything a thousand seeds.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Random runs, one a seed.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Every single fault at every call of every scenario.
    #[arg(long)]
    exhaustive: bool,
    /// Plant each protocol bug and find it.
    #[arg(long)]
    mutations: bool,
    /// Only this bug.
    #[arg(long, requires = "mutations")]
    only: Option<String>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// One run, told call by call: `seed 7`, or `upgrade | 12 | CrashAfter`.
    #[arg(long)]
    replay: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut words: Vec<String> = vec!["--jobs".into(), args.jobs.to_string()];
    if let Some(case) = &args.replay {
        words.extend(["--replay".into(), case.clone()]);
        return simulate(&words);
    }
    let nothing = !args.exhaustive && !args.mutations;
    if let Some(seeds) = args.seeds.or(nothing.then_some(1_000)) {
        words.extend(["--seeds".into(), seeds.to_string()]);
        words.extend(["--seed".into(), args.seed.to_string()]);
    }
    if args.exhaustive {
        words.push("--exhaustive".into());
    }
    if args.mutations {
        words.push("--mutations".into());
    }
    if let Some(only) = &args.only {
        words.extend(["--only".into(), only.clone()]);
    }
    simulate(&words)
}

/// What every test run simulates.
pub(crate) fn quick() -> Result<()> {
    let words = ["--exhaustive", "--seeds", QUICK_SEEDS, "--mutations", "--jobs", "2"];
    simulate(&words.map(str::to_owned))
}

fn simulate(words: &[String]) -> Result<()> {
    let package = ["--package", "landfall-simulation", "--bin", "landfall-simulation"];
    let program = executable(&[&["build", "--profile", "sim"][..], &package].concat())?;
    run_program(cmd(program, words).current_dir(root()))
}
