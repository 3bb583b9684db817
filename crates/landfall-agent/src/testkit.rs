//! What this crate's own unit tests share.

use std::collections::BTreeMap;

use landfall_core::id::{ImageId, ReleaseNumber};
use landfall_core::release::{Release, SealedImage};

/// An image without anything of its own.
pub(crate) fn image(id: &str) -> SealedImage {
    SealedImage {
        id: ImageId(id.to_owned()),
        exposed: Vec::new(),
        healthcheck: None,
        volumes: Vec::new(),
    }
}

/// The shop, sealed.
pub(crate) fn release(number: u32) -> Release {
    let spec = landfall_core::testkit::shop();
    let images: BTreeMap<_, _> = spec
        .services
        .iter()
        .map(|(name, service)| (name.clone(), image(&format!("sha256:{}", service.image))))
        .collect();
    Release::seal(ReleaseNumber(number), spec, images).unwrap()
}
