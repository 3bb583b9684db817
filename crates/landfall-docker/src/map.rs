//! How what landfall wants is said in the Engine API's own words. Pure: requests in, bodies out.

mod container;
mod health;
mod hooks;
mod host;
mod limits;
mod mount;
mod needs;
mod network;
mod shared;

pub(crate) use container::{RESTART_LABEL, RESTART_NO, create_body, restart_policy};
pub(crate) use health::to_spec;
pub(crate) use hooks::hooks_of;
pub(crate) use needs::refuse_unknown;
pub(crate) use network::{connect_body, create_body as create_network_body, subnet};

use std::collections::{BTreeMap, HashMap};

use landfall_core::label::Labels;

/// The prefix of label keys that only we write.
const OUR_PREFIX: &str = "landfall.";

/// Our labels and the user's own, ours winning: what carries our labels is ours to remove.
pub(crate) fn labels(ours: &Labels, users: &BTreeMap<String, String>) -> HashMap<String, String> {
    let users = users.iter().filter(|(key, _)| !key.starts_with(OUR_PREFIX));
    users.map(|(k, v)| (k.clone(), v.clone())).chain(ours.to_map()).collect()
}

/// Labels as the engine reports them, if they are ours.
pub(crate) fn our_labels(map: Option<&HashMap<String, String>>) -> Option<Labels> {
    let map = map?;
    Labels::from_map(|key| map.get(key).map(String::as_str))
}

/// `None` for an empty collection: the engine's own default.
fn unless_empty<C: Clone + IntoIterator>(values: &C) -> Option<C> {
    values.clone().into_iter().next().is_some().then(|| values.clone())
}

fn to_hash_map(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// A size or a count in the engine's signed terms.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_label_never_stands_in_for_ours() {
        let ours = Labels {
            app: "shop".parse().unwrap(),
            release: landfall_core::id::ReleaseNumber(1),
            rollout: landfall_core::id::RolloutNumber(2),
            step: 3,
            scope: landfall_core::label::Scope::App,
            service: None,
            replica: None,
            revision: None,
        };
        let users = BTreeMap::from([
            ("landfall.app".to_owned(), "other".to_owned()),
            ("landfall.service".to_owned(), "forged".to_owned()),
            ("traefik.enable".to_owned(), "true".to_owned()),
        ]);
        let map = labels(&ours, &users);
        assert_eq!(our_labels(Some(&map)), Some(ours));
        assert_eq!(map["traefik.enable"], "true");
        assert!(!map.contains_key("landfall.service"));
    }
}
