//! `cargo xtask tidy`: what the compiler does not check. All problems are reported at once, each
//! with its file; `--fix` mends what can be mended by a machine.

mod docs;
mod files;
mod layers;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::cmd::{cmd, root, run as run_program, say};

/// Which checks to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Checks; all when none is given.
    checks: Vec<Check>,
    /// Mend what a machine can mend.
    #[arg(long)]
    fix: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Formatting.
    Fmt,
    /// Sizes of files, their first line, paths of somebody's machine.
    Files,
    /// Which crate may know which.
    Layers,
    /// Generated documents.
    Docs,
    /// Lints, as errors.
    Clippy,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted: &[Check] =
        if args.checks.is_empty() { Check::value_variants() } else { &args.checks };
    let mut problems = Vec::new();
    for check in wanted {
        let found = match check {
            Check::Fmt => fmt(args.fix),
            Check::Files => files::check()?,
            Check::Layers => layers::check()?,
            Check::Docs => docs::check(args.fix)?,
            Check::Clippy => clippy(),
        };
        let name = check.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
        say(&format!("tidy {name}: {}", if found.is_empty() { "ok" } else { "NOT ok" }));
        problems.extend(found);
    }
    for problem in &problems {
        say(&format!("  {problem}"));
    }
    if !problems.is_empty() {
        bail!("not tidy: {} problem(s)", problems.len());
    }
    Ok(())
}

fn fmt(fix: bool) -> Vec<String> {
    let mut command = cmd("cargo", ["fmt", "--all", "--"]);
    if !fix {
        // The names of the files; the differences are rustfmt's own affair.
        command.args(["--check", "-l"]);
    }
    problem_of(run_program(command.current_dir(root())), "run `cargo xtask tidy --fix`")
}

fn clippy() -> Vec<String> {
    let mut command = cmd("cargo", ["clippy", "--workspace", "--all-targets", "--all-features"]);
    command.args(["--quiet", "--", "-D", "warnings"]).current_dir(root());
    problem_of(run_program(&mut command), "see above")
}

fn problem_of(outcome: Result<()>, hint: &str) -> Vec<String> {
    outcome.err().map(|error| format!("{error:#} ({hint})")).into_iter().collect()
}
