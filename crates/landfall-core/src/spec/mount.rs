//! What is mounted into a container.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_default;
use crate::id::Key;

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path inside.
    pub target: String,
    /// What is mounted.
    pub kind: MountKind,
    /// Not writable from inside.
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum MountKind {
    /// A named volume.
    Volume {
        /// Key in [`crate::spec::AppSpec::volumes`].
        volume: Key,
        /// Do not copy the image's content into a fresh volume.
        nocopy: bool,
        /// Only this folder of it (engine 26 and newer).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subpath: Option<String>,
    },
    /// A volume without a name, made with the container and removed with it.
    AnonymousVolume {
        /// The user's own labels.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
    },
    /// A host path, used where it is: data.
    Bind {
        /// Absolute host path.
        source: String,
        /// Make a missing host folder.
        create_host_path: bool,
        /// Mount propagation, for example `rshared`.
        propagation: Option<String>,
        /// Labels for `SELinux`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relabel: Option<Relabel>,
        /// What becomes of the mounts below it.
        #[serde(default, skip_serializing_if = "is_default")]
        recursive: Recursive,
    },
    /// Content sealed into the release.
    Sealed {
        /// Key in [`crate::spec::AppSpec::files`].
        tree: String,
        /// Labels for `SELinux`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relabel: Option<Relabel>,
    },
    /// Memory.
    Tmpfs {
        /// Size limit.
        size_bytes: Option<u64>,
        /// Permission bits.
        mode: Option<u32>,
        /// Further mount options, for example `uid=1000` or `exec`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// The files of an image, read-only (engine 28 and newer).
    Image {
        /// Image reference as written.
        image: String,
        /// Only this folder of it.
        subpath: Option<String>,
    },
}

/// How a bind is labelled for `SELinux`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relabel {
    /// `z`: all containers may use it.
    Shared,
    /// `Z`: this container alone.
    Private,
}

/// What becomes of the mounts below a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recursive {
    /// They are there, and read-only with it where the kernel can.
    #[default]
    Enabled,
    /// They are not there.
    Disabled,
    /// They are there, and stay writable in a read-only bind.
    Writable,
    /// They are there and read-only, or the mount fails.
    ReadOnly,
}
