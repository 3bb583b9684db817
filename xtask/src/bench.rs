//! `cargo xtask bench`. To come: needs the product's binary.

/// Nothing to choose yet.
#[derive(clap::Args)]
pub(crate) struct Args {}

#[cfg(feature = "load")]
pub(crate) fn run(_: &Args) -> anyhow::Result<()> {
    anyhow::bail!("not written yet: it needs the product's binary")
}
