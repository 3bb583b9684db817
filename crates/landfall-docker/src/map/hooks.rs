//! A container's hooks, kept in a label of its own: whoever stops it, or starts it again, knows no
//! release, and after a roll-back or a crash there may be none at hand.

use std::collections::HashMap;

use landfall_core::spec::{ContainerSpec, Hook};
use serde::{Deserialize, Serialize};

/// Hooks as JSON; no such label, no hooks.
pub(crate) const HOOKS_LABEL: &str = "landfall.hooks";

/// A container's hooks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Hooks {
    pub(crate) post_start: Vec<Hook>,
    pub(crate) pre_stop: Vec<Hook>,
}

impl Hooks {
    /// The label's value; `None` without hooks.
    pub(super) fn of(spec: &ContainerSpec) -> Option<String> {
        if spec.post_start.is_empty() && spec.pre_stop.is_empty() {
            return None;
        }
        let hooks = Self { post_start: spec.post_start.clone(), pre_stop: spec.pre_stop.clone() };
        serde_json::to_string(&hooks).ok()
    }
}

/// What a container's labels say; nothing, if that cannot be read.
pub(crate) fn hooks_of(labels: Option<&HashMap<String, String>>) -> Hooks {
    let written = labels.and_then(|labels| labels.get(HOOKS_LABEL));
    written.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
