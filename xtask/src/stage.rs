//! What demo, soak and bench stand on: the engine, the images, the product as users get it, and a
//! host of its own below the build folder, so that nothing else on the machine is touched.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use landfall_testing::host::{Host, Project};

use crate::cmd::{build_folder, root, say};
use crate::product;
use crate::setup::engine::{self, Engine};
use crate::setup::{images, packages, shop};

/// Where a run takes place.
pub(crate) struct Stage {
    /// Agent and edge of its own.
    pub(crate) host: Host,
    /// The engine they deploy to.
    pub(crate) engine: Engine,
    /// The release binary.
    pub(crate) product: PathBuf,
    /// State, logs and reports.
    pub(crate) folder: PathBuf,
    /// Apps have one name on the whole machine: one run at a time.
    _lock: File,
}

impl Stage {
    /// Prepares the machine, builds the product, and clears away what an earlier run of this name
    /// left, with everything of these apps. Nothing is started yet.
    pub(crate) fn prepare(name: &str, apps: &[&str]) -> Result<Self> {
        let lock = lock(name)?;
        packages::install_tools()?;
        let engine = engine::ensure()?;
        images::ensure(&engine)?;
        shop::ensure(&engine)?;
        let product = product::release()?;
        let folder = build_folder()?.join(name);
        let host = || Host::new(product.clone(), folder.clone(), engine.host());
        let earlier = host()?;
        earlier.stop_earlier().context("stop what an earlier run left running")?;
        for app in apps {
            earlier.clear(app).with_context(|| format!("clear {app} away"))?;
        }
        drop(earlier);
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
        let host = host()?;
        Ok(Self { host, engine, product, folder, _lock: lock })
    }

    /// Writes a report below the stage's folder and says where.
    pub(crate) fn keep(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        say(&format!("report: {}", path.display()));
        Ok(())
    }
}

/// The example shop under this name, served at this port of the loopback address.
pub(crate) fn shop_project(app: &str, port: u16) -> Project {
    Project::new(root().join("examples/shop/compose.yaml"), app)
        .with("HTTP_PORT", &port.to_string())
}

/// The preferred port, or any free one when something else listens there.
pub(crate) fn free_port(preferred: u16) -> Result<u16> {
    if TcpListener::bind(("127.0.0.1", preferred)).is_ok() {
        return Ok(preferred);
    }
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    say(&format!("port {preferred} is taken, using {port}"));
    Ok(port)
}

/// Held while the file is open; the kernel lets go of it when this process ends.
pub(crate) fn lock(name: &str) -> Result<File> {
    let path = std::env::temp_dir().join(format!("landfall-xtask-{name}.lock"));
    let lock = File::create(&path).with_context(|| format!("open {}", path.display()))?;
    lock.try_lock().with_context(|| format!("another {name} runs on this machine"))?;
    Ok(lock)
}
