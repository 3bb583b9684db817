//! The port against a real engine (feature `engine`), and against one that is not there.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as their assertions do")]

mod cut_off;
mod ended;
mod half_made;
mod lost;
mod stale;
mod unreachable;

#[cfg(feature = "engine")]
mod builds;
#[cfg(feature = "engine")]
mod conformance;
#[cfg(feature = "engine")]
mod containers;
#[cfg(feature = "engine")]
mod figures;
#[cfg(feature = "engine")]
mod hooks;
#[cfg(feature = "engine")]
mod images;
#[cfg(feature = "engine")]
mod limits;
#[cfg(feature = "engine")]
mod logs;
#[cfg(feature = "engine")]
mod mounts;
#[cfg(feature = "engine")]
mod networks;
#[cfg(feature = "engine")]
mod places;
#[cfg(feature = "engine")]
mod probes;
#[cfg(feature = "engine")]
mod registry;
#[cfg(feature = "engine")]
mod shared;
#[cfg(feature = "engine")]
mod support;
