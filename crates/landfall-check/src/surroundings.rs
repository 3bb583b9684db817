//! What is around the compose files: the project's folder, and the facts of a live engine as plain
//! data, gathered by whoever talks to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use landfall_compose::Model;
use serde::{Deserialize, Serialize};

use crate::facts::{self, MountKind};
use crate::folder::{Disk, Folder};

/// What is around the compose files.
#[derive(Debug)]
pub struct Surroundings {
    /// Reads files; rules look at the project's folder, build contexts and what is mounted.
    pub folder: Box<dyn Folder>,
    /// What the app is checked for.
    pub purpose: Purpose,
    /// Where the user stands: places in files below it are shown relative to it. The project's
    /// folder by default.
    pub shown_from: Option<PathBuf>,
    /// The environment that the model was read with, for reading the compose files beside it.
    pub environment: BTreeMap<String, String>,
    /// What an engine says, if one was asked.
    pub engine: Option<EngineFacts>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            folder: Box::new(Disk::default()),
            purpose: Purpose::default(),
            shown_from: None,
            environment: BTreeMap::new(),
            engine: None,
        }
    }
}

/// What an app is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Others use it.
    #[default]
    Production,
    /// Its developers use it: mounted code and development servers are meant.
    Development,
}

/// What an engine says about what the app needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineFacts {
    /// Images that are there, by the reference as the compose file has it.
    pub images: BTreeMap<String, ImageFacts>,
    /// Volumes that are there, by their real name.
    pub volumes: BTreeMap<String, VolumeFacts>,
    /// Names of the networks that are there.
    pub networks: Option<BTreeSet<String>>,
    /// Room where the engine keeps its data.
    pub disk: Option<DiskFacts>,
    /// Running containers, other projects' too.
    pub containers: Vec<ContainerFacts>,
    /// Ports on which the host listens.
    pub listening: Vec<ListeningPort>,
}

/// What an engine says about an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageFacts {
    /// Its id, `sha256:…`.
    pub id: String,
    /// `USER`, as the image has it.
    pub user: Option<String>,
    /// The number of that user, when it is known.
    pub uid: Option<u32>,
    /// `WORKDIR`.
    pub workdir: Option<String>,
    /// Its size.
    pub size_bytes: u64,
}

/// What an engine says about a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VolumeFacts {
    /// Owner of its root.
    pub owner_uid: Option<u32>,
    /// Whether others than its owner and its group may write to its root.
    pub world_writable: bool,
}

/// Room on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskFacts {
    /// The folder that was asked about.
    pub path: String,
    /// What is free for us.
    pub free_bytes: u64,
    /// What there is altogether.
    pub total_bytes: u64,
}

/// What an engine says about a running container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainerFacts {
    /// Its name.
    pub name: String,
    /// The Compose project or landfall app that it belongs to.
    pub project: Option<String>,
    /// Its service.
    pub service: Option<String>,
    /// The reference that it was made of.
    pub image: String,
    /// The id of the image that it runs.
    pub image_id: String,
    /// Host ports that it has: port and protocol.
    pub ports: Vec<(u16, String)>,
}

/// A port on which the host listens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListeningPort {
    /// The port.
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The address; empty for all.
    pub address: String,
    /// Who listens, when it is known.
    pub owner: Option<String>,
}

/// What an engine would have to be asked for [`EngineFacts`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Questions {
    /// References of images.
    pub images: BTreeSet<String>,
    /// Real names of volumes.
    pub volumes: BTreeSet<String>,
    /// Published host ports: port and protocol.
    pub ports: BTreeSet<(u16, String)>,
}

/// What to ask an engine about this app.
pub fn questions(model: &Model) -> Questions {
    let mut questions = Questions::default();
    for (_, view) in model.services() {
        questions.images.extend(view.get("image").and_then(landfall_compose::View::printed));
        for mount in facts::mounts(view, model.directory()) {
            if let (MountKind::Volume, Some(source)) = (mount.kind, &mount.source) {
                questions.volumes.insert(facts::volume_name(model, source));
            }
        }
        for port in facts::ports(view) {
            if let Some((first, last)) = port.published {
                let all = (first..=last).take(64).map(|number| (number, port.protocol.clone()));
                questions.ports.extend(all);
            }
        }
    }
    questions
}
