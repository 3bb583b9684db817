//! `cargo xtask fuzz`: libFuzzer over reading files, guided by what the code does. Stable Rust is
//! enough: the compiler counts branches when it is asked to, libFuzzer comes with a crate.
//!
//! The targets stand in `fuzz/`, a workspace of their own. What was learnt is kept in the build
//! folder, what breaks something as well.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use crate::cmd::{build_folder, cmd, find, print, read, root, run as run_program, say};

/// What one input may take; a busy machine is slow.
const MEMORY_MAX_MIB: u32 = 200;
const SECONDS_MAX: u32 = 30;

/// Counting of branches and comparisons, as libFuzzer reads it.
const FLAGS: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Pieces of text that chance would not find soon.
const PIECES: [&str; 22] = [
    "${",
    "${A:-",
    ":?",
    ":+",
    "$$",
    "!reset ",
    "!override ",
    "<<: ",
    "&a ",
    "*a",
    "services:",
    "extends: ",
    "include: ",
    "environment: ",
    "ports: ",
    "volumes: ",
    "networks: ",
    "build: ",
    "deploy: ",
    "x-landfall: ",
    "--- over.yaml\\x0a",
    "--- .env\\x0a",
];

/// Values and variables that the second target begins with.
const VALUES: [&str; 6] = [
    "${A:-b}\none",
    "$A$B\none\ntwo",
    "${A:?x}",
    "$$A ${B+c}\n\nx",
    "${N:-${M:-${L:-d}}}",
    "a$$b${A:+--x=${A}}\n$x",
];

/// What to try, and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets; all when none is given.
    targets: Vec<Target>,
    /// For how long each.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// Whole projects.
    Loader,
    /// Values with variables.
    Interpolation,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if find("c++").is_none() {
        bail!("libFuzzer is C++: please install a compiler for it (g++)");
    }
    let folder = build_folder()?.join("fuzz");
    let programs = build(&folder)?;
    let dictionary = folder.join("dictionary");
    fs::write(&dictionary, PIECES.map(|piece| format!("\"{piece}\"\n")).concat())?;
    let wanted = if args.targets.is_empty() { Target::value_variants() } else { &args.targets };
    for target in wanted {
        let name = target.name();
        let corpus = folder.join("corpus").join(name);
        seed(*target, &corpus)?;
        say(&format!("fuzz: {name} for {} s", args.seconds));
        let found = folder.join(format!("{name}-"));
        let mut command = cmd(programs.join(name), [&corpus]);
        command
            .arg(format!("-max_total_time={}", args.seconds))
            .arg(format!("-rss_limit_mb={MEMORY_MAX_MIB}"))
            .arg(format!("-timeout={SECONDS_MAX}"))
            .arg(format!("-dict={}", dictionary.display()))
            .arg(format!("-artifact_prefix={}", found.display()))
            .args(["-max_len=8192", "-print_final_stats=1", "-verbosity=0"])
            .current_dir(&folder);
        run_program(&mut command).with_context(|| format!("{name} broke something"))?;
        print(&format!("{name}: nothing broke in {} s", args.seconds));
    }
    Ok(())
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Loader => "loader",
            Self::Interpolation => "interpolation",
        }
    }
}

/// Builds the targets and says where they stand.
fn build(folder: &Path) -> Result<PathBuf> {
    let version = read(&mut cmd("rustc", ["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not name its host")?;
    let mut command = cmd("cargo", ["build", "--quiet", "--release", "--target", host]);
    command
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", folder)
        .current_dir(root().join("fuzz"));
    say("fuzz: building (minutes the first time)");
    run_program(&mut command)?;
    Ok(folder.join(host).join("release"))
}

/// What to begin with: the cases of the loader's tests.
fn seed(target: Target, corpus: &Path) -> Result<()> {
    fs::create_dir_all(corpus)?;
    if matches!(target, Target::Interpolation) {
        for (number, value) in VALUES.iter().enumerate() {
            fs::write(corpus.join(format!("value-{number}")), value)?;
        }
        return Ok(());
    }
    let cases = root().join("crates/landfall-compose/tests/oracle/cases");
    for entry in fs::read_dir(&cases).with_context(|| format!("read {}", cases.display()))? {
        let path = entry?.path();
        let theme = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (number, case) in fs::read_to_string(&path)?.split("=== ").skip(1).enumerate() {
            let mut text = String::new();
            for line in case.lines().skip(1).filter(|line| !line.starts_with(['$', '%'])) {
                let _ = writeln!(text, "{line}");
            }
            fs::write(corpus.join(format!("{theme}-{number}")), text)?;
        }
    }
    Ok(())
}
