//! What goes in and what comes out of loading.

use std::collections::BTreeMap;
use std::path::PathBuf;

use landfall_core::diagnostic::Diagnostic;
use landfall_core::id::ServiceName;
use landfall_core::secret::Secret;
use landfall_core::spec::{AppSpec, Ulimit};

use crate::source::Sources;

/// What to load, and with what. This crate reads no process environment: everything is in here.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Compose files, later ones over earlier ones. Empty: `COMPOSE_FILE`, or else the usual names
    /// in `directory` or the nearest folder above it.
    pub files: Vec<PathBuf>,
    /// Where the user stands; absolute. Relative paths above and below start here.
    pub directory: PathBuf,
    /// Where relative paths inside the files start; the folder of the first file by default.
    pub project_directory: Option<PathBuf>,
    /// Name of the app; `COMPOSE_PROJECT_NAME`, the file's `name` or the folder's by default.
    pub project_name: Option<String>,
    /// Profiles to enable, `*` for all; `COMPOSE_PROFILES` by default.
    pub profiles: Vec<String>,
    /// Files with variables; `.env` beside the compose file by default.
    pub env_files: Vec<PathBuf>,
    /// What stands for the file `-`; without it, that file is refused.
    pub stdin: Option<Vec<u8>>,
    /// The process environment. It wins over every file.
    pub environment: BTreeMap<String, String>,
    /// The app is to run on another host: what is mounted as it is must not be a path of this one.
    pub is_for_another_host: bool,
}

/// A loaded app.
#[derive(Debug, Clone)]
pub struct Project {
    /// What is to run.
    pub spec: AppSpec,
    /// Images that must be built first, by service.
    pub builds: BTreeMap<ServiceName, BuildSpec>,
    /// What to look at.
    pub warnings: Vec<Diagnostic>,
    /// The texts that the warnings point into.
    pub sources: Sources,
    /// Where relative paths inside the files start; absolute.
    pub directory: PathBuf,
}

/// Nothing was loaded. All problems at once, warnings among them.
#[derive(Debug, Clone)]
pub struct LoadFailed {
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that it points into.
    pub sources: Sources,
}

impl std::fmt::Display for LoadFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the compose files cannot be deployed")
    }
}

impl std::error::Error for LoadFailed {}

/// How an image is built. `None` and empty mean "as the builder has it".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildSpec {
    /// Folder that is sent to the builder; absolute.
    pub context: PathBuf,
    /// Path of the Dockerfile, relative to the context or absolute.
    pub dockerfile: Option<String>,
    /// The Dockerfile itself.
    pub dockerfile_inline: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, Secret<String>>,
    /// Stage to build.
    pub target: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Images whose layers may be used again.
    pub cache_from: Vec<String>,
    /// Use no layer again.
    pub no_cache: bool,
    /// Ask the registry for newer base images.
    pub pull: bool,
    /// Network of the build's containers.
    pub network: Option<String>,
    /// Size of `/dev/shm` of the build's containers.
    pub shm_size_bytes: Option<u64>,
    /// `host:address` pairs for `/etc/hosts` of the build's containers.
    pub extra_hosts: Vec<String>,
    /// Target platform, for example `linux/amd64`.
    pub platform: Option<String>,
    /// Further names for the image.
    pub tags: Vec<String>,
    /// Limits of the build's processes, by name.
    pub ulimits: BTreeMap<String, Ulimit>,
}
