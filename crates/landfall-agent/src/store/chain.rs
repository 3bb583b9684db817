//! How a record stands on disk: JSON with the format's version, chained to the one before by SHA-256.
//!
//! It is written in the lowest version that can carry it, and read if its version is known here. What
//! would not be written again as it stands holds something that we have no word for: it is refused
//! like a newer version, and nothing is lost by half reading it.

use landfall_core::format;
use landfall_core::hash::sha256_hex;
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::record::Record;
use serde::{Deserialize, Serialize};

use super::StoreError;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    #[serde(flatten)]
    record: &'a Record,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Read {
    #[serde(flatten)]
    record: Record,
}

/// A record as text.
pub(super) fn encode(record: &Record) -> Result<String, StoreError> {
    serde_json::to_string(&Written { v: record.format(), record })
        .map_err(|error| StoreError::Damaged(format!("a record cannot be written: {error}")))
}

/// Text as a record; a version that is newer than ours is refused before anything else is read.
pub(super) fn decode(text: &str) -> Result<Record, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::Damaged(format!("a record: {error}"));
    let Version { v } = serde_json::from_str(text).map_err(damaged)?;
    if v > format::NEWEST {
        let newest = format::NEWEST;
        let what = format!("a record has format {v}, and this landfall knows {newest}");
        return Err(StoreError::newer(what));
    }
    let Read { record } = serde_json::from_str(text).map_err(damaged)?;
    if encode(&record)? != text {
        return Err(StoreError::newer("a record says more than this landfall understands"));
    }
    Ok(record)
}

/// What the first record is chained to.
pub(super) fn origin(app: &AppName, rollout: RolloutNumber) -> String {
    sha256_hex(format!("landfall journal\n{app}\n{rollout}").as_bytes())
}

/// The hash of one row, over its predecessor's and its own content.
pub(super) fn link(previous: &str, seq: u64, at_ms: u64, text: &str) -> String {
    sha256_hex(format!("{previous}\n{seq}\n{at_ms}\n{text}").as_bytes())
}

#[cfg(test)]
mod tests;
