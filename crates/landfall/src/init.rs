//! What `landfall init` finds out about a folder, and the file it makes of it.
//!
//! [`survey`] says what the services of a compose file are (from the same tree that `landfall config`
//! prints), [`overlay`] writes that down as `compose.landfall.yaml`. Where there is only a Dockerfile,
//! [`dockerfile`] reads it and [`fresh`] writes a compose file. [`habits`] holds what is known about
//! the tools of the trade, [`health`] looks for a health path in the sources. Nothing here prints or
//! writes to disk.

pub(crate) mod dockerfile;
pub(crate) mod fresh;
mod habits;
pub(crate) mod health;
pub(crate) mod overlay;
pub(crate) mod survey;

/// The file that `landfall init` writes beside a compose file.
pub(crate) const OVERLAY_NAME: &str = "compose.landfall.yaml";

/// A YAML scalar, in quotes where it needs them.
pub(crate) fn scalar(text: &str) -> String {
    crate::output::yaml::scalar(text)
}
