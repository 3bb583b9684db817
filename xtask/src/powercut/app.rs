//! The app that is deployed while the power is cut: two replicas that answer their release's word. It
//! needs no file of the state folders, which the engine cannot see, and starts in a moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use landfall_testing::host::{Host, Project, Running};

use super::APP;
use crate::http;

/// All that the compose file names.
pub(super) const IMAGE: &str = "busybox:latest";
/// Of `web`, as the compose file says.
pub(super) const REPLICAS: usize = 2;

const COMPOSE: &str = r#"services:
  web:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "mkdir -p /site; echo $WORD > /site/index.html; exec httpd -f -p ${INNER} -h /site"]
    ports: ["127.0.0.1:${OUTER}:8080"]
    deploy: {replicas: 2}
    depends_on: {setup: {condition: service_completed_successfully}}
    x-landfall: {health: {path: /, timeout: 2s}}
  setup:
    image: busybox:latest
    command: ["true"]
"#;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A release that works.
    Upgrade,
    /// One that never gets healthy, so that the rollout is undone.
    Broken,
    /// Back to the release before.
    RollBack,
}

impl Wish {
    /// How long it takes, when an upgrade takes so long.
    pub(super) fn span(self, upgrade: Duration) -> Duration {
        match self {
            Self::Upgrade | Self::RollBack => upgrade,
            Self::Broken => upgrade + Duration::from_secs(2),
        }
    }
}

/// Writes the compose file.
pub(super) fn project(folder: &Path, port: u16) -> Result<Project> {
    fs::create_dir_all(folder)?;
    let file = folder.join("compose.yaml");
    fs::write(&file, COMPOSE)?;
    Ok(Project::new(file, APP).with("OUTER", &port.to_string()))
}

/// Asks for it; `word` is what the release answers, if it is a new one.
pub(super) fn ask_for(host: &Host, project: &Project, wish: Wish, word: &str) -> Result<Running> {
    let variables = |inner| [("WORD", word), ("INNER", inner)];
    Ok(match wish {
        Wish::Upgrade => host.spawn_deploy(project, &variables("8080"))?,
        // It listens where nobody asks.
        Wish::Broken => host.spawn_deploy(project, &variables("9"))?,
        Wish::RollBack => host.spawn_verb(project, &["rollback"], &variables("8080"))?,
    })
}

/// The words that are answered: more than one, if more than one release serves.
pub(super) fn answers(port: u16) -> Result<BTreeSet<String>> {
    let one = |_| http::word(("127.0.0.1", port)).map(|word| word.unwrap_or_else(|status| status));
    (0..2 * REPLICAS).map(one).collect()
}
