//! The way to the engine, if one is asked for: its containers are reached from its own network
//! namespace only, so the run takes place there.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::Args;
use super::behind::{self, Behind};
use crate::cmd::{print, run as run_program};
use crate::product;
use crate::setup::engine::Engine;
use crate::setup::under::UnderTest;
use crate::setup::which::Which;
use crate::stage::lock;

/// Names the product and the engine's socket for a run inside.
const PRODUCT: &str = "LANDFALL_BIN";
const ENGINE: &str = "LANDFALL_UPGRADES_ENGINE";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.stand_in {
        return behind::stand_in();
    }
    if args.inside {
        let socket = std::env::var_os(ENGINE).with_context(|| format!("{ENGINE} is not set"))?;
        let engine = Engine::at(PathBuf::from(socket));
        return super::run::run(args, &product::release()?, &Behind::container(&engine)?);
    }
    let product = product::release()?;
    let Some(engines) = args.engine else {
        return super::run::run(args, &product, &Behind::here()?);
    };
    engines.on_each(|which| on(which, &product))
}

/// This very call, inside.
fn on(which: Which, product: &PathBuf) -> Result<()> {
    let _lock = lock("upgrades")?;
    let engine = UnderTest::start(which, &[behind::IMAGE.to_owned()])?;
    print(&format!("upgrades in front of {}", engine.describe()?));
    let mut command = engine.beside("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--inside");
    command.env(PRODUCT, product).env(ENGINE, engine.engine().socket());
    let held = run_program(&mut command);
    let stopped = engine.stop();
    held.and(stopped)
}
