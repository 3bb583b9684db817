//! Preparing the machine, and the way into the namespaces: with them go mounts and processes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Args, app, play};
use crate::cmd::{print, run as run_program};
use crate::namespaces::enclose;
use crate::product;
use crate::setup::under::UnderTest;
use crate::setup::which::Which;
use crate::stage::lock;

/// Names the product, built with crash points: only that can be told not to sync.
const PRODUCT: &str = "LANDFALL_POWERCUT_BIN";
/// Names the engine, in the form of `DOCKER_HOST`.
const ENGINE: &str = "LANDFALL_POWERCUT_ENGINE";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.inside {
        let variable = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
        return play::run(args, PathBuf::from(variable(PRODUCT)?), variable(ENGINE)?);
    }
    let product = product::breakable(PRODUCT, "powercut")?;
    args.engine.on_each(|which| on(which, args, &product))
}

/// On this engine, inside.
fn on(which: Which, args: &Args, product: &Path) -> Result<()> {
    let _lock = lock(&format!("powercut-{}", which.name()))?;
    let engine = UnderTest::start(which, &[app::IMAGE.to_owned()])?;
    print(&format!("powercut on {}", engine.describe()?));
    let mut command = engine.beside("setpriv");
    enclose(&mut command, &[]);
    command.arg(std::env::current_exe()?).args(args.again(which));
    command.env(PRODUCT, product).env(ENGINE, engine.engine().host());
    let held = run_program(&mut command);
    let stopped = engine.stop();
    held.and(stopped)
}

impl Args {
    /// The same, for one engine, inside.
    fn again(&self, which: Which) -> Vec<String> {
        let mut words = vec!["powercut".to_owned(), "--cuts".to_owned(), self.cuts.to_string()];
        words.extend(["--engine", which.name(), "--inside"].map(str::to_owned));
        words
            .extend(self.seed.into_iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]));
        words
    }
}
