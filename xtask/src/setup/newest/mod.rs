//! The newest Docker Engine and Compose that Debian packages, beside whatever is installed:
//! `fetch` unpacks them into a cache, `run` starts and stops an engine from there.

mod fetch;
mod reap;
mod run;

#[cfg(feature = "load")]
pub(crate) use fetch::cache;
pub(crate) use fetch::{Tools, fetch};
pub(crate) use run::{ImageStore, Newest, start};
