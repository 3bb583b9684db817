//! `cargo xtask simulate` runs this, optimised: seeds, every single fault, planted bugs, replays.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use landfall_core::mutation::Mutation;
use landfall_simulation::corpus::Case;
use landfall_simulation::fault::Fault;
use landfall_simulation::sweep::{self, Found, Sum};

/// What is asked for.
#[derive(Debug)]
struct Args {
    seeds: u64,
    seed: u64,
    exhaustive: bool,
    mutations: bool,
    only: Option<String>,
    jobs: u64,
    replay: Option<String>,
}

impl Args {
    fn parse() -> Result<Self, String> {
        let mut args = Self {
            seeds: 0,
            seed: 1,
            exhaustive: false,
            mutations: false,
            only: None,
            jobs: 2,
            replay: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |text: String| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
            match word.as_str() {
                "--seeds" => args.seeds = number(value()?)?,
                "--seed" => args.seed = number(value()?)?,
                "--jobs" => args.jobs = number(value()?)?.max(1),
                "--exhaustive" => args.exhaustive = true,
                "--mutations" => args.mutations = true,
                "--only" => args.only = Some(value()?),
                "--replay" => args.replay = Some(value()?),
                other => return Err(format!("{other} is not known")),
            }
        }
        Ok(args)
    }
}

fn main() -> ExitCode {
    let args = match Args::parse() {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    if work(&args) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(args: &Args) -> bool {
    if let Some(case) = &args.replay {
        return replay(case);
    }
    let mut good = told("corpus", sweep::corpus, false);
    if args.exhaustive {
        good &= told("exhaustive", || sweep::exhaustive(args.jobs), true);
    }
    if args.seeds > 0 {
        let began = Instant::now();
        let tell = |at: u64| {
            if at > 0 && at.is_multiple_of(50_000) {
                #[expect(clippy::cast_precision_loss, reason = "only shown")]
                let rate = at as f64 / began.elapsed().as_secs_f64();
                println!("… {at} seeds, {rate:.0} a second");
            }
        };
        let name = format!("{} seeds from {}", args.seeds, args.seed);
        good &= told(&name, || sweep::seeds(args.seed, args.seeds, args.jobs, &tell), false);
    }
    if args.mutations {
        good &= mutations(args);
    }
    good
}

/// Tells what many runs came to; whether all was well.
fn told(name: &str, runs: impl FnOnce() -> Sum, complete: bool) -> bool {
    let began = Instant::now();
    let sum = runs();
    let seconds = began.elapsed().as_secs_f64();
    if sum.runs == 0 {
        return true;
    }
    #[expect(clippy::cast_precision_loss, reason = "only shown")]
    let rate = sum.runs as f64 / seconds;
    println!("{name}: {} runs in {seconds:.1} s, {rate:.0} a second", sum.runs);
    println!("  {} calls, {} agents died, {} runs twice", sum.points, sum.deaths, sum.twice);
    let met: Vec<_> =
        Fault::ALL.iter().map(|fault| format!("{fault:?} {}", sum.met[fault.index()])).collect();
    println!("  faults: {}", met.join(", "));
    let missing = sum.coverage.missing();
    let hit = sum.coverage.count();
    println!("  an agent died in {hit} of {} places (step × way × side)", hit + missing.len());
    if complete && !missing.is_empty() {
        println!("{}", sum.coverage.table());
        println!("  never: {}", missing.join(", "));
    }
    for failed in &sum.failed {
        println!("FAILED {}", failed.case);
        for violation in &failed.violations {
            println!("  {violation}");
        }
        println!("  again, in words: cargo xtask simulate --replay \"{}\"", failed.case);
    }
    sum.failed.is_empty() && (!complete || missing.is_empty())
}

fn replay(text: &str) -> bool {
    let Some(report) = Case::parse(text).and_then(|case| sweep::replay(&case, true)) else {
        eprintln!("error: {text} is no case: `seed 7`, or `upgrade | 12 | CrashAfter`");
        return false;
    };
    for line in report.world.trace.words() {
        println!("{line}");
    }
    for violation in report.violations() {
        println!("BROKEN {violation}");
    }
    println!("trace {:016x}", report.world.trace.hash());
    report.violations().is_empty()
}

fn mutations(args: &Args) -> bool {
    let wanted = |m: &Mutation| args.only.as_ref().is_none_or(|only| format!("{m:?}") == *only);
    let all: Vec<_> = Mutation::ALL.into_iter().filter(wanted).collect();
    let jobs = usize::try_from(args.jobs).unwrap_or(1);
    let began = Instant::now();
    let found = sweep::mutations(&all, jobs, Duration::from_mins(1));
    println!("{:<26} {:<9} {:>7} {:>6}  by", "planted", "breaks", "runs", "s");
    for one in &found {
        println!("{}", row(one));
    }
    let missed = found.iter().filter(|one| one.by.is_none()).count();
    let seconds = began.elapsed().as_secs_f64();
    println!("{} of {} found in {seconds:.1} s", found.len() - missed, found.len());
    missed == 0 && !found.is_empty()
}

fn row(one: &Found) -> String {
    let name = format!("{:?}", one.mutation);
    let (runs, seconds) = (one.runs, one.took.as_secs_f64());
    let (rule, by) = match &one.by {
        Some(failed) => {
            let first = failed.violations.first().map_or("", String::as_str);
            (first.split(':').next().unwrap_or("").to_owned(), failed.case.to_string())
        }
        None => ("MISSED".to_owned(), String::new()),
    };
    format!("{name:<26} {rule:<9} {runs:>7} {seconds:>6.2}  {by}")
}
