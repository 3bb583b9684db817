//! Preparing this machine, and the way into the namespaces: with them go mounts and processes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Args, app, machine, story};
use crate::cgroups;
use crate::cmd::{build_folder, read, run as run_program};
use crate::namespaces::enclose;
use crate::product;
use crate::setup::{engine, images, packages};
use crate::stage::lock;

/// Names the product.
const PRODUCT: &str = "LANDFALL_SYSTEMD_BIN";
const PACKAGES: [(&str, &str); 2] = [("systemctl", "systemd"), ("dbus-daemon", "dbus")];

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = build_folder()?.join("systemd");
    let image = folder.join("image.tar");
    if args.inside {
        let product = std::env::var_os(PRODUCT).with_context(|| format!("{PRODUCT} is not set"))?;
        return story::run(&folder, Path::new(&product), &image);
    }
    let _lock = lock("systemd")?;
    packages::install_tools()?;
    packages::install_missing(&PACKAGES)?;
    let engine = engine::ensure()?;
    images::ensure(&engine)?;
    std::fs::create_dir_all(&folder)?;
    read(engine.docker(["save", "--output"]).arg(&image).arg(app::IMAGE))?;
    let product = product::breakable(PRODUCT, "systemd")?;
    let mut command = Command::new("setpriv");
    enclose(&mut command, &[]);
    command.arg(std::env::current_exe()?).args(["systemd", "--inside"]);
    let held = run_program(command.env(PRODUCT, product));
    cgroups::remove(machine::CGROUP);
    match held {
        Ok(()) => Ok(()),
        Err(_) => bail!("not everything held"),
    }
}
