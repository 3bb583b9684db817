//! `cargo xtask bench`. To come: needs the product's binary.

use anyhow::{Result, bail};

/// Nothing to choose yet.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<()> {
    bail!("not written yet: it needs the product's binary")
}
