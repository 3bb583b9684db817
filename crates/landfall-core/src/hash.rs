//! SHA-256 over canonical JSON: the one hash of releases, revisions and sealed files.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        write!(out, "{byte:02x}").expect("writing to a String cannot fail");
    }
    out
}

/// Hash of a value's JSON. Our types keep their maps sorted, so equal values hash equally.
pub fn hash_json<T: Serialize>(value: &T) -> String {
    sha256_hex(
        &serde_json::to_vec(value).expect("our types serialise: string keys, finite numbers"),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_as_everyone_does() {
        assert_eq!(
            super::sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
