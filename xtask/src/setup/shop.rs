//! The images of the example shop: two good releases and the broken ones. A release is built again
//! only when its sources, told by a hash in a label, have changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::engine::Engine;
use crate::cmd::{read, root, say};

/// The releases, as folders of `examples/shop/releases`. The first two are good.
pub(crate) const RELEASES: [&str; 6] =
    ["v1", "v2", "crash", "never-ready", "flaky", "bad-migration"];

const LABEL: &str = "dev.landfall.shop-sources";
const BASE: &str = "python:3.11-slim";
/// What of the example goes into the image.
const SOURCES: [&str; 5] = ["Dockerfile", ".dockerignore", "requirements.txt", "app", "releases"];

/// Where the example stands.
pub(crate) fn folder() -> PathBuf {
    root().join("examples/shop")
}

/// The image of a release.
pub(crate) fn image(release: &str) -> String {
    format!("landfall-shop:{release}")
}

/// All images of the shop.
pub(crate) fn images() -> Vec<String> {
    RELEASES.iter().map(|release| image(release)).collect()
}

/// Builds the releases whose sources have changed.
pub(crate) fn ensure(engine: &Engine) -> Result<()> {
    let sources = fingerprint(engine)?;
    let stale: Vec<&str> = RELEASES
        .into_iter()
        .filter(|release| built_from(engine, release).as_deref() != Some(&sources))
        .collect();
    for release in &stale {
        say(&format!("shop: building {}", image(release)));
        build(engine, release, &sources)?;
    }
    say(&format!("shop: {} releases present, {} built now", RELEASES.len(), stale.len()));
    Ok(())
}

fn build(engine: &Engine, release: &str, sources: &str) -> Result<()> {
    let argument = format!("RELEASE={release}");
    let label = format!("{LABEL}={sources}");
    let tag = image(release);
    // The host's network, since a default bridge is not on every machine.
    let mut command = engine.docker(["build", "--quiet", "--network", "host"]);
    command.args(["--build-arg", &argument, "--label", &label, "--tag", &tag]).arg(folder());
    read(&mut command).map(drop)
}

fn built_from(engine: &Engine, release: &str) -> Option<String> {
    let format = format!("{{{{index .Config.Labels \"{LABEL}\"}}}}");
    read(&mut engine.docker(["image", "inspect", "--format", &format, &image(release)])).ok()
}

/// One hash over the base image and every source file.
fn fingerprint(engine: &Engine) -> Result<String> {
    let base = read(&mut engine.docker(["image", "inspect", "--format", "{{.Id}}", BASE]))
        .context("the shop needs the base images: cargo xtask setup images")?;
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&folder().join(source), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new_with_prefix(base);
    for file in files {
        let name = file.strip_prefix(folder()).unwrap_or(&file);
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update(fs::read(&file).with_context(|| format!("read {}", file.display()))?);
    }
    let digest = hash.finalize();
    let start = digest.first_chunk::<16>().context("SHA-256 has 32 bytes")?;
    Ok(format!("{:032x}", u128::from_be_bytes(*start)))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("read {}", path.display()))? {
        let entry = entry?;
        if entry.file_name() != "__pycache__" {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
