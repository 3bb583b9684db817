//! Preparing the machine, and the way into the namespaces: with them go mounts and processes.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::{Args, play};
use crate::cmd::{cmd, run as run_program, say};
use crate::product::executable;
use crate::setup::{engine, images, packages};
use crate::stage::lock;

/// Names the product, built with crash points: only that can be told not to sync.
const PRODUCT: &str = "LANDFALL_POWERCUT_BIN";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.inside {
        let product = std::env::var_os(PRODUCT).with_context(|| format!("{PRODUCT} is not set"))?;
        return play::run(args, PathBuf::from(product));
    }
    let _lock = lock("powercut")?;
    packages::install_tools()?;
    let engine = engine::ensure()?;
    images::ensure(&engine)?;
    let product = product()?;
    // Whoever ends this process ends everything in the namespaces.
    let mut command = cmd("setpriv", ["--pdeathsig", "KILL", "unshare", "--mount"]);
    command.args(["--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.arg("--").arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
    command.arg("--inside").env(PRODUCT, product);
    match run_program(&mut command) {
        Ok(()) => Ok(()),
        Err(_) => bail!("not everything held"),
    }
}

/// The one that the variable names, when it is set.
fn product() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(PRODUCT) {
        return Ok(std::fs::canonicalize(given)?);
    }
    say("powercut: building the product with crash points");
    let what = ["build", "--package", "landfall", "--bin", "landfall"];
    executable(&[&what[..], &["--features", "crash-points"]].concat())
}
