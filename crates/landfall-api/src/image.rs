//! Images that travel without a registry: what is asked before, what is announced, what is answered.
//!
//! An image is its configuration and its layers, each named by the digest of its content as it is
//! unpacked. The body of a push is these contents one after the other, the configuration first, only
//! those layers that are `sent`, all of it as one gzip stream: nothing in it has a name, so nothing
//! in it can be trusted wrongly.

use std::fmt;
use std::str::FromStr;

use landfall_core::id::ImageId;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Most layers that an image may have; engines allow 125 or fewer.
pub const IMAGE_LAYERS_MAX: usize = 128;
/// Largest configuration of an image.
pub const IMAGE_CONFIG_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Largest image, unpacked.
pub const IMAGE_MAX_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no sha256 digest")]
pub struct InvalidDigest(String);

impl Digest {
    /// Of these 32 bytes.
    pub fn of(sha256: &[u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::from("sha256:");
        for byte in sha256 {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self(text)
    }

    /// With `sha256:` before it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hexadecimal digits.
    pub fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let hex = text.strip_prefix("sha256:");
        if hex.is_some_and(|hex| hex.len() == 64 && hex.chars().all(is_hex)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDigest(text.chars().take(100).collect()))
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What has the engine of an image that could be sent to it?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageQuery {
    /// Its reference, as services name it.
    pub reference: String,
    /// Digest of its configuration, if it is known.
    #[serde(default)]
    pub config: Option<Digest>,
    /// Digests of its layers, lowest first.
    pub layers: Vec<Digest>,
}

/// This much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageAnswer {
    /// What the engine runs, for example `linux/amd64`.
    pub platform: String,
    /// It has an image of this reference, this one or another.
    pub has_reference: bool,
    /// It has this very image.
    pub image: Option<ImageId>,
    /// So many layers need not be sent, from the lowest on.
    pub layers_present: usize,
}

/// Announces an image; its contents follow as the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePush {
    /// Its reference, for messages.
    pub reference: String,
    /// The configuration.
    pub config: ImagePart,
    /// All layers, lowest first.
    pub layers: Vec<ImageLayer>,
}

/// One content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePart {
    /// Of the unpacked content.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLayer {
    /// Its content.
    #[serde(flatten)]
    pub part: ImagePart,
    /// Whether it is in the body; the engine has it otherwise.
    pub sent: bool,
}

/// What a push says. The last one is `done` or `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "push")]
pub enum ImageEvent {
    /// So much has come in, packed.
    Received {
        /// Bytes of the body.
        wire_bytes: u64,
    },
    /// The engine has it, and a container can be made of it.
    Done {
        /// What the engine calls it.
        image: ImageId,
        /// Bytes of the body.
        wire_bytes: u64,
    },
    /// It has not.
    Failed {
        /// Why.
        problem: Problem,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sixty_four_lower_case_hexadecimal_digits() {
        let good = format!("sha256:{}", "0f".repeat(32));
        assert_eq!(good.parse::<Digest>().unwrap().hex(), "0f".repeat(32));
        assert_eq!(Digest::of(&[0x0f; 32]).as_str(), good);
        for bad in ["", "sha256:", "0f", &good.to_uppercase(), &good[..70], "sha256:../../etc"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
