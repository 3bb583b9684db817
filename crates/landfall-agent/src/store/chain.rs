//! How a record stands on disk: JSON with the format's version, chained to the one before by SHA-256.

use landfall_core::hash::sha256_hex;
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::record::{FORMAT, Record};
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
    serde_json::to_string(&Written { v: FORMAT, record })
        .map_err(|error| StoreError::Damaged(format!("a record cannot be written: {error}")))
}

/// Text as a record; a version that we do not know is refused before anything else is read.
pub(super) fn decode(text: &str) -> Result<Record, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::Damaged(format!("a record: {error}"));
    let Version { v } = serde_json::from_str(text).map_err(damaged)?;
    if v != FORMAT {
        return Err(StoreError::Foreign(format!(
            "a record has format {v}, and this landfall knows {FORMAT}: it was made by another one"
        )));
    }
    serde_json::from_str::<Read>(text).map(|read| read.record).map_err(damaged)
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
