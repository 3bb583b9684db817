//! `landfall recover`: a new store from what is left when the old one is lost or damaged.
//!
//! It looks at three places that do not depend on the database: sealed copies, the edge's table and
//! the labels of containers. What they agree on is written down as rollouts of the kind `recovered`.
//! What it does not understand it reports and leaves alone; the damaged database is kept aside. No
//! container is touched unless that is asked for, and then only leftovers of what it does understand.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};

use landfall_api::EdgeClient;
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_deploy::ports::{Engine, EngineError};
use serde::Serialize;

use crate::config::AgentConfig;
use crate::lock::{LockError, StateLock};
use crate::store::{Copies, Rebuild, StoreError, StoreState};

mod judge;

use judge::Case;

/// Every container that carries a label of ours, whatever the rest of them says.
pub trait Survey {
    /// All of them, running or not.
    fn labelled(&self) -> impl Future<Output = Result<Vec<Labelled>, EngineError>> + Send;
}

/// A container with a label of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// Id at the engine.
    pub id: String,
    /// Name, without a leading slash.
    pub name: String,
    /// It runs.
    pub running: bool,
    /// All of its labels.
    pub labels: BTreeMap<String, String>,
}

/// What to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecoverOptions {
    /// Do it; otherwise only say what would be done.
    pub apply: bool,
    /// Rebuild even a database that can be opened.
    pub anew: bool,
    /// Remove containers of rollouts that do not serve.
    pub clean_up: bool,
}

/// What was found, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// How the database is, in words.
    pub store: String,
    /// Where the present database is kept, once it was set aside.
    pub kept_aside: Option<PathBuf>,
    /// Apps that the database knows: they are left alone.
    pub known: Vec<AppName>,
    /// Apps that it does not know.
    pub apps: Vec<RecoveredApp>,
    /// What was not understood, and is left alone.
    pub remarks: Vec<String>,
    /// Whether it was done.
    pub applied: bool,
}

/// One app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecoveredApp {
    /// Which.
    pub app: AppName,
    /// The release that serves, if edge and labels agree on one.
    pub serving: Option<ReleaseNumber>,
    /// The rollout that brought it.
    pub rollout: Option<RolloutNumber>,
    /// Releases that can be rolled back to, the serving one included.
    pub releases: Vec<ReleaseNumber>,
    /// The number of its next rollout.
    pub next_rollout: RolloutNumber,
    /// Containers of rollouts that do not serve: the next deploy removes them.
    pub leftovers: Vec<String>,
    /// What a person should know.
    pub remarks: Vec<String>,
}

/// Nothing was recovered, and nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// An agent runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine does not say what runs.
    #[error("the engine does not answer: {0}")]
    Engine(#[from] EngineError),
    /// The edge does not say what serves.
    #[error("the edge does not answer: {0}")]
    Edge(String),
}

/// Looks, and rebuilds if that is asked for.
pub async fn recover<P: Engine + Survey>(
    config: &AgentConfig,
    platform: &P,
    options: RecoverOptions,
) -> Result<Recovery, RecoverError> {
    let _lock = StateLock::take(&config.state_dir)?;
    let state = StoreState::of(&config.state_dir)?;
    let known = match &state {
        StoreState::Whole(apps) if !options.anew => apps.clone(),
        StoreState::Whole(_) | StoreState::Missing | StoreState::Damaged(_) => Vec::new(),
    };
    let containers = platform.labelled().await?;
    let table = EdgeClient::new(&config.edge_socket).table().await;
    let table = table.map_err(|error| RecoverError::Edge(error.to_string()))?;
    let copies = Copies::new(&config.state_dir).all().map_err(StoreError::Io)?;
    let (mut cases, remarks) = judge::judge(copies, &table, &containers);
    cases.retain(|case| !known.contains(&case.app));
    let mut recovery = Recovery {
        store: state.to_string(),
        kept_aside: None,
        known,
        apps: cases.iter().map(RecoveredApp::from).collect(),
        remarks,
        applied: false,
    };
    if !options.apply {
        return Ok(recovery);
    }
    recovery.kept_aside = write(&config.state_dir, &state, options.anew, &cases)?;
    recovery.applied = true;
    if options.clean_up {
        for leftover in cases.iter().flat_map(|case| &case.leftovers) {
            platform.remove(&leftover.id).await?;
        }
    }
    Ok(recovery)
}

fn write(
    state_dir: &Path,
    state: &StoreState,
    anew: bool,
    cases: &[Case],
) -> Result<Option<PathBuf>, StoreError> {
    let is_kept = matches!(state, StoreState::Whole(_)) && !anew;
    let mut rebuild = if is_kept { Rebuild::within(state_dir)? } else { Rebuild::anew(state_dir)? };
    for case in cases {
        case.write(&mut rebuild)?;
    }
    rebuild.finish()
}

impl From<&Case> for RecoveredApp {
    fn from(case: &Case) -> Self {
        let serving = case.serving.as_ref();
        Self {
            app: case.app.clone(),
            serving: serving.map(|serving| serving.release),
            rollout: serving.map(|serving| serving.rollout),
            releases: case.stable(),
            next_rollout: case.next_rollout(),
            leftovers: case.leftovers.iter().map(|found| found.name.clone()).collect(),
            remarks: case.remarks.clone(),
        }
    }
}
