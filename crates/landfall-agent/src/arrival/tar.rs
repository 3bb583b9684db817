//! From a pushed image's contents to a tar that every engine loads.
//!
//! The contents come without names. Each is counted and hashed as it passes; the documents that say
//! what they are (two of them: Docker's own and OCI's, since some engines read only the one and some
//! only the other) are written here. Layers that the engine has are named in them and left out.

use std::io::{self, Read, Write};

use landfall_api::{
    Digest, IMAGE_CONFIG_MAX_BYTES, IMAGE_LAYERS_MAX, IMAGE_MAX_BYTES, ImagePart, ImagePush,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// What is wrong with an image that was pushed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadImage {
    #[error("an image has between 1 and {IMAGE_LAYERS_MAX} layers, and this one has {0}")]
    Layers(usize),
    #[error("the image is larger than {IMAGE_MAX_BYTES} bytes")]
    TooLarge,
    #[error("its configuration is larger than {IMAGE_CONFIG_MAX_BYTES} bytes")]
    LargeConfig,
    #[error("what was sent is no gzip stream, or it broke off")]
    Unreadable(#[source] io::Error),
    #[error("{0} is shorter than announced")]
    Short(Digest),
    #[error("{0} is announced, and something else was sent")]
    Other(Digest),
    #[error("more was sent than was announced")]
    More,
    #[error("its configuration is not that of an image")]
    Config,
    #[error("its configuration names other layers than were announced")]
    OtherLayers,
    /// The engine is the one to say why.
    #[error("the engine takes no more of it")]
    HungUp(#[source] io::Error),
}

/// Checks what is announced before anything is read.
pub(super) fn check(push: &ImagePush) -> Result<(), BadImage> {
    if push.layers.is_empty() || push.layers.len() > IMAGE_LAYERS_MAX {
        return Err(BadImage::Layers(push.layers.len()));
    }
    if push.config.bytes > IMAGE_CONFIG_MAX_BYTES {
        return Err(BadImage::LargeConfig);
    }
    let mut sizes = push.layers.iter().map(|layer| layer.part.bytes);
    let sum = sizes.try_fold(push.config.bytes, u64::checked_add);
    if sum.is_none_or(|sum| sum > IMAGE_MAX_BYTES) { Err(BadImage::TooLarge) } else { Ok(()) }
}

/// Reads the contents and writes the tar; the image is named `repository:version` in it.
pub(super) fn write(
    push: &ImagePush,
    (repository, version): (&str, &str),
    mut contents: impl Read,
    out: impl Write,
) -> Result<(), BadImage> {
    check(push)?;
    let config = read_config(push, &mut contents)?;
    let mut tar = Builder::new(out);
    let manifest = json(&Manifest::of(push));
    let index = json(&Index::of(&manifest, repository, version));
    document(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    document(&mut tar, "index.json", &index)?;
    document(&mut tar, &blob(&digest_of(&manifest)), &manifest)?;
    document(&mut tar, &blob(&push.config.digest), &config)?;
    document(&mut tar, "manifest.json", &json(&[Legacy::of(push, repository, version)]))?;
    for layer in push.layers.iter().filter(|layer| layer.sent) {
        content(&mut tar, &layer.part, &mut contents)?;
    }
    match contents.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => return Err(BadImage::More),
        Err(error) => return Err(BadImage::Unreadable(error)),
    }
    tar.into_inner().and_then(|mut out| out.flush()).map_err(BadImage::HungUp)
}

/// The configuration, which must name the layers that were announced.
fn read_config(push: &ImagePush, contents: &mut impl Read) -> Result<Vec<u8>, BadImage> {
    #[derive(Deserialize)]
    struct Config {
        rootfs: RootFs,
    }
    #[derive(Deserialize)]
    struct RootFs {
        diff_ids: Vec<String>,
    }
    let part = &push.config;
    let mut bytes = Vec::new();
    contents.take(part.bytes).read_to_end(&mut bytes).map_err(BadImage::Unreadable)?;
    if u64::try_from(bytes.len()) != Ok(part.bytes) {
        return Err(BadImage::Short(part.digest.clone()));
    }
    if digest_of(&bytes) != part.digest {
        return Err(BadImage::Other(part.digest.clone()));
    }
    let config: Config = serde_json::from_slice(&bytes).map_err(|_| BadImage::Config)?;
    let layers = push.layers.iter().map(|layer| layer.part.digest.as_str());
    if config.rootfs.diff_ids.iter().map(String::as_str).eq(layers) {
        Ok(bytes)
    } else {
        Err(BadImage::OtherLayers)
    }
}

/// Copies one layer, counting and hashing.
fn content(
    tar: &mut Builder<impl Write>,
    part: &ImagePart,
    contents: &mut impl Read,
) -> Result<(), BadImage> {
    let mut passing =
        Passing { from: contents.take(part.bytes), hash: Sha256::new(), failed: None };
    let mut header = header(part.bytes);
    if let Err(error) = tar.append_data(&mut header, blob(&part.digest), &mut passing) {
        return Err(match passing.failed {
            Some(failed) => BadImage::Unreadable(failed),
            None => BadImage::HungUp(error),
        });
    }
    if passing.from.limit() > 0 {
        return Err(BadImage::Short(part.digest.clone()));
    }
    if Digest::of(&passing.hash.finalize().into()) == part.digest {
        Ok(())
    } else {
        Err(BadImage::Other(part.digest.clone()))
    }
}

struct Passing<R> {
    from: io::Take<R>,
    hash: Sha256,
    /// What reading failed with, to tell it from what writing did.
    failed: Option<io::Error>,
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.from.read(bytes) {
            Ok(n) => {
                self.hash.update(&bytes[..n]);
                Ok(n)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

fn document(tar: &mut Builder<impl Write>, name: &str, bytes: &[u8]) -> Result<(), BadImage> {
    let mut header = header(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes).map_err(BadImage::HungUp)
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(bytes);
    header
}

fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::of(&Sha256::digest(bytes).into())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("these are plain structures")
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A manifest of the OCI image format 1.0. Its digest is the image's id where containerd keeps images,
/// so the same image must always give the same text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations>,
}

#[derive(Serialize)]
struct Annotations {
    #[serde(rename = "io.containerd.image.name")]
    name: String,
    #[serde(rename = "org.opencontainers.image.ref.name")]
    version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

/// One image in `manifest.json`, as `docker save` writes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Legacy {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

impl Descriptor {
    fn of(part: &ImagePart, media_type: &'static str) -> Self {
        Self { media_type, digest: part.digest.clone(), size: part.bytes, annotations: None }
    }
}

impl Manifest {
    fn of(push: &ImagePush) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST,
            config: Descriptor::of(&push.config, CONFIG),
            layers: push.layers.iter().map(|l| Descriptor::of(&l.part, LAYER)).collect(),
        }
    }
}

impl Index {
    fn of(manifest: &[u8], repository: &str, version: &str) -> Self {
        let annotations = Annotations {
            name: format!("docker.io/{repository}:{version}"),
            version: version.to_owned(),
        };
        let manifest = Descriptor {
            media_type: MANIFEST,
            digest: digest_of(manifest),
            size: manifest.len() as u64,
            annotations: Some(annotations),
        };
        Self { schema_version: 2, media_type: INDEX, manifests: vec![manifest] }
    }
}

impl Legacy {
    fn of(push: &ImagePush, repository: &str, version: &str) -> Self {
        Self {
            config: blob(&push.config.digest),
            repo_tags: vec![format!("{repository}:{version}")],
            layers: push.layers.iter().map(|layer| blob(&layer.part.digest)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use landfall_api::ImageLayer;

    use super::*;

    /// An image of these layers; the last `sent` of them travel.
    fn image(layers: &[&[u8]], sent: usize) -> (ImagePush, Vec<u8>) {
        let ids: Vec<_> = layers.iter().map(|layer| digest_of(layer)).collect();
        let config = json(&serde_json::json!({ "rootfs": { "diff_ids": ids } }));
        let part = |bytes: &[u8]| ImagePart { digest: digest_of(bytes), bytes: bytes.len() as u64 };
        let first = layers.len() - sent;
        let announced = layers
            .iter()
            .enumerate()
            .map(|(n, layer)| ImageLayer { part: part(layer), sent: n >= first });
        let push = ImagePush {
            reference: "shop:1".into(),
            config: part(&config),
            layers: announced.collect(),
        };
        (push, [&[config.as_slice()], &layers[first..]].concat().concat())
    }

    fn written(push: &ImagePush, contents: &[u8]) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        write(push, ("landfall/load", "7"), contents, &mut out).map_err(|e| e.to_string())?;
        let mut tar = tar::Archive::new(out.as_slice());
        let entries = tar.entries().unwrap();
        Ok(entries.map(|e| e.unwrap().path().unwrap().display().to_string()).collect())
    }

    #[test]
    fn the_tar_has_both_kinds_of_documents_and_only_the_layers_that_travel() {
        let (push, contents) = image(&[b"base", b"app"], 1);
        let names = written(&push, &contents).unwrap();
        assert_eq!(names[..2], ["oci-layout", "index.json"]);
        assert_eq!(names[4..], ["manifest.json", &blob(&digest_of(b"app"))]);
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn the_same_image_has_the_same_manifest_however_much_of_it_travels() {
        let (whole, part) = (image(&[b"base", b"app"], 2).0, image(&[b"base", b"app"], 0).0);
        assert_eq!(json(&Manifest::of(&whole)), json(&Manifest::of(&part)));
    }

    #[test]
    fn what_is_not_as_announced_is_refused() {
        let (push, contents) = image(&[b"base", b"app"], 2);
        let mut flipped = contents.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(written(&push, &flipped).unwrap_err().ends_with("something else was sent"));
        let short = &contents[..contents.len() - 1];
        assert!(written(&push, short).unwrap_err().ends_with("shorter than announced"));
        assert!(written(&push, &contents[..3]).unwrap_err().ends_with("shorter than announced"));
        let more = [&contents[..], b"x"].concat();
        assert_eq!(written(&push, &more).unwrap_err(), "more was sent than was announced");
        let mut other = push.clone();
        other.layers.swap(0, 1);
        assert!(written(&other, &contents).unwrap_err().contains("names other layers"));
        let mut config = push.clone();
        config.config = ImagePart { digest: digest_of(b"hello"), bytes: 5 };
        assert!(written(&config, b"hello").unwrap_err().contains("not that of an image"));
    }

    #[test]
    fn limits_hold_before_a_byte_is_read() {
        let (mut push, _) = image(&[b"base"], 1);
        push.layers[0].part.bytes = u64::MAX;
        assert!(matches!(check(&push), Err(BadImage::TooLarge)));
        push.config.bytes = IMAGE_CONFIG_MAX_BYTES + 1;
        assert!(matches!(check(&push), Err(BadImage::LargeConfig)));
        push.layers = vec![push.layers[0].clone(); IMAGE_LAYERS_MAX + 1];
        assert!(matches!(check(&push), Err(BadImage::Layers(_))));
        push.layers.clear();
        assert!(matches!(check(&push), Err(BadImage::Layers(0))));
    }
}
