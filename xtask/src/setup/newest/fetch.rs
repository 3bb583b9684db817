//! Packages of a newer Debian, downloaded and unpacked into the cache. Nothing is installed, and
//! the system's package lists are not touched. Knows nothing of how an engine is started.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::cmd::{cmd, find, read, say};

const SUITE: &str = "forky";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const PACKAGES: [&str; 5] =
    ["docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd"];

/// Unpacked programs of the newest engine.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    root: PathBuf,
}

impl Tools {
    /// `docker-compose` v2, which needs no `docker` beside it.
    pub(crate) fn compose(&self) -> PathBuf {
        self.root.join("usr/libexec/docker/cli-plugins/docker-compose")
    }

    /// A search path with these programs first. `runc` and `docker-init` are the system's own:
    /// the newer ones want a newer libc.
    pub(crate) fn path(&self) -> String {
        let root = self.root.display();
        let system = std::env::var("PATH").unwrap_or_default();
        format!("{root}/usr/bin:{root}/usr/sbin:{system}:/usr/sbin:/sbin")
    }

    /// The daemon.
    pub(crate) fn dockerd(&self) -> PathBuf {
        self.root.join("usr/sbin/dockerd")
    }
}

/// Where downloads and the data of engines under test are kept.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("LANDFALL_DEV_CACHE")
        .map_or_else(|| PathBuf::from("/var/cache/landfall-dev"), PathBuf::from)
}

/// Downloads and unpacks the programs, unless they are there.
pub(crate) fn fetch() -> Result<Tools> {
    let root = cache().join("engines").join(SUITE);
    let tools = Tools { root: root.clone() };
    if root.is_dir() {
        say(&format!("newest engine: {} present in the cache", version(&tools)?));
        return Ok(tools);
    }
    if find("apt-get").is_none() || !Path::new(KEYRING).exists() {
        bail!("the newest engine comes from Debian's archive, and this is no Debian system");
    }
    say(&format!("newest engine: fetching it from Debian {SUITE}"));
    let partial = root.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    download(&partial)?;
    unpack(&partial)?;
    // Complete under its final name, or not there at all.
    fs::rename(&partial, &root).context("move the unpacked engine to its place")?;
    say(&format!("newest engine: {} fetched", version(&tools)?));
    Ok(tools)
}

fn version(tools: &Tools) -> Result<String> {
    let compose = read(&mut cmd(tools.compose(), ["version", "--short"]))?;
    let engine = read(&mut cmd(tools.dockerd(), ["--version"]))?;
    Ok(format!("{engine}, compose {compose}"))
}

fn download(folder: &Path) -> Result<()> {
    let apt = folder.join("apt");
    let archives = apt.join("archives");
    for needed in [apt.join("lists/partial"), archives.join("partial")] {
        fs::create_dir_all(&needed)
            .with_context(|| format!("make {} (set LANDFALL_DEV_CACHE?)", needed.display()))?;
    }
    let source = format!("deb [signed-by={KEYRING}] {} {SUITE} main\n", mirror()?);
    fs::write(apt.join("sources.list"), source)?;
    fs::write(apt.join("status"), "")?;
    let options = apt_options(&apt);
    read(cmd("apt-get", &options).args(["update", "-qq"])).context("read the package lists")?;
    let mut get = cmd("apt-get", &options);
    read(get.args(["download", "-qq"]).args(PACKAGES).current_dir(&archives))
        .context("download the packages")?;
    Ok(())
}

/// Options that make apt forget the system it runs on.
fn apt_options(apt: &Path) -> Vec<String> {
    let apt = apt.display();
    [
        format!("Dir::State={apt}"),
        format!("Dir::State::lists={apt}/lists"),
        format!("Dir::State::status={apt}/status"),
        format!("Dir::Cache={apt}"),
        format!("Dir::Cache::archives={apt}/archives"),
        format!("Dir::Etc::sourcelist={apt}/sources.list"),
        "Dir::Etc::sourceparts=/dev/null".to_owned(),
        "Dir::Etc::preferencesparts=/dev/null".to_owned(),
        "Acquire::Languages=none".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect()
}

/// The Debian mirror that this system uses.
fn mirror() -> Result<String> {
    let found = read(&mut cmd(
        "apt-get",
        ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"],
    ))?;
    // Security updates come from a mirror of their own, which has no suite of this name.
    found
        .lines()
        .find(|uri| !uri.contains("security"))
        .map(str::to_owned)
        .context("apt knows no Debian mirror here (run `apt-get update` first)")
}

fn unpack(folder: &Path) -> Result<()> {
    let apt = folder.join("apt");
    for entry in fs::read_dir(apt.join("archives"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            read(cmd("dpkg", ["-x"]).arg(&path).arg(folder))?;
        }
    }
    for needless in ["apt", "etc", "lib", "usr/share"] {
        let path = folder.join(needless);
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
    }
    for newer_libc in ["usr/bin/runc", "usr/sbin/runc", "usr/bin/docker-init"] {
        let path = folder.join(newer_libc);
        if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
