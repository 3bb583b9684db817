//! `cargo xtask setup`: everything the tests, the demo and the bench need on a clean Debian or
//! Ubuntu machine. Each part may be asked for alone, is quick when there is nothing to do, and
//! never touches what it did not make.

pub(crate) mod engine;
pub(crate) mod images;
pub(crate) mod newest;
pub(crate) mod packages;
pub(crate) mod shop;
pub(crate) mod under;
pub(crate) mod which;

use anyhow::Result;
use clap::ValueEnum;

use crate::cmd::say;

/// Which parts to prepare.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Parts, in this order; all but the newest engine's start when none is given.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The distribution's Docker Engine, running, and the packages that tests use.
    Engine,
    /// The base images that compose files of the examples name.
    Images,
    /// The releases of the example shop, the broken ones too.
    Shop,
    /// The newest Docker Engine and Compose, fetched into the cache; tried once, then stopped.
    Newest,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let all = [Part::Engine, Part::Images, Part::Shop, Part::Newest];
    let wanted: &[Part] = if args.parts.is_empty() { &all } else { &args.parts };
    for part in wanted {
        match part {
            Part::Engine => {
                packages::install_tools()?;
                engine::ensure()?;
            }
            Part::Images => images::ensure(&engine::ensure()?)?,
            Part::Shop => shop::ensure(&engine::ensure()?)?,
            Part::Newest => try_newest()?,
        }
    }
    Ok(())
}

/// Fetches the newest engine and proves that it starts here.
fn try_newest() -> Result<()> {
    let tools = newest::fetch()?;
    let engine = newest::start(&tools, newest::ImageStore::Classic)?;
    say(&format!("newest engine: starts (pid {}), stopping it again", engine.pid()));
    engine.stop()
}
