//! `cargo xtask test`: the fast rings, which need nothing but a compiler, then the rings on real
//! engines, the distribution's and the newest in a network namespace of its own, with either of its
//! image stores: first the port's own suite, then complete stories; a little of the chaos and of the
//! power cuts; and agent and edge as services of a real systemd.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::cmd::{cmd, root, run as run_program, say};
use crate::product::executable;
use crate::setup::engine::{self, Engine};
use crate::setup::newest::{self, Tools};
use crate::setup::under::UnderTest;
use crate::setup::which::{Engines, Which};
use crate::setup::{images, packages, shop};

/// Where the stories stand: a test target that its feature keeps out of `cargo test`.
const STORIES: (&str, &str) = ("landfall-testing", "engine");
/// Where the port's own suite stands; its feature adds it to the tests that need no engine.
const PORT: (&str, &str) = ("landfall-docker", "it");
const FEATURE: &str = "engine";

/// Which rings to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the rings that need no engine.
    #[arg(long)]
    fast: bool,
    /// Only the ring on real engines.
    #[arg(long, conflicts_with = "fast")]
    engines: bool,
    /// Only this engine.
    #[arg(long, value_enum, conflicts_with = "fast")]
    on: Option<Engines>,
    /// Passed on to the tests on real engines, e.g. a part of their names.
    #[arg(last = true, conflicts_with = "fast")]
    filter: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.engines && args.on.is_none() {
        ring("fast", || run_program(cmd("cargo", ["test", "--workspace"]).current_dir(root())))?;
        ring("simulation", crate::simulate::quick)?;
    }
    if args.fast {
        return Ok(());
    }
    packages::install_tools()?;
    let installed = engine::ensure()?;
    images::ensure(&installed)?;
    shop::ensure(&installed)?;
    let programs = Programs::build(&newest::fetch()?)?;
    let only = args.on.unwrap_or(Engines::All);
    for which in only.each() {
        on(which, &installed, &programs, &args.filter)?;
    }
    if args.filter.is_empty() && only.each().contains(&Which::Installed) {
        ring("chaos", || with_load(&["chaos", "matrix", "--only", "short", "--no-document"]))?;
        ring("systemd", || with_load(&["systemd"]))?;
    }
    if args.filter.is_empty() {
        let cuts = ["powercut", "--cuts", "6", "--engine", only.name()];
        ring("power cuts", || with_load(&cuts))?;
    }
    Ok(())
}

/// The rings on this engine. Images are built on another one, and sent to the one under test.
fn on(which: Which, installed: &Engine, programs: &Programs, filter: &[String]) -> Result<()> {
    if which == Which::Installed {
        let other = UnderTest::start(Which::Newest, &["busybox:latest".to_owned()])?;
        let tested = UnderTest::start(which, &[])?;
        ring(which.title(), || engine(programs, &tested, other.engine(), filter))?;
        return other.stop();
    }
    let wanted: Vec<String> = images::names().map(str::to_owned).chain(shop::images()).collect();
    let tested = UnderTest::start(which, &wanted)?;
    ring(which.title(), || engine(programs, &tested, installed, filter))?;
    tested.stop()
}

/// A little of what another command does in full, which is built with the load generator.
fn with_load(words: &[&str]) -> Result<()> {
    let mut command = cmd("cargo", ["run", "--quiet", "--package", "xtask", "--features", "load"]);
    run_program(command.arg("--").args(words).current_dir(root()))
}

/// Runs the port's suite and the stories against the first engine; the second only builds images.
fn engine(
    programs: &Programs,
    tested: &UnderTest,
    other: &Engine,
    filter: &[String],
) -> Result<()> {
    for (tests, (package, _)) in [(&programs.port, PORT), (&programs.stories, STORIES)] {
        let mut command = tested.beside(tests);
        command
            .args(["--test-threads", "1"])
            .args(filter)
            .current_dir(root().join("crates").join(package))
            .env("DOCKER_HOST", tested.engine().host())
            .env("LANDFALL_TEST_OTHER_ENGINE", other.host())
            .env("LANDFALL_BIN", &programs.landfall)
            .env("LANDFALL_TEST_COMPOSE", &programs.compose);
        run_program(&mut command)?;
    }
    Ok(())
}

/// What the rings need: built before, since a namespace may have no way out.
struct Programs {
    port: PathBuf,
    stories: PathBuf,
    landfall: PathBuf,
    compose: PathBuf,
}

impl Programs {
    fn build(tools: &Tools) -> Result<Self> {
        let product = executable(&["build", "--package", "landfall", "--bin", "landfall"])?;
        let tests = |(package, target): (&str, &str)| {
            let of = ["--package", package, "--features", FEATURE, "--test", target];
            executable(&[&["test", "--no-run"][..], &of].concat())
        };
        let (port, stories) = (tests(PORT)?, tests(STORIES)?);
        Ok(Self { port, stories, landfall: product, compose: tools.compose() })
    }
}

fn ring(name: &str, tests: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("ring {name}: begins"));
    let began = Instant::now();
    let outcome = tests();
    let seconds = began.elapsed().as_secs_f64();
    if let Err(error) = outcome {
        say(&format!("ring {name}: FAILED after {seconds:.1} s"));
        bail!(error);
    }
    say(&format!("ring {name}: passed in {seconds:.1} s"));
    Ok(())
}
