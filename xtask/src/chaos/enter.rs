//! Preparing the machine, and the way into the namespaces.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use landfall_testing::chaos::{self, EngineSpec, MatrixOptions, RandomOptions, Setup};

use super::document::Document;
use super::{Args, What};
use crate::cgroups;
use crate::cmd::{find, run as run_program, say};
use crate::namespaces::enclose;
use crate::product;
use crate::setup::newest::{self, Tools, cache};
use crate::setup::which::Which;
use crate::setup::{engine, images, packages};

/// Names the product, built with crash points, for a run inside.
const PRODUCT: &str = "LANDFALL_CHAOS_BIN";
/// Names the engine that has the base images.
const IMAGES: &str = "LANDFALL_CHAOS_IMAGES";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.inside {
        return inside(args);
    }
    packages::install_tools()?;
    packages::install_missing(&[("docker-registry", "docker-registry")])?;
    let source = engine::ensure()?;
    images::ensure(&source)?;
    let init = find("tini").or_else(|| find("docker-init"));
    let init = init.context("neither tini nor docker-init is there: install Debian's tini")?;
    let product = product::breakable(PRODUCT, "chaos")?;
    args.engine.on_each(|which| {
        if which != Which::Installed {
            newest::fetch()?;
        }
        let folder = folder(which, &args.what);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        // Its own copy: a build meanwhile must not change what is tried.
        let copy = folder.join("landfall");
        fs::remove_file(&copy).ok(); // none there yet
        fs::copy(&product, &copy).context("copy the product")?;
        let mut command = Command::new("setpriv");
        enclose(&mut command, &["--net"]);
        command.arg(&init).args(["-s", "--"]);
        command.arg(std::env::current_exe()?).args(again(which));
        command.env(PRODUCT, &copy).env(IMAGES, source.host());
        let held = run_program(&mut command);
        cgroups::remove(&cgroup(&folder));
        held
    })
}

/// This very call again, for one engine, inside.
fn again(which: Which) -> Vec<std::ffi::OsString> {
    let mut words: Vec<_> = std::env::args_os().skip(1).collect();
    // The last one wins over what was said before only if that is not said twice.
    if let Some(at) = words.iter().position(|word| word == "--engine") {
        words.drain(at..(at + 2).min(words.len()));
    }
    words.retain(|word| !word.to_string_lossy().starts_with("--engine="));
    words.extend(["--engine", which.name(), "--inside"].map(Into::into));
    words
}

fn cgroup(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("/landfall-chaos-{name}")
}

/// Short, since sockets stand in it. One for each command, so that they may run side by side.
fn folder(which: Which, what: &What) -> PathBuf {
    let what = match what {
        What::Matrix { .. } => "matrix",
        What::Run { .. } => "run",
        What::Reboot => "reboot",
    };
    cache().join("chaos").join(format!("{}-{what}", which.name()))
}

fn inside(args: &Args) -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let which = args.engine.one()?;
    let folder = folder(which, &args.what);
    let _lock = lock(&folder)?;
    let setup = Setup {
        product: PathBuf::from(variable(PRODUCT)?),
        engine: spec(which, cgroup(&folder))?,
        images_from: variable(IMAGES)?,
        folder,
    };
    let mut document = (!args.no_document).then(|| Document::open(which.name()));
    let mut keep = |title: &str, text: &str| match &mut document {
        Some(document) => document.put(title, text),
        None => Ok(()),
    };
    let held = match &args.what {
        What::Matrix { only, every, step } => {
            let (parts, steps) = (only.clone(), step.clone());
            let options = MatrixOptions { parts, every: *every, steps };
            chaos::matrix(&setup, &options, &mut say, &mut keep)?
        }
        What::Run { minutes, seed } => {
            let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ clock());
            let options = RandomOptions { minutes: *minutes, seed };
            chaos::random(&setup, options, &mut say, &mut keep)?
        }
        What::Reboot => chaos::reboot(&setup, &mut say, &mut keep)?,
    };
    if held { Ok(()) } else { bail!("not everything held") }
}

fn spec(which: Which, cgroup: String) -> Result<EngineSpec> {
    let system = std::env::var("PATH").unwrap_or_default();
    let of_tools = |tools: &Tools| tools.path();
    Ok(match which {
        Which::Installed => {
            EngineSpec { path: format!("{system}:/usr/sbin:/sbin"), arguments: Vec::new(), cgroup }
        }
        Which::Newest => {
            EngineSpec { path: of_tools(&newest::fetch()?), arguments: Vec::new(), cgroup }
        }
        Which::NewestContainerd => EngineSpec {
            path: of_tools(&newest::fetch()?),
            arguments: ["--feature", "containerd-snapshotter=true"].map(str::to_owned).into(),
            cgroup,
        },
    })
}

/// Seconds, for a seed.
fn clock() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed();
    since.map_or(1, |since| since.as_secs())
}

/// Held while the file is open; the kernel lets go of it when this process ends.
fn lock(folder: &Path) -> Result<File> {
    let lock = File::create(folder.join("lock")).context("open the lock")?;
    lock.try_lock().context("another chaos runs on this engine")?;
    Ok(lock)
}
