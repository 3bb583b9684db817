//! An image as the local engine exports it: a tar with `manifest.json`, in which configuration and
//! layers are found. What engines of all ages write is read: layers below folders, links to layers of
//! the same content, blobs by digest, packed blobs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use landfall_api::{Digest, IMAGE_CONFIG_MAX_BYTES, ImageLayer, ImagePart, ImagePush};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

/// Entries of an exported image: a handful a layer.
const ENTRIES_MAX: usize = 10_000;
/// Links from one to the next.
const LINKS_MAX: usize = 8;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// An exported image cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("the exported image cannot be read")]
    Read(#[from] io::Error),
    #[error("the exported image has no `{0}`")]
    Missing(String),
    #[error("`{0}` of the exported image makes no sense")]
    Malformed(String),
    #[error("a layer of the image is packed with zstd, which is not understood here")]
    Zstd,
}

/// An exported image that was looked through.
#[derive(Debug)]
pub(super) struct Saved {
    file: File,
    config: (Span, ImagePart),
    layers: Vec<Layer>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    at: u64,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct Layer {
    span: Span,
    is_packed: bool,
    part: ImagePart,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<Digest>,
}

impl Saved {
    /// Looks through an exported image.
    pub(super) fn read(file: File) -> Result<Self, ArchiveError> {
        let names = Names::read(&file)?;
        let manifests: Vec<Manifest> = names.json(&file, "manifest.json")?;
        let manifest = manifests.into_iter().next();
        let manifest = manifest.ok_or_else(|| ArchiveError::Missing("manifest".to_owned()))?;
        let span = names.find(&manifest.config)?;
        let bytes = document(&file, &manifest.config, span)?;
        let malformed = || ArchiveError::Malformed(manifest.config.clone());
        let config: Config = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
        let digest = Digest::of(&Sha256::digest(&bytes).into());
        if config.rootfs.diff_ids.len() != manifest.layers.len() {
            return Err(malformed());
        }
        let layers = config.rootfs.diff_ids.into_iter().zip(&manifest.layers);
        let layers = layers.map(|(digest, name)| Layer::read(&file, names.find(name)?, digest));
        let layers = layers.collect::<Result<_, _>>()?;
        let config = (span, ImagePart { digest, bytes: span.bytes });
        Ok(Self { file, config, layers })
    }

    /// The same image, for a thread.
    pub(super) fn again(&self) -> Result<Self, ArchiveError> {
        let (config, layers) = (self.config.clone(), self.layers.clone());
        Ok(Self { file: self.file.try_clone()?, config, layers })
    }

    /// What is announced when the first `present` layers stay away.
    pub(super) fn announce(&self, reference: &str, present: usize) -> ImagePush {
        let layer = |(n, layer): (usize, &Layer)| ImageLayer {
            part: layer.part.clone(),
            sent: n >= present,
        };
        ImagePush {
            reference: reference.to_owned(),
            config: self.config.1.clone(),
            layers: self.layers.iter().enumerate().map(layer).collect(),
        }
    }

    /// Writes the contents that were announced, packed.
    pub(super) fn write(&self, present: usize, out: impl Write) -> io::Result<()> {
        let mut out = GzEncoder::new(out, Compression::new(5));
        io::copy(&mut Part { file: &self.file, left: self.config.0 }, &mut out)?;
        for layer in self.layers.iter().skip(present) {
            io::copy(&mut layer.content(&self.file), &mut out)?;
        }
        out.finish()?.flush()
    }
}

impl Layer {
    fn read(file: &File, span: Span, digest: Digest) -> Result<Self, ArchiveError> {
        let mut head = Vec::new();
        Part { file, left: span }.take(4).read_to_end(&mut head)?;
        if head == ZSTD {
            return Err(ArchiveError::Zstd);
        }
        let is_packed = head.starts_with(&GZIP);
        let mut layer = Self { span, is_packed, part: ImagePart { digest, bytes: span.bytes } };
        if is_packed {
            layer.part.bytes = io::copy(&mut layer.content(file), &mut io::sink())?;
        }
        Ok(layer)
    }

    /// Its unpacked content.
    fn content<'a>(&self, file: &'a File) -> Box<dyn Read + 'a> {
        let part = BufReader::with_capacity(256 * 1024, Part { file, left: self.span });
        if self.is_packed { Box::new(GzDecoder::new(part)) } else { Box::new(part) }
    }
}

/// Where everything in the tar is.
struct Names {
    files: BTreeMap<PathBuf, Span>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Names {
    fn read(file: &File) -> Result<Self, ArchiveError> {
        let mut names = Self { files: BTreeMap::new(), links: BTreeMap::new() };
        let mut tar = Archive::new(BufReader::new(file));
        for (n, entry) in tar.entries_with_seek()?.enumerate() {
            let entry = entry?;
            let path = clean(&entry.path()?);
            let kind = entry.header().entry_type();
            if kind == EntryType::Regular {
                let span = Span { at: entry.raw_file_position(), bytes: entry.size() };
                names.files.insert(path, span);
            } else if let (EntryType::Symlink, Some(target)) = (kind, entry.link_name()?) {
                let folder = path.parent().unwrap_or(Path::new(""));
                let target = clean(&folder.join(target));
                names.links.insert(path, target);
            }
            if n > ENTRIES_MAX {
                return Err(ArchiveError::Malformed("list of entries".to_owned()));
            }
        }
        Ok(names)
    }

    fn find(&self, name: &str) -> Result<Span, ArchiveError> {
        let mut path = clean(Path::new(name));
        for _ in 0..LINKS_MAX {
            if let Some(span) = self.files.get(&path) {
                return Ok(*span);
            }
            let Some(target) = self.links.get(&path) else { break };
            path.clone_from(target);
        }
        Err(ArchiveError::Missing(name.to_owned()))
    }

    fn json<T: DeserializeOwned>(&self, file: &File, name: &str) -> Result<T, ArchiveError> {
        let bytes = document(file, name, self.find(name)?)?;
        serde_json::from_slice(&bytes).map_err(|_| ArchiveError::Malformed(name.to_owned()))
    }
}

fn document(file: &File, name: &str, span: Span) -> Result<Vec<u8>, ArchiveError> {
    if span.bytes > IMAGE_CONFIG_MAX_BYTES {
        return Err(ArchiveError::Malformed(name.to_owned()));
    }
    let mut bytes = Vec::new();
    Part { file, left: span }.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Without `.` and `..`, never above the top.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::ParentDir => drop(out.pop()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    out
}

/// A stretch of a file; several may be read at once.
struct Part<'a> {
    file: &'a File,
    left: Span,
}

impl Read for Part<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left.bytes).unwrap_or(usize::MAX).min(out.len());
        let n = self.file.read_at(&mut out[..room], self.left.at)?;
        self.left.at += n as u64;
        self.left.bytes -= n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(entries: &[(&str, &[u8])], links: &[(&str, &str)]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        let mut tar = tar::Builder::new(&mut file);
        for (name, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        for (name, target) in links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, name, target).unwrap();
        }
        tar.finish().unwrap();
        drop(tar);
        io::Seek::rewind(&mut file).unwrap();
        file
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn digest(bytes: &[u8]) -> Digest {
        Digest::of(&Sha256::digest(bytes).into())
    }

    fn sent(saved: &Saved, present: usize) -> String {
        let mut out = Vec::new();
        saved.write(present, &mut out).unwrap();
        let mut text = String::new();
        GzDecoder::new(out.as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn layers_below_folders_linked_and_packed_are_read() {
        let config = serde_json::json!({ "rootfs": { "diff_ids":
            [digest(b"base"), digest(b"base"), digest(b"app")] } })
        .to_string();
        let manifest = r#"[{"Config":"c.json","RepoTags":["a:1"],
            "Layers":["1/layer.tar","2/layer.tar","blobs/sha256/x"]}]"#;
        let file = tar(
            &[
                ("1/layer.tar", b"base"),
                ("blobs/sha256/x", &packed(b"app")),
                ("c.json", config.as_bytes()),
                ("manifest.json", manifest.as_bytes()),
            ],
            &[("2/layer.tar", "../1/layer.tar")],
        );
        let saved = Saved::read(file).unwrap();
        let push = saved.announce("a:1", 2);
        let layers: Vec<_> = push.layers.iter().map(|l| (l.part.bytes, l.sent)).collect();
        assert_eq!(layers, [(4, false), (4, false), (3, true)]);
        assert_eq!(push.config.digest, digest(config.as_bytes()));
        assert_eq!(sent(&saved, 2), format!("{config}app"));
        assert_eq!(sent(&saved, 0), format!("{config}basebaseapp"));
        assert_eq!(sent(&saved, 3), config);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let read = |entries: &[(&str, &[u8])]| Saved::read(tar(entries, &[])).unwrap_err();
        assert!(matches!(read(&[("a", b"b")]), ArchiveError::Missing(_)));
        assert!(matches!(read(&[("manifest.json", b"{}")]), ArchiveError::Malformed(_)));
        let manifest = br#"[{"Config":"../../etc/passwd","Layers":[]}]"#;
        assert!(matches!(read(&[("manifest.json", manifest)]), ArchiveError::Missing(_)));
        let layers = [("l", &ZSTD[..]), ("c", br#"{"rootfs":{"diff_ids":["#)];
        assert!(matches!(read(&layers), ArchiveError::Missing(_)));
        let file = tar(&[("a", b"b")], &[("manifest.json", "manifest.json")]);
        assert!(matches!(Saved::read(file).unwrap_err(), ArchiveError::Missing(_)));
    }
}
