//! Containers that run and that the engine does not know: it was started on a full or failing disk,
//! said "failed to register container", and went on without them. Until it is started again, nothing
//! that it answers about their app is true, and a second database would write into the first one's
//! volume. They are found in the engine's own folder, which only an agent on its host can read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use landfall_core::id::AppName;
use landfall_core::label::key;
use landfall_core::record::{Effect, Retry};
use landfall_deploy::ports::{EngineError, EngineErrorKind};
use serde::Deserialize;

use crate::client::{DockerEngine, SHORT};
use crate::error::{self, Call, not_now};
use crate::shim::{Shim, read};

/// Bytes of a container's description: hundreds of variables and labels fit.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Digits of a container's id.
const ID_DIGITS: usize = 64;

/// A container that runs and that the engine does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostContainer {
    /// Its app.
    pub app: AppName,
    /// Its name.
    pub name: String,
}

/// Containers in the engine's folder, taken before the engine is asked for those that it knows: what
/// is made meanwhile is then among these.
#[derive(Default)]
pub(crate) struct OnDisk {
    folder: PathBuf,
    ids: BTreeSet<String>,
}

impl OnDisk {
    /// Those that run and are of an app, or of any.
    fn lost(self, app: Option<&AppName>) -> Vec<LostContainer> {
        let described = |id: &String| described(&self.folder.join(id).join("config.v2.json"));
        let ours = self.ids.iter().filter_map(|id| Some((id, described(id)?)));
        let is_lost = |(id, one): &(&String, LostContainer)| {
            app.is_none_or(|app| one.app == *app) && Shim::of(id).is_some()
        };
        let mut lost: Vec<_> = ours.filter(is_lost).map(|(_, one)| one).collect();
        lost.sort();
        lost
    }
}

impl DockerEngine {
    /// Containers of ours that run and that the engine does not know. None where its folder cannot be
    /// read.
    pub async fn lost(&self) -> Result<Vec<LostContainer>, EngineError> {
        let on_disk = self.on_disk().await?;
        let filters = HashMap::from([("label".to_owned(), vec![key::APP.to_owned()])]);
        let ours = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let known = self.ask(self.docker().await?.list_containers(Some(ours))).await?;
        self.lost_of(on_disk, &known, None).await
    }

    /// What its folder has now.
    pub(crate) async fn on_disk(&self) -> Result<OnDisk, EngineError> {
        let Some(root) = self.root_dir().await? else { return Ok(OnDisk::default()) };
        let folder = root.join("containers");
        read_aside(move || OnDisk { ids: ids_in(&folder), folder }).await
    }

    /// Those of an app, or of all, that run and are not known; `known` has all known ones of it.
    pub(crate) async fn lost_of(
        &self,
        mut on_disk: OnDisk,
        known: &[ContainerSummary],
        app: Option<&AppName>,
    ) -> Result<Vec<LostContainer>, EngineError> {
        for id in known.iter().filter_map(|container| container.id.as_ref()) {
            on_disk.ids.remove(id);
        }
        if on_disk.ids.is_empty() {
            return Ok(Vec::new());
        }
        let app = app.cloned();
        read_aside(move || on_disk.lost(app.as_ref())).await
    }
}

/// The engine's disk may hang: nobody else waits for it, and we not for ever.
pub(crate) async fn read_aside<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::time::timeout(SHORT, tokio::task::spawn_blocking(read)).await {
        // What could not be looked at is not well.
        Ok(read) => read.map_err(|error| not_now(format!("the engine's folder: {error}"))),
        Err(_) => Err(error::timeout(Call::Ask, SHORT)),
    }
}

/// Why nothing of an app is done as long as these are lost.
pub(crate) fn refusal(lost: &[LostContainer]) -> EngineError {
    let names: Vec<_> = lost.iter().map(|one| one.name.as_str()).collect();
    let message =
        format!("the engine does not know containers that run: {}; restart it", names.join(", "));
    EngineError {
        kind: EngineErrorKind::LostTrack,
        effect: Effect::None,
        retry: Retry::Later,
        message,
    }
}

fn ids_in(containers: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(containers).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_id(name)).collect()
}

fn is_id(name: &str) -> bool {
    name.len() == ID_DIGITS && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What the engine wrote down of a container, if it is ours.
fn described(config: &Path) -> Option<LostContainer> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Written {
        name: String,
        config: Config,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Config {
        labels: BTreeMap<String, String>,
    }
    let written: Written = serde_json::from_slice(&read(config, CONFIG_BYTES_MAX)?).ok()?;
    let app = written.config.labels.get(key::APP)?.parse().ok()?;
    Some(LostContainer { app, name: written.name.trim_start_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "88bc7d0b15ebcc960585c893683ba55028b6b930f231dece32fcbd8e0f3bd368";

    #[test]
    fn only_what_is_ours_and_whole_is_described() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.v2.json");
        let told = |text: &str| {
            fs::write(&config, text).unwrap();
            described(&config)
        };
        let ours = r#"{"Name":"/shop-db","State":{},"Config":{"Labels":{"landfall.app":"shop"}}}"#;
        let lost = LostContainer { app: "shop".parse().unwrap(), name: "shop-db".to_owned() };
        assert_eq!(told(ours), Some(lost));
        assert_eq!(told(&ours.replace("landfall.app", "other")), None);
        assert_eq!(told(&ours.replace("shop\"", "not a name\"")), None);
        assert_eq!(told(&ours[..40]), None);
        assert_eq!(described(&folder.path().join("none")), None);
    }

    #[test]
    fn only_folders_of_containers_count() {
        let folder = tempfile::tempdir().unwrap();
        for name in [ID, "trash", &ID[1..], &ID.replace('8', "z")] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        assert_eq!(ids_in(folder.path()), BTreeSet::from([ID.to_owned()]));
        assert_eq!(ids_in(&folder.path().join("none")), BTreeSet::new());
    }
}
