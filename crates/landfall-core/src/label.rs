//! The labels on everything landfall makes. What is found by them is ours; nothing else is touched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AppName, ReleaseNumber, Revision, RolloutNumber, ServiceName};

/// Label keys.
pub mod key {
    /// App name.
    pub const APP: &str = "landfall.app";
    /// Release number, digits only.
    pub const RELEASE: &str = "landfall.release";
    /// Rollout number, digits only.
    pub const ROLLOUT: &str = "landfall.rollout";
    /// Service name.
    pub const SERVICE: &str = "landfall.service";
    /// Replica index, from 1.
    pub const REPLICA: &str = "landfall.replica";
    /// Index of the plan's step that made it.
    pub const STEP: &str = "landfall.step";
    /// `app` or `release`.
    pub const SCOPE: &str = "landfall.scope";
    /// Service revision.
    pub const REVISION: &str = "landfall.revision";
}

/// Whose lifetime a container, network or volume shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The app's: stateful services, the networks they live on, data volumes.
    App,
    /// One rollout's: replaced as a whole.
    Release,
}

/// The labels of one container, network or volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Labels {
    /// Whose.
    pub app: AppName,
    /// Of which release.
    pub release: ReleaseNumber,
    /// Made by which rollout.
    pub rollout: RolloutNumber,
    /// Made by which step of its plan.
    pub step: u32,
    /// Lifetime.
    pub scope: Scope,
    /// Of which service (containers).
    pub service: Option<ServiceName>,
    /// Which replica, from 1 (containers).
    pub replica: Option<u32>,
    /// At which revision (containers).
    pub revision: Option<Revision>,
}

impl Labels {
    /// As label keys and values.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let scope = match self.scope {
            Scope::App => "app",
            Scope::Release => "release",
        };
        let mut map = BTreeMap::from([
            (key::APP.to_owned(), self.app.to_string()),
            (key::RELEASE.to_owned(), self.release.0.to_string()),
            (key::ROLLOUT.to_owned(), self.rollout.0.to_string()),
            (key::STEP.to_owned(), self.step.to_string()),
            (key::SCOPE.to_owned(), scope.to_owned()),
        ]);
        if let Some(service) = &self.service {
            map.insert(key::SERVICE.to_owned(), service.to_string());
        }
        if let Some(replica) = self.replica {
            map.insert(key::REPLICA.to_owned(), replica.to_string());
        }
        if let Some(revision) = &self.revision {
            map.insert(key::REVISION.to_owned(), revision.0.clone());
        }
        map
    }

    /// Reads labels back; `None` when they are not (wholly) ours.
    pub fn from_map<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let scope = match get(key::SCOPE)? {
            "app" => Scope::App,
            "release" => Scope::Release,
            _ => return None,
        };
        Some(Self {
            app: get(key::APP)?.parse().ok()?,
            release: ReleaseNumber(get(key::RELEASE)?.parse().ok()?),
            rollout: RolloutNumber(get(key::ROLLOUT)?.parse().ok()?),
            step: get(key::STEP)?.parse().ok()?,
            scope,
            service: get(key::SERVICE).and_then(|s| s.parse().ok()),
            replica: get(key::REPLICA).and_then(|s| s.parse().ok()),
            revision: get(key::REVISION).map(|s| Revision(s.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_the_round_trip_and_strangers_are_not_ours() {
        let labels = Labels {
            app: "shop".parse().unwrap(),
            release: ReleaseNumber(2),
            rollout: RolloutNumber(7),
            step: 3,
            scope: Scope::Release,
            service: Some("web".parse().unwrap()),
            replica: Some(1),
            revision: Some(Revision("ab".into())),
        };
        let map = labels.to_map();
        assert_eq!(Labels::from_map(|k| map.get(k).map(String::as_str)), Some(labels));
        assert_eq!(Labels::from_map(|_| None), None);
    }
}
