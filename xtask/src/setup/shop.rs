//! Stub.
use super::engine::Engine;
pub(crate) fn ensure(_: &Engine) -> anyhow::Result<()> {
    Ok(())
}
